"""The entity interface and what hangs on it. Fields are read straight from the catalog's own rows, without a copy."""

from functools import lru_cache
from operator import attrgetter
from typing import Any, cast

import strawberry
from strawberry import Parent
from strawberry.scalars import JSON

from graph_api.catalog import entity as catalog
from graph_api.catalog.kinds import APPLICATION_TYPES, LIBRARY_TYPES, SERVICE_TYPES, kind_name
from graph_api.catalog.merge import DEFAULT_ROLE, evidence_of
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.graphql.conflicts import Conflict, find_conflicts
from graph_api.graphql.context import Info
from graph_api.graphql.link_pages import LinkConnection, impact_links, related
from graph_api.graphql.links import Evidence
from graph_api.graphql.loaders import NeighbourQuestion
from graph_api.graphql.named import linked_entity, named_entities, named_entity
from graph_api.graphql.refs import global_id
from graph_api.graphql.times import NEVER, Time
from graph_api.graphql.web_links import WebLink, contacts_of, web_links_of

strawberry.enum(
    catalog.OwnerHow,
    description="DECLARED by the entity, INHERITED from what it is part of, or INFERRED from CODEOWNERS, "
    "and where there are none from weaker signs, such as a permission.",
)
strawberry.enum(
    catalog.OwnerState,
    description="Whether an owner can answer: UNRESOLVED is declared by nobody, INACTIVE is marked so, EMPTY has no "
    "active user in it or in any group below it.",
)


def state_of(owner: catalog.Entity) -> catalog.OwnerState:
    """Return the owner's state. Of what is neither group nor user it is not kept: anything may be named as an owner."""
    return owner.owner_state or (catalog.OwnerState.ACTIVE if owner.declared else catalog.OwnerState.UNRESOLVED)


@strawberry.type(description="Who is accountable, in which role, and how the catalog knows.")
class Owner:
    ref: str = strawberry.field(description="The owner's ref.")
    entity: "Entity" = strawberry.field(resolver=linked_entity(attrgetter("ref")), description="The group or user.")
    role: str = strawberry.field(description="OWNER unless the source says otherwise; CODE_OWNER when inferred.")
    primary: bool = strawberry.field(description="The one to ask first.")
    how: catalog.OwnerHow = strawberry.field(description="Declared here, inherited, or inferred.")
    through: list["Entity"] = strawberry.field(
        resolver=named_entities(attrgetter("through")),
        description="From the entity to the one that declares the owner, both included.",
    )
    state: catalog.OwnerState = strawberry.field(
        resolver=named_entity(attrgetter("ref"), state_of), description="Whether this owner can answer."
    )
    contacts: list[WebLink] = strawberry.field(
        resolver=named_entity(attrgetter("ref"), contacts_of), description="E-mail and links of the owner."
    )
    evidence: list[Evidence] = strawberry.field(description="The statements that make it an owner.")


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


def _first_system(root: catalog.Entity) -> Ref | None:
    return next(iter(root.systems), None)


async def _conflicts(root: Parent[catalog.Entity], info: Info) -> list[Conflict]:
    owned = await info.context.loaders.neighbours(NeighbourQuestion(Direction.OUT, ("OWNED_BY",))).load(root.ref)
    return find_conflicts(root, [neighbour.link for neighbour in owned], info.context.source_order)


@strawberry.interface(description="Anything with a global id.")
class Node:
    id: strawberry.ID = strawberry.field(
        resolver=lambda root: strawberry.ID(global_id(root.ref)), description="Opaque; the ref is for people."
    )

    @classmethod
    def resolve_type(cls, value: Any, _info: Any, _type: Any) -> str:
        return type_name(value.declared, value.kind, value.type)


@strawberry.interface(description="One thing in the catalog.")
class Entity(Node):
    every_row_has_a_type = True

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
        resolver=linked_entity(_first_system), description="The first of its systems by ref."
    )
    systems: list["Entity"] = strawberry.field(
        resolver=named_entities(attrgetter("systems")), description="Systems it is part of, 50 levels away at most."
    )
    domains: list["Entity"] = strawberry.field(
        resolver=named_entities(attrgetter("domains")), description="Domains it is part of, 50 levels away at most."
    )
    environments: list["Entity"] = strawberry.field(
        resolver=named_entities(attrgetter("environments")), description="Where it is deployed to."
    )
    repository: "Entity | None" = strawberry.field(
        resolver=named_entity(attrgetter("repository")),
        description="The repository that holds its descriptor, or else that its annotations name.",
    )
    dependencies: LinkConnection = strawberry.field(
        resolver=impact_links(Direction.OUT),
        description="What it needs directly, link by link; the query `dependencies` has each thing once, and goes "
        "further.",
    )
    dependents: LinkConnection = strawberry.field(
        resolver=impact_links(Direction.IN),
        description="What needs it directly, link by link; the queries `dependents` and `impact` have each thing "
        "once, and go further.",
    )
    related: LinkConnection = strawberry.field(resolver=related, description="Its links by any relations, one way.")
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
        return type_name(value.declared, value.kind, value.type)


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


@lru_cache(1024)
def type_name(declared: bool, kind: str, type_: str | None) -> str:
    """The GraphQL type of an entity, by its kind and (ignoring case) its type."""
    if not declared:
        return "UnresolvedEntity"
    if kind != "component":
        return _TYPES_OF_KINDS.get(kind, "OtherEntity")
    # As the filters of the lists fold it: each list holds its own type only.
    type_ = (type_ or "").casefold()
    if type_ in SERVICE_TYPES:
        return "Service"
    if type_ in APPLICATION_TYPES:
        return "Application"
    return "Library" if type_ in LIBRARY_TYPES else "Component"
