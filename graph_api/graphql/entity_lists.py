"""The lists of entities: of all, and one for each type that has a name."""

from typing import Annotated, Any

import strawberry

from graph_api.catalog.filters import And, Compare, Filter, Op
from graph_api.catalog.kinds import APPLICATION_TYPES, LIBRARY_TYPES, SERVICE_TYPES
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.arguments import After, Before, FilterArgument, First, Last, SortArgument, described
from graph_api.graphql.context import Info
from graph_api.graphql.entity_pages import Connection, entity_page
from graph_api.graphql.entity_types import (
    Api,
    Application,
    Dataset,
    Domain,
    Environment,
    Group,
    Library,
    Pipeline,
    Repository,
    Resource,
    Service,
    System,
    UnresolvedEntity,
    User,
)
from graph_api.graphql.filtering import compile_filter
from graph_api.graphql.refs import parse_ref_inputs
from graph_api.graphql.types import Entity


def _list(condition: Filter, description: str) -> Any:
    """A connection of the entities that match a fixed condition and the client's filter."""

    async def resolve(
        info: Info,
        filter: FilterArgument = None,
        sort: SortArgument = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        items = (condition, await compile_filter(filter, info.context))
        return await entity_page(info, And(items), sort, (first, after, last, before))

    return strawberry.field(resolver=resolve, description=description)


def _kind(kind: str, *more: Filter) -> Filter:
    return And((Compare("kind", Op.EQ, kind), Compare("declared", Op.EQ, True), *more))


def _component(types: frozenset[str]) -> Filter:
    return _kind("component", Compare("type_key", Op.IN, tuple(sorted(types))))


async def _entities(
    info: Info,
    refs: Annotated[list[str] | None, described("Exactly these, in this order; stands alone; at most 1,000.")] = None,
    filter: FilterArgument = None,
    sort: SortArgument = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Any:
    if refs is None:
        return await entity_page(info, await compile_filter(filter, info.context), sort, (first, after, last, before))
    if any(value is not None for value in (filter, sort, first, after, last, before)):
        raise CatalogError(ErrorCode.BAD_INPUT, "`refs` stands alone: it takes no filter, sort or page")
    found = await info.context.loaders.entity.load_many(parse_ref_inputs(refs))
    return Connection(rows=found, cursors=str, more_before=False, more_after=False, counted=len(found))


@strawberry.type
class EntityLists:
    """The lists. One that has a name of its own holds declared entities only; its condition is that of type_name()."""

    entities: Connection[Entity | None] | None = strawberry.field(
        resolver=_entities,
        description="By `refs`, in their order with nulls for unknown ones; or all that match, declared or pointed at.",
    )
    services: Connection[Service] | None = _list(_component(SERVICE_TYPES), "Components of type service.")
    applications: Connection[Application] | None = _list(_component(APPLICATION_TYPES), "Components that people use.")
    libraries: Connection[Library] | None = _list(_component(LIBRARY_TYPES), "Components of type library.")
    apis: Connection[Api] | None = _list(_kind("api"), "Interfaces.")
    pipelines: Connection[Pipeline] | None = _list(_kind("pipeline"), "Jobs that read and write datasets.")
    datasets: Connection[Dataset] | None = _list(_kind("dataset"), "Bodies of data.")
    resources: Connection[Resource] | None = _list(_kind("resource"), "What software needs at run time.")
    environments: Connection[Environment] | None = _list(_kind("environment"), "Places where software runs.")
    systems: Connection[System] | None = _list(_kind("system"), "Systems.")
    domains: Connection[Domain] | None = _list(_kind("domain"), "Domains.")
    groups: Connection[Group] | None = _list(_kind("group"), "Teams, departments, organizations.")
    users: Connection[User] | None = _list(_kind("user"), "People.")
    repositories: Connection[Repository] | None = _list(_kind("repository"), "Repositories.")
    unresolved_refs: Connection[UnresolvedEntity] | None = _list(
        Compare("declared", Op.EQ, False),
        "Refs that nobody declares: something points to them (`pointedAtBy`), a link that was put by itself starts at "
        "them (`related(direction: OUT)`), or CODEOWNERS name them (the query `owned` lists what they own by that).",
    )
