"""The entity interface and what hangs on it. Fields are read straight from the catalog's own rows, without a copy."""

from asyncio import gather
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, cast

import strawberry
from strawberry import Parent
from strawberry.relay import PageInfo
from strawberry.scalars import JSON

from graph_api.catalog import entity as catalog
from graph_api.catalog.entity import unresolved
from graph_api.catalog.kinds import APPLICATION_TYPES, LIBRARY_TYPES, SERVICE_TYPES, kind_name
from graph_api.catalog.merge import DEFAULT_ROLE, evidence_of
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import IMPACT_RELATIONS, RELATIONS, Direction
from graph_api.graphql import inputs
from graph_api.graphql.arguments import After, AllRelations, Before, First, Last, LinkWhere, Relations, described
from graph_api.graphql.calls import answered_together
from graph_api.graphql.conflicts import Conflict, find_conflicts
from graph_api.graphql.context import Info
from graph_api.graphql.filtering import compile_link_filter
from graph_api.graphql.links import Evidence, Link
from graph_api.graphql.loaders import NeighbourQuestion
from graph_api.graphql.pagination import PageArguments, keyset_page_info, page_arguments
from graph_api.graphql.refs import global_id
from graph_api.graphql.times import NEVER, Time
from graph_api.graphql.web_links import WebLink, contacts_of, web_links_of
from graph_api.store.protocol import LinkPage, LinkPlace, Neighbour

strawberry.enum(
    catalog.OwnerHow,
    description="DECLARED by the entity, INHERITED from what it is part of, or INFERRED from CODEOWNERS.",
)
strawberry.enum(
    catalog.OwnerState,
    description="Whether an owner can answer: UNRESOLVED is declared by nobody, INACTIVE is marked so, EMPTY has no "
    "user in it or in any group below it.",
)


async def load_entity(info: Info, ref: Ref) -> catalog.Entity:
    """The entity, or the placeholder of one that nobody declares."""
    return await info.context.loaders.entity.load(ref) or unresolved(ref)


async def load_entities(info: Info, refs: Sequence[Ref]) -> list[catalog.Entity]:
    found = await info.context.loaders.entity.load_many(refs)
    return [row or unresolved(ref) for ref, row in zip(refs, found, strict=True)]


async def _owner_entity(root: Parent[catalog.Owner], info: Info) -> "Entity":
    return cast("Any", await load_entity(info, root.ref))


async def _owner_entities(rows: Sequence[catalog.Owner], info: Info) -> list[catalog.Entity]:
    return await load_entities(info, [row.ref for row in rows])


async def _owner_through(root: Parent[catalog.Owner], info: Info) -> list["Entity"]:
    return cast("Any", await load_entities(info, root.through))


async def _owner_state(root: Parent[catalog.Owner], info: Info) -> catalog.OwnerState:
    return (await load_entity(info, root.ref)).owner_state or catalog.OwnerState.ACTIVE


async def owner_contacts(info: Info, ref: Ref) -> list[WebLink]:
    return contacts_of(await load_entity(info, ref))


async def _owner_contacts(root: Parent[catalog.Owner], info: Info) -> list[WebLink]:
    return await owner_contacts(info, root.ref)


@strawberry.type(description="Who is accountable, in which role, and how the catalog knows.")
class Owner:
    ref: str = strawberry.field(description="The owner's ref.")
    entity: "Entity" = strawberry.field(
        resolver=answered_together(_owner_entity, _owner_entities), description="The group or user."
    )
    role: str = strawberry.field(description="OWNER unless the source says otherwise; CODE_OWNER when inferred.")
    primary: bool = strawberry.field(description="The one to ask first.")
    how: catalog.OwnerHow = strawberry.field(description="Declared here, inherited, or inferred.")
    through: list["Entity"] = strawberry.field(
        resolver=_owner_through, description="From the entity to the one that declares the owner, both included."
    )
    state: catalog.OwnerState = strawberry.field(resolver=_owner_state, description="Whether this owner can answer.")
    contacts: list[WebLink] = strawberry.field(resolver=_owner_contacts, description="E-mail and links of the owner.")
    evidence: list[Evidence] = strawberry.field(description="The statements that make it an owner.")


