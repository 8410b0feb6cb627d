"""Ownership questions: what somebody owns, what nobody living owns, and how much is covered."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any, cast

import strawberry

from graph_api.catalog import entity as catalog
from graph_api.catalog.entity import OwnerState
from graph_api.catalog.filters import ALL, And, Compare, Filter, Not, Op, Or, Related, Sort
from graph_api.catalog.kinds import KINDS, OWNER_KINDS
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.arguments import After, Before, FilterArgument, First, Last, SortArgument, described
from graph_api.graphql.context import Info
from graph_api.graphql.entity_pages import Edge, EntityConnection, entity_page
from graph_api.graphql.facets import bucket_entity, shown_value
from graph_api.graphql.filtering import compile_filter
from graph_api.graphql.named import load_entities
from graph_api.graphql.owned import owned
from graph_api.graphql.types import Entity, Owner, state_of
from graph_api.store.protocol import PageRequest, Reading

MAX_SILENT_OWNERS = 10_000


def _ownable() -> Filter:
    kinds = tuple(sorted(key for key, kind in KINDS.items() if kind.ownable))
    without = [
        Not(And((Compare("kind", Op.EQ, key), Compare("type", Op.IN, tuple(sorted(kind.unowned_types))))))
        for key, kind in KINDS.items()
        if kind.unowned_types
    ]
    return And((Compare("kind", Op.IN, kinds), Compare("declared", Op.EQ, True), *without))


_STRANGE_OWNERS = And(
    (
        Compare("declared", Op.EQ, False),
        Not(Compare("kind", Op.IN, OWNER_KINDS)),
        Related(relation="OWNED_BY", direction=Direction.IN, none=False, filter=ALL),
    )
)
"""Owners that are neither groups nor users, and undeclared: only the states of groups and users are kept."""


@strawberry.enum(description="Why nobody answers for an entity.")
class GapReason(Enum):
    NONE = strawberry.enum_value("NONE", description="It has no owner, declared or effective.")
    UNRESOLVED = strawberry.enum_value("UNRESOLVED", description="An owner is declared by nobody.")
    EMPTY = strawberry.enum_value("EMPTY", description="An owner has no active user in it or in any group below it.")
    INACTIVE = strawberry.enum_value("INACTIVE", description="An owner is marked inactive.")


@strawberry.enum(description="What coverage can be broken down by.")
class CoverageBy(Enum):
    KIND = "kind"
    SYSTEM = "system"
    GROUP = "owner"


@strawberry.type(description="An entity without an owner, or with one that cannot answer.")
class OwnershipGap:
    cursor: str = strawberry.field(
        resolver=lambda root: root.edge.cursors(root.edge.place), description="Its place in the list."
    )
    node: Entity = strawberry.field(resolver=lambda root: root.edge.node, description="The entity.")
    owners: list[Owner] = strawberry.field(
        resolver=lambda root: root.edge.node.owners, description="Its effective owners, with their states."
    )
    edge: strawberry.Private[Edge[Entity]]

    @strawberry.field(description="Every reason that holds.")
    async def reasons(self, info: Info) -> list[GapReason]:
        owners: Sequence[catalog.Owner] = cast("Any", self.edge.node.owners)
        if not owners:
            return [GapReason.NONE]
        states = {state_of(row) for row in await load_entities(info, [owner.ref for owner in owners])}
        return [GapReason(state) for state in OwnerState if state in states and state is not OwnerState.ACTIVE]


@strawberry.type(description="A page of ownership gaps.")
class OwnershipGapConnection:
    page: strawberry.Private[EntityConnection]

    @strawberry.field(description="The gaps of this page.")
    def edges(self) -> list[OwnershipGap]:
        return [OwnershipGap(edge=edge) for edge in self.page.edges()]

    @strawberry.field(description="The entities of this page.")
    def nodes(self) -> list[Entity]:
        return cast("Any", self.page.rows)

    @strawberry.field(description="Whether there is more on either side.")
    def page_info(self) -> strawberry.relay.PageInfo:
        return self.page.page_info()

    @strawberry.field(description="The catalog's revision that the page is of.")
    async def revision(self, info: Info) -> int:
        return await self.page.revision(info)

    @strawberry.field(description="How many entities have a gap.")
    async def total_count(self, info: Info) -> int:
        return await self.page.total_count(info)


@strawberry.type(description="How much of a group of entities has an owner. total = effective + none.")
class Coverage:
    value: str | None = strawberry.field(
        description="The kind (as `Entity.kind` has it), system or owner; null for entities with none."
    )
    entity: Entity | None = strawberry.field(
        resolver=bucket_entity, description="For values that are refs: the entity itself."
    )
    total: int = strawberry.field(description="Entities of kinds that may have owners.")
    declared: int = strawberry.field(description="With a declared owner.")
    effective: int = strawberry.field(description="With an owner, declared, inherited or inferred.")
    none: int = strawberry.field(description="Without any owner.")


async def _gaps(
    info: Info,
    reasons: Annotated[list[GapReason] | None, described("Only these reasons.")] = None,
    filter: FilterArgument = None,
    sort: SortArgument = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> OwnershipGapConnection:
    store = info.context.store
    asked = list(GapReason) if reasons is None else reasons
    silent = await _silent_owners(store, [reason for reason in asked if reason is not GapReason.NONE])
    items: list[Filter] = [Compare("owner", Op.IN, tuple(silent))] if silent else []
    if GapReason.NONE in asked:
        items.append(Not(Compare("owner", Op.EXISTS, True)))
    condition = And((_ownable(), Or(tuple(items)), await compile_filter(filter, info.context)))
    page = await entity_page(info, condition, sort, (first, after, last, before))
    return OwnershipGapConnection(page=page)


async def _silent_owners(store: Reading, reasons: list[GapReason]) -> list[Ref]:
    """Groups and users that cannot answer, and what else is named as an owner and declared by nobody."""
    if not reasons:
        return []
    condition: Filter = Compare("owner_state", Op.IN, tuple(reason.name for reason in reasons))
    if GapReason.UNRESOLVED in reasons:
        condition = Or((condition, _STRANGE_OWNERS))
    page = await store.page(PageRequest(filter=condition, sort=Sort("ref"), limit=MAX_SILENT_OWNERS))
    if page.more:
        raise CatalogError(
            ErrorCode.TOO_LARGE, f"more than {MAX_SILENT_OWNERS} owners cannot answer; ask for one reason"
        )
    return [row.ref for row in page.entities]


async def _coverage(
    info: Info,
    by: Annotated[CoverageBy, described("What to break down by.")],
    filter: FilterArgument = None,
) -> list[Coverage]:
    store = info.context.store
    asked = And((_ownable(), await compile_filter(filter, info.context)))
    declared = And((asked, Compare("declared_owner", Op.EXISTS, True)))
    effective = And((asked, Compare("owner", Op.EXISTS, True)))
    total, with_declared, with_effective = [
        {bucket.value: bucket.count for bucket in (await store.facets(condition, (by.value,)))[by.value].buckets}
        for condition in (asked, declared, effective)
    ]
    return [
        Coverage(
            value=shown_value(by.value, value),
            total=count,
            declared=with_declared.get(value, 0),
            effective=with_effective.get(value, 0),
            none=count - with_effective.get(value, 0),
        )
        for value, count in total.items()
    ]


@strawberry.type
class OwnershipQuery:
    owned: EntityConnection | None = strawberry.field(
        resolver=owned,
        description="What these groups and users own. includeSubgroups: also what groups below them own; viaGroups: "
        "also what a user's groups own; effective false: declared ownership only.",
    )
    ownership_gaps: OwnershipGapConnection | None = strawberry.field(
        resolver=_gaps,
        description="Entities without an owner, or with one that cannot answer, since it is undeclared, empty or "
        "inactive, whoever owns them beside it; container images left out.",
    )
    ownership_coverage: list[Coverage] | None = strawberry.field(
        resolver=_coverage,
        description="How much has an owner, over kinds that may have one, largest first; container images left out.",
    )
