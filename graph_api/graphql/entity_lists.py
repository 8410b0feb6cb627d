"""Lists of entities as Relay connections over one store question."""

from typing import Annotated, Any, cast

import strawberry
from strawberry.relay import PageInfo

from graph_api.catalog.entity import Entity as CatalogEntity
from graph_api.catalog.filters import And, Compare, Filter, Op, Sort
from graph_api.catalog.kinds import APPLICATION_TYPES, KINDS, LIBRARY_TYPES, SERVICE_TYPES
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql import inputs
from graph_api.graphql.arguments import After, Before, FilterArgument, First, Last, SortArgument, described
from graph_api.graphql.context import Info
from graph_api.graphql.filtering import compile_filter, compile_sort
from graph_api.graphql.pagination import PageArguments, page_arguments
from graph_api.graphql.refs import parse_ref_inputs
from graph_api.graphql.types import Entity, page_info
from graph_api.store.protocol import PageRequest, Place, SortValue


@strawberry.type(description="One entity of a list.")
class EntityEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: Entity | None = strawberry.field(description="The entity; null only for an unknown ref that was asked for.")


@strawberry.type(description="A page of entities.")
class EntityConnection:
    edges: list[EntityEdge] = strawberry.field(description="The entities of this page.")
    page_info: PageInfo = strawberry.field(description="Whether there is more on either side.")
    revision: int = strawberry.field(description="The catalog's revision that the page is of.")
    filter_: strawberry.Private[Filter | None]

    @strawberry.field(description="The entities of this page.")
    def nodes(self) -> list[Entity | None]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many match, whatever the page; costs only when asked.")
    async def total_count(self, info: Info) -> int:
        return len(self.edges) if self.filter_ is None else await info.context.store.count(self.filter_)


_SORT_TYPES: dict[str, type | tuple[type, ...]] = {
    "tier": (int, float, type(None)),
    "revision": (int, float, type(None)),
}


async def entity_page(
    info: Info,
    filter_: Filter,
    sort_input: inputs.EntitySort | None,
    page: tuple[int | None, str | None, int | None, str | None],
) -> EntityConnection:
    sort = compile_sort(sort_input)
    arguments = page_arguments(info, (_SORT_TYPES.get(sort.field, (str, type(None))), str), *page)
    request = PageRequest(
        filter=filter_,
        sort=sort,
        limit=arguments.limit,
        after=_place(arguments.after),
        before=_place(arguments.before),
        backward=arguments.backward,
    )
    found = await info.context.store.page(request)
    edges = [
        EntityEdge(cursor=arguments.cursor(sort_value(row, sort), row.ref), node=cast("Any", row))
        for row in found.entities
    ]
    return EntityConnection(
        edges=edges, page_info=page_info_of(edges, arguments, found.more), revision=found.revision, filter_=filter_
    )


def _place(place: tuple[Any, ...] | None) -> Place | None:
    return Place(place[0], place[1]) if place else None


def sort_value(row: CatalogEntity, sort: Sort) -> SortValue:
    return cast("SortValue", getattr(row, sort.field))


def page_info_of(edges: Any, arguments: PageArguments, more: bool) -> PageInfo:
    """`more` lies beyond the page in the direction of paging; on the other side, what the cursor tells."""
    if arguments.backward:
        return page_info(edges, more, arguments.before is not None)
    return page_info(edges, arguments.after is not None, more)


async def entities(
    info: Info,
    refs: Annotated[list[str] | None, described("Exactly these, in this order; stands alone.")] = None,
    filter: FilterArgument = None,  # noqa: A002 - the name in the schema
    sort: SortArgument = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> EntityConnection:
    store = info.context.store
    await check_kinds(info, filter)
    compiled = await compile_filter(filter, store)
    if refs is None:
        return await entity_page(info, compiled, sort, (first, after, last, before))
    if any(value is not None for value in (filter, sort, first, after, last, before)):
        raise CatalogError(ErrorCode.BAD_INPUT, "`refs` stands alone: it takes no filter, sort or page")
    found = await info.context.loaders.entity.load_many(parse_ref_inputs(refs))
    edges = [EntityEdge(cursor=str(place), node=cast("Any", row)) for place, row in enumerate(found)]
    revision = await store.revision()
    return EntityConnection(edges=edges, page_info=page_info(edges, False, False), revision=revision, filter_=None)


async def check_kinds(info: Info, filter_: inputs.EntityFilter | None) -> None:
    """Refuse a kind that is neither registered nor in the catalog: it is a typing error, not an empty list."""
    if filter_ is None or filter_.kind is None:
        return
    asked = {text.lower() for text in [filter_.kind.eq, *(filter_.kind.in_ or ())] if text is not None}
    unknown = asked - KINDS.keys()
    if unknown:
        present = await info.context.store.facets(Compare("kind", Op.IN, tuple(sorted(unknown))), ("kind",))
        unknown -= {bucket.value for bucket in present["kind"].buckets if bucket.value}
    if unknown:
        known = ", ".join(kind.name for kind in KINDS.values())
        raise CatalogError(ErrorCode.UNKNOWN_KIND, f"no kind {', '.join(sorted(unknown))}; registered are {known}")


def list_field(condition: Filter, description: str) -> Any:
    """A connection of the entities that match a fixed condition and the client's filter."""

    async def resolve(
        info: Info,
        filter: FilterArgument = None,  # noqa: A002 - the name in the schema
        sort: SortArgument = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> EntityConnection:
        await check_kinds(info, filter)
        items = (condition, await compile_filter(filter, info.context.store))
        return await entity_page(info, And(items), sort, (first, after, last, before))

    return strawberry.field(resolver=resolve, description=description)


def _kind(kind: str, *more: Filter) -> Filter:
    return And((Compare("kind", Op.EQ, kind), Compare("declared", Op.EQ, True), *more))


def _component(types: frozenset[str]) -> Filter:
    return _kind("component", Compare("type_key", Op.IN, tuple(sorted(types))))


@strawberry.type
class NamedLists:
    """One list for each type that has a name; each gives declared entities only."""

    services: EntityConnection = list_field(_component(SERVICE_TYPES), "Components of type service.")
    applications: EntityConnection = list_field(_component(APPLICATION_TYPES), "Components that people use.")
    libraries: EntityConnection = list_field(_component(LIBRARY_TYPES), "Components of type library.")
    apis: EntityConnection = list_field(_kind("api"), "Interfaces.")
    pipelines: EntityConnection = list_field(_kind("pipeline"), "Jobs that read and write datasets.")
    datasets: EntityConnection = list_field(_kind("dataset"), "Bodies of data.")
    resources: EntityConnection = list_field(_kind("resource"), "What software needs at run time.")
    environments: EntityConnection = list_field(_kind("environment"), "Places where software runs.")
    systems: EntityConnection = list_field(_kind("system"), "Systems.")
    domains: EntityConnection = list_field(_kind("domain"), "Domains.")
    groups: EntityConnection = list_field(_kind("group"), "Teams, departments, organizations.")
    users: EntityConnection = list_field(_kind("user"), "People.")
    repositories: EntityConnection = list_field(_kind("repository"), "Repositories.")