@strawberry.type(description="One link of an entity and the entity at its other end.")
class LinkEdge:
    cursor: str = strawberry.field(description="The place of this link in the list.")
    node: "Entity" = strawberry.field(description="The entity at the other end.")
    link: Link = strawberry.field(description="The link with its properties.")


@strawberry.type(description="Links of one entity, ordered by the ref at the other end, relation and environment.")
class LinkConnection:
    edges: list[LinkEdge] = strawberry.field(description="The links of this page.")
    page_info: PageInfo = strawberry.field(description="Whether there is more on either side.")
    question: strawberry.Private[NeighbourQuestion]
    ref: strawberry.Private[Ref]

    @strawberry.field(description="The entities at the other ends, link by link.")
    def nodes(self) -> list["Entity"]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many links there are; costs only when asked.")
    async def total_count(self, info: Info) -> int:
        return await info.context.loaders.neighbour_count(self.question).load(self.ref)


async def link_connection(
    root: catalog.Entity, info: Info, direction: Direction, relations: tuple[str, ...], **asked: Any
) -> LinkConnection:
    """As link_connections, of one entity."""
    return (await link_connections([root], info, direction, relations, **asked))[0]


async def link_connections(
    roots: Sequence[catalog.Entity],
    info: Info,
    direction: Direction,
    relations: tuple[str, ...],
    *,
    link_where: inputs.LinkFilter | None = None,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> list[LinkConnection]:
    """Links of each entity; what all entities of a page ask is read in one round trip."""
    where = compile_link_filter(link_where)
    asked = [page_arguments(info, _LINK_PLACE, first, after, last, before, root.ref) for root in roots]
    questions = [NeighbourQuestion(direction, relations, where, _link_page(arguments)) for arguments in asked]
    loaders = info.context.loaders
    found = await gather(
        *(loaders.neighbours(question).load(root.ref) for question, root in zip(questions, roots, strict=True))
    )
    return list(map(_connection, roots, questions, asked, found))


def _link_page(arguments: PageArguments) -> LinkPage:
    return LinkPage(
        limit=arguments.limit + 1,
        after=LinkPlace(*arguments.after) if arguments.after else None,
        before=LinkPlace(*arguments.before) if arguments.before else None,
        backward=arguments.backward,
    )


def _connection(
    root: catalog.Entity, question: NeighbourQuestion, arguments: PageArguments, found: list[Neighbour]
) -> LinkConnection:
    kept = found[-arguments.limit :] if arguments.backward else found[: arguments.limit]
    edges = [
        LinkEdge(cursor=_link_cursor(arguments, row), node=cast("Any", row.entity), link=cast("Any", row.link))
        for row in kept
    ]
    info_ = keyset_page_info(edges, arguments, len(found) > len(kept))
    return LinkConnection(edges=edges, page_info=info_, question=question, ref=root.ref)


_LINK_PLACE = (str, str, (str, type(None)))
"""Types of a cursor's place, see _link_cursor()."""


def _link_cursor(arguments: PageArguments, row: Neighbour) -> str:
    return arguments.cursor(row.entity.ref, row.link.key.relation, row.link.key.environment)


def link_field(relation: str, direction: Direction, description: str) -> Any:
    """A field for one relation, read one way."""

    async def resolve(
        root: Parent[catalog.Entity],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> LinkConnection:
        page = {"first": first, "after": after, "last": last, "before": before}
        return await link_connection(root, info, direction, (relation,), **page)

    many = partial(link_connections, direction=direction, relations=(relation,))
    return strawberry.field(resolver=answered_together(resolve, many), description=description)


async def _related(
    root: Parent[catalog.Entity],
    info: Info,
    direction: Annotated[Direction, described("OUT: what it points to. IN: what points to it.")],
    relations: AllRelations = None,
    link_where: LinkWhere = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> LinkConnection:
    names = tuple(relation.value for relation in relations) if relations else tuple(RELATIONS)
    page = {"first": first, "after": after, "last": last, "before": before}
    return await link_connection(root, info, direction, names, link_where=link_where, **page)


def _impact_links(direction: Direction) -> Any:
    async def resolve(
        root: Parent[catalog.Entity],
        info: Info,
        relations: Relations = None,
        link_where: LinkWhere = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> LinkConnection:
        page = {"first": first, "after": after, "last": last, "before": before}
        return (await many([root], info, relations, link_where=link_where, **page))[0]

    async def many(
        roots: Sequence[catalog.Entity],
        info: Info,
        relations: Sequence[inputs.RelationName] | None = None,
        **asked: Any,
    ) -> list[LinkConnection]:
        names = tuple(relation.value for relation in relations) if relations else IMPACT_RELATIONS
        return await link_connections(roots, info, direction, names, **asked)

    return answered_together(resolve, many)


def _evidence(root: Parent[catalog.Entity]) -> list[Evidence]:
    return cast("Any", [evidence_of(source, statement) for source, statement in root.statements.items()])


def _labels(root: Parent[catalog.Entity]) -> Any:
    return dict(root.labels)


def _annotations(root: Parent[catalog.Entity]) -> Any:
    return dict(root.annotations)


def _spec(root: Parent[catalog.Entity]) -> Any:
    return dict(root.declaring.spec) if root.declaring else {}


def _primary_owner(root: Parent[catalog.Entity]) -> Owner | None:
    return cast("Any", min(root.owners, key=_precedence, default=None))


def _precedence(owner: catalog.Owner) -> tuple[object, ...]:
    return not owner.primary, owner.role != DEFAULT_ROLE, owner.role, owner.ref


async def _system(root: Parent[catalog.Entity], info: Info) -> "Entity | None":
    return cast("Any", await load_entity(info, root.systems[0])) if root.systems else None


async def _first_systems(rows: Sequence[catalog.Entity], info: Info) -> list[catalog.Entity | None]:
    found = iter(await load_entities(info, [row.systems[0] for row in rows if row.systems]))
    return [next(found) if row.systems else None for row in rows]


async def _systems(root: Parent[catalog.Entity], info: Info) -> list["Entity"]:
    return cast("Any", await load_entities(info, root.systems))


async def _domains(root: Parent[catalog.Entity], info: Info) -> list["Entity"]:
    return cast("Any", await load_entities(info, root.domains))


async def _environments(root: Parent[catalog.Entity], info: Info) -> list["Entity"]:
    return cast("Any", await load_entities(info, root.environments))


async def _repository(root: Parent[catalog.Entity], info: Info) -> "Entity | None":
    return cast("Any", await load_entity(info, root.repository)) if root.repository else None


async def _conflicts(root: Parent[catalog.Entity], info: Info) -> list[Conflict]:
    owned = await info.context.loaders.neighbours(NeighbourQuestion(Direction.OUT, ("OWNED_BY",))).load(root.ref)
    return find_conflicts(root, [neighbour.link for neighbour in owned])


@strawberry.interface(description="Anything with a global id.")
class Node:
    id: strawberry.ID = strawberry.field(
        resolver=lambda root: strawberry.ID(global_id(root.ref)), description="Opaque; the ref is for people."
    )

    @classmethod
    def resolve_type(cls, value: Any, _info: Any, _type: Any) -> str:
        return type_name(value)


@strawberry.interface(description="One thing in the catalog.")
class Entity(Node):
    ref: str = strawberry.field(description="`kind:namespace/name` in lower case.")
    kind: str = strawberry.field(resolver=lambda root: kind_name(root.kind), description="The kind, see catalogSchema.")
    name: str = strawberry.field(description="The name as written.")
    namespace: str = strawberry.field(description="The namespace, in lower case.")
    declared: bool = strawberry.field(description="False: something points to it and nobody declares it.")
    type: str | None = strawberry.field(description="spec.type.")
    title: str | None = strawberry.field(description="A name for people.")
    description: str | None = strawberry.field(description="What it is.")
    lifecycle: str | None = strawberry.field(description="spec.lifecycle, such as production.")
    tier: int | None = strawberry.field(description="spec.tier; 1 is the most critical.")
    active: bool = strawberry.field(description="False where spec.active says so.")
    tags: list[str] = strawberry.field(description="Tags.")
    labels: JSON = strawberry.field(resolver=_labels, description="Labels by key.")
    annotations: JSON = strawberry.field(resolver=_annotations, description="Annotations by key.")
    links: list[WebLink] = strawberry.field(
        resolver=web_links_of,
        description="Web links as declared; `contacts` of an owner adds the e-mail address. For relations: `related`.",
    )
    spec: JSON = strawberry.field(resolver=_spec, description="The spec as declared.")
    identifiers: list[str] = strawberry.field(description="Foreign names that resolve to it, normalized.")
    owners: list[Owner] = strawberry.field(
        description="Declared owners, or else the effective ones: of the nearest owned level of what it is part of, or "
        "else of its repository's CODEOWNERS."
    )
    primary_owner: Owner | None = strawberry.field(
        resolver=_primary_owner,
        description="The one of the owners to ask first: the primary one, else by role (OWNER before others) and ref.",
    )
    owner_state: catalog.OwnerState | None = strawberry.field(description="For groups and users: can they answer?")
    system: "Entity | None" = strawberry.field(
        resolver=answered_together(_system, _first_systems), description="The first of its systems by ref."
    )
    systems: list["Entity"] = strawberry.field(resolver=_systems, description="Systems it is part of, at any distance.")
    domains: list["Entity"] = strawberry.field(resolver=_domains, description="Domains it is part of, at any distance.")
    environments: list["Entity"] = strawberry.field(resolver=_environments, description="Where it is deployed to.")
    repository: "Entity | None" = strawberry.field(
        resolver=_repository, description="The repository that holds its descriptor, or else that its annotations name."
    )
    dependencies: LinkConnection = strawberry.field(
        resolver=_impact_links(Direction.OUT),
        description="What it needs directly; the query `dependencies` goes further.",
    )
    dependents: LinkConnection = strawberry.field(
        resolver=_impact_links(Direction.IN),
        description="What needs it directly; the queries `dependents` and `impact` go further.",
    )
    related: LinkConnection = strawberry.field(resolver=_related, description="Its links by any relations, one way.")
    evidence: list[Evidence] = strawberry.field(resolver=_evidence, description="Every source that declares it.")
    conflicts: list[Conflict] = strawberry.field(
        resolver=_conflicts, description="Where sources disagree; the first value is in force."
    )
    revision: int = strawberry.field(
        description="The last revision that changed its document, its outgoing links or what is derived of them."
    )
    updated_at: Time = strawberry.field(
        resolver=lambda root: root.updated_at or NEVER,
        description="The time of that revision; 1970 for an owner that only a CODEOWNERS file names.",
    )

    @classmethod
    def resolve_type(cls, value: Any, _info: Any, _type: Any) -> str:
        return type_name(value)


_TYPES_OF_KINDS = {
    "api": "Api",
    "pipeline": "Pipeline",
    "dataset": "Dataset",
    "resource": "Resource",
    "environment": "Environment",
    "system": "System",
    "domain": "Domain",
    "group": "Group",
    "user": "User",
    "repository": "Repository",
}


def type_name(entity: catalog.Entity) -> str:
    """The GraphQL type of an entity, by its kind and (ignoring case) its type."""
    if not entity.declared:
        return "UnresolvedEntity"
    if entity.kind != "component":
        return _TYPES_OF_KINDS.get(entity.kind, "OtherEntity")
    # As the filters of the lists fold it: each list holds its own type only.
    type_ = (entity.type or "").casefold()
    if type_ in SERVICE_TYPES:
        return "Service"
    if type_ in APPLICATION_TYPES:
        return "Application"
    return "Library" if type_ in LIBRARY_TYPES else "Component"
