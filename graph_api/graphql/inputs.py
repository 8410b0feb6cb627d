"""The one filter input, as clients write it."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import strawberry

from graph_api.catalog.entity import Criticality, LinkOrigin
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.graphql.batches import batched

strawberry.enum(Direction, description="OUT follows the stored arrow (to what is needed), IN runs against it.")
strawberry.enum(Criticality, description="HARD: fails with it. SOFT: degrades without it.")
strawberry.enum(
    LinkOrigin,
    description="How a link is known. DECLARED: somebody wrote it down. OBSERVED: it was seen to happen. INFERRED: it "
    "follows from something else.",
)

if TYPE_CHECKING:

    class RelationName(Enum):
        """One member a row of the relation table, by the same name and value."""

        value: str
else:
    RelationName = strawberry.enum(
        Enum("RelationName", {name: name for name in RELATIONS}),
        description="A relation, stored from the dependent to what it needs; see catalogSchema.",
    )


@batched
@strawberry.input(description="Conditions on a text; all that are given must hold.")
class TextFilter:
    eq: str | None = strawberry.field(default=None, description="Exactly this.")
    in_: list[str] | None = strawberry.field(name="in", default=None, description="Exactly one of these.")
    contains: str | None = strawberry.field(default=None, description="Holds this, ignoring case.")
    starts_with: str | None = strawberry.field(default=None, description="Starts with this, ignoring case.")
    exists: bool | None = strawberry.field(default=None, description="Whether there is a value at all.")


@batched
@strawberry.input(description="Conditions on the value under one key, at least one; all that are given must hold.")
class KeyedFilter(TextFilter):
    key: str = strawberry.field(description="The exact key.")


@batched
@strawberry.input(description="Conditions on a number; all that are given must hold.")
class NumberFilter:
    eq: float | None = strawberry.field(default=None, description="Equal to this.")
    in_: list[float] | None = strawberry.field(name="in", default=None, description="Equal to one of these.")
    gt: float | None = strawberry.field(default=None, description="Greater than this.")
    gte: float | None = strawberry.field(default=None, description="Greater than or equal to this.")
    lt: float | None = strawberry.field(default=None, description="Less than this.")
    lte: float | None = strawberry.field(default=None, description="Less than or equal to this.")
    exists: bool | None = strawberry.field(default=None, description="Whether there is a value at all.")


@batched
@strawberry.input(description="Conditions on a time; without an offset it is taken as UTC. All must hold.")
class DateFilter:
    eq: datetime | None = strawberry.field(default=None, description="At this time.")
    in_: list[datetime] | None = strawberry.field(name="in", default=None, description="At one of these times.")
    gt: datetime | None = strawberry.field(default=None, description="Later than this.")
    gte: datetime | None = strawberry.field(default=None, description="At this time or later.")
    lt: datetime | None = strawberry.field(default=None, description="Earlier than this.")
    lte: datetime | None = strawberry.field(default=None, description="At this time or earlier.")
    exists: bool | None = strawberry.field(default=None, description="Whether there is a value at all.")


@batched
@strawberry.input(description="Owned by one of these groups or users.")
class OwnedByFilter:
    refs: list[str] = strawberry.field(description="Groups or users, at most 1,000; a ref without a kind is a group.")
    include_subgroups: bool = strawberry.field(default=False, description="Also by groups below these, at any depth.")
    effective: bool = strawberry.field(
        default=True, description="Also inherited and inferred ownership; false means declared owners only."
    )


@batched
@strawberry.input(description="Some, or no, neighbour by a relation matches. Give exactly one of `some` and `none`.")
class RelatedFilter:
    direction: Direction = strawberry.field(description="OUT: what this points to. IN: what points to this.")
    relation: RelationName | None = strawberry.field(default=None, description="Which relation; any when left out.")
    some: "EntityFilter | None" = strawberry.field(default=None, description="At least one neighbour matches.")
    none: "EntityFilter | None" = strawberry.field(default=None, description="No neighbour matches.")


def _text(description: str) -> TextFilter | None:
    return strawberry.field(default=None, description=description)


@batched
@strawberry.input(
    description="Conditions on an entity; all that are given must hold. A missing value matches no "
    "comparison, so `not` of a comparison matches it."
)
class EntityFilter:
    and_: "list[EntityFilter] | None" = strawberry.field(name="and", default=None, description="All of these hold.")
    or_: "list[EntityFilter] | None" = strawberry.field(name="or", default=None, description="One of these holds.")
    not_: "EntityFilter | None" = strawberry.field(name="not", default=None, description="This does not hold.")
    ref: TextFilter | None = _text("The ref, `kind:namespace/name`.")
    kind: TextFilter | None = _text("The kind, ignoring case.")
    type: TextFilter | None = _text("spec.type.")
    namespace: TextFilter | None = _text("The namespace, in lower case.")
    name: TextFilter | None = _text("The name as written.")
    title: TextFilter | None = _text("The title.")
    description: TextFilter | None = _text("The description.")
    lifecycle: TextFilter | None = _text("spec.lifecycle.")
    tier: NumberFilter | None = strawberry.field(default=None, description="spec.tier; 1 is the most critical.")
    tags: TextFilter | None = _text("One of the tags.")
    labels: list[KeyedFilter] | None = strawberry.field(default=None, description="Labels by key; all must hold.")
    annotations: list[KeyedFilter] | None = strawberry.field(
        default=None, description="Annotations by key; all must hold."
    )
    owner: TextFilter | None = _text("The ref of an effective owner (declared, inherited or inferred).")
    declared_owner: TextFilter | None = _text("The ref of a declared owner.")
    owned_by: OwnedByFilter | None = strawberry.field(default=None, description="By whom it is owned.")
    system: TextFilter | None = _text("The ref of a system that it is part of, at any distance.")
    domain: TextFilter | None = _text("The ref of a domain that it is part of, at any distance.")
    environment: TextFilter | None = _text("The ref of an environment that it is deployed to.")
    source: TextFilter | None = _text("The name of a source that states it.")
    declared: bool | None = strawberry.field(default=None, description="False: only pointed at, declared by nobody.")
    revision: NumberFilter | None = strawberry.field(default=None, description="The revision of its last change.")
    updated_at: DateFilter | None = strawberry.field(default=None, description="The time of its last change.")
    related: list[RelatedFilter] | None = strawberry.field(
        default=None, description="Conditions on neighbours; all must hold."
    )
    text: str | None = strawberry.field(
        default=None, description="Each of these words stands in the name, title, description or a tag, ignoring case."
    )


@batched
@strawberry.input(description="A comparison on the criticality of a link; unset is HARD.")
class CriticalityFilter:
    eq: Criticality = strawberry.field(description="Exactly this.")


@batched
@strawberry.input(description="Conditions on how a link is known; all that are given must hold.")
class OriginFilter:
    eq: LinkOrigin | None = strawberry.field(default=None, description="Exactly this.")
    in_: list[LinkOrigin] | None = strawberry.field(name="in", default=None, description="One of these.")


@batched
@strawberry.input(
    description="Conditions on a link; all that are given must hold. A missing value matches only `exists: false`."
)
class LinkFilter:
    and_: "list[LinkFilter] | None" = strawberry.field(name="and", default=None, description="All of these hold.")
    or_: "list[LinkFilter] | None" = strawberry.field(name="or", default=None, description="One of these holds.")
    not_: "LinkFilter | None" = strawberry.field(name="not", default=None, description="This does not hold.")
    criticality: CriticalityFilter | None = strawberry.field(default=None, description="HARD or SOFT.")
    environment: TextFilter | None = _text(
        "The environment that the link holds in, by name or ref. A link without one holds in any: let it through with "
        "`exists: false`."
    )
    confidence: NumberFilter | None = strawberry.field(default=None, description="0 to 1; unset is 1.")
    source: TextFilter | None = _text("The name of a source that states the link.")
    origin: OriginFilter | None = strawberry.field(
        default=None, description="How it is known: the first of DECLARED, OBSERVED, INFERRED that a source says."
    )
    observed_at: DateFilter | None = strawberry.field(default=None, description="When it was last seen to happen.")
    properties: list[KeyedFilter] | None = strawberry.field(
        default=None, description="Free properties by key, compared as texts; all must hold."
    )


@strawberry.enum(description="What a list can be sorted by. Ties are broken by ref.")
class SortField(Enum):
    REF = "ref"
    KIND = "kind"
    TYPE = "type"
    NAMESPACE = "namespace"
    NAME = "name"
    TITLE = "title"
    LIFECYCLE = "lifecycle"
    TIER = "tier"
    REVISION = "revision"
    UPDATED_AT = "updated_at"


@batched
@strawberry.input(description="Sort order: by code point, missing values last when ascending, first when descending.")
class EntitySort:
    field: SortField = strawberry.field(description="What to sort by.")
    descending: bool = strawberry.field(default=False, description="Largest first.")
