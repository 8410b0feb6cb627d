"""The question where what is written down differs from what is seen to happen, and how to mend it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast

import strawberry
from strawberry import Parent
from strawberry.relay import PageInfo

from graph_api.catalog import drift as catalog
from graph_api.catalog.drift import DriftKind, DriftPlace, DriftQuestion
from graph_api.catalog.entity import LinkOrigin, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.catalog.times import utc_text
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.arguments import After, FilterArgument, First, described
from graph_api.graphql.conflicts import ConflictingValue, stated_owners
from graph_api.graphql.connections import Dated, date
from graph_api.graphql.context import Info
from graph_api.graphql.filtering import compile_filter
from graph_api.graphql.links import Link
from graph_api.graphql.pagination import Place, bad_cursor, keyset_page_info, page_arguments
from graph_api.graphql.times import Time
from graph_api.graphql.types import Entity

MAX_DAYS = 3_650

strawberry.enum(
    DriftKind,
    description="UNDECLARED: a need that is observed between two declared entities, and that nobody declares; not "
    "of one that only observers know. "
    "UNOBSERVED: a declared need of an entity that tools observe, which they did not see of late. OWNERS: an entity "
    "whose sources name different owners for one role.",
)
_TELLING = {DriftKind.UNDECLARED: LinkOrigin.OBSERVED, DriftKind.UNOBSERVED: LinkOrigin.DECLARED}
"""The origin of the statements that make a link a finding."""


def _said(finding: catalog.DriftFinding) -> dict[str, list[LinkStatement]]:
    """Return the statements that make it a finding, by source."""
    said: dict[str, list[LinkStatement]] = {}
    for link in finding.links:
        for source, statements in link.statements.items():
            telling = [row for row in statements if row.origin is _TELLING.get(finding.kind, row.origin)]
            if telling:
                said.setdefault(source, []).extend(telling)
    return said


def _link(root: Parent[catalog.DriftFinding]) -> Link | None:
    return None if root.kind is DriftKind.OWNERS else cast("Any", root.links[0])


def _sources(root: Parent[catalog.DriftFinding]) -> list[str]:
    return list(_said(root))


def _owners(root: Parent[catalog.DriftFinding], info: Info) -> list[ConflictingValue]:
    if root.kind is not DriftKind.OWNERS:
        return []
    stated = stated_owners(root.entity, root.links, info.context.source_order)
    return [ConflictingValue(source=source, value=owners) for source, owners in stated.items()]


def _since(root: Parent[catalog.DriftFinding]) -> Any:
    first_seen = [row.first_seen for rows in _said(root).values() for row in rows if row.first_seen]
    if root.kind is DriftKind.OWNERS:
        return max(first_seen, default=None)
    if root.kind is DriftKind.UNOBSERVED and root.links[0].observed_at:
        return root.links[0].observed_at
    return min(first_seen, default=None)


def _remedy(root: Parent[catalog.DriftFinding]) -> str:
    said = _said(root)
    if root.kind is DriftKind.OWNERS:
        return f"Name the same owners in all sources ({_places(said)}), or withdraw what one of them says."
    source, relation, target, _ = root.links[0].key
    if root.kind is DriftKind.UNOBSERVED:
        return f"Remove {target} from {source} where it is declared ({_places(said)}), unless it is needed rarely."
    field = next(row.field for row in RELATIONS[relation].spellings if row.direction is Direction.OUT)
    where = root.entity.declaring.location if root.entity.declaring else "its descriptor"
    return f"Add {target} to `{field}` of {source} ({where}), or stop the use that {', '.join(said)} saw."


def _places(said: Mapping[str, Iterable[LinkStatement]]) -> str:
    return ", ".join(dict.fromkeys(row.location for rows in said.values() for row in rows))


@strawberry.type(description="One place where declarations differ from observations, or from each other.")
class DriftFinding:
    kind: DriftKind = strawberry.field(description="What differs.")
    entity: Entity = strawberry.field(description="Where the link starts, or whose owners are named differently.")
    link: Link | None = strawberry.field(resolver=_link, description="The link; null for OWNERS.")
    sources: list[str] = strawberry.field(
        resolver=_sources,
        description="Who observes (UNDECLARED) or declares (UNOBSERVED) the link, or names owners.",
    )
    owners: list[ConflictingValue] = strawberry.field(
        resolver=_owners, description="Of OWNERS: whom each source names for the disputed roles."
    )
    since: Time | None = strawberry.field(
        resolver=_since,
        description="When it was first seen by a source (UNDECLARED), last observed or else first declared "
        "(UNOBSERVED), or when the newest of the owners was first named.",
    )
    remedy: str = strawberry.field(resolver=_remedy, description="How to mend it, and where.")


@strawberry.type(description="A finding in a list.")
class DriftEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: DriftFinding = strawberry.field(description="The finding.")


@strawberry.type(description="Findings by kind, and then by entity and link.")
class DriftConnection(Dated):
    edges: list[DriftEdge] = strawberry.field(description="The findings of this page.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")
    question: strawberry.Private[DriftQuestion]

    @strawberry.field(description="The findings of this page.")
    def nodes(self) -> list[DriftFinding]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many there are; costs only when asked.")
    async def total_count(self, info: Info) -> int:
        return await info.context.store.count_drift(self.question)


async def _drift(
    info: Info,
    kinds: Annotated[list[DriftKind] | None, described("Only these kinds.")] = None,
    filter: FilterArgument = None,
    days: Annotated[int, described("How long ago an observation still counts, from 1 to 3,650.")] = 30,
    first: First = None,
    after: After = None,
) -> DriftConnection:
    arguments = page_arguments(info, (str, str, str, str, str), first, after, None, None)
    store = info.context.store
    asked = frozenset(DriftKind if kinds is None else kinds)
    question = DriftQuestion(
        kinds=asked,
        filter=await compile_filter(filter, info.context),
        since=_days_ago(days),
        declaring=await _declaring(info) if DriftKind.UNDECLARED in asked else None,
    )
    await date(info)
    found = await store.drift(question, arguments.limit + 1, _place(arguments.after))
    edges = [DriftEdge(cursor=arguments.cursor(*row.place), node=cast("Any", row)) for row in found[: arguments.limit]]
    page_info = keyset_page_info(edges, arguments, len(found) > arguments.limit)
    return DriftConnection(edges=edges, page_info=page_info, question=question)


async def _declaring(info: Info) -> tuple[str, ...]:
    observing = info.context.source_order.observing
    return tuple(row.name for row in await info.context.catalog.sources() if row.connector not in observing)


def _days_ago(days: int) -> str:
    if not 1 <= days <= MAX_DAYS:
        raise CatalogError(ErrorCode.BAD_INPUT, f"`days` goes from 1 to {MAX_DAYS}; got {days}")
    return utc_text(datetime.now(UTC) - timedelta(days=days))


def _place(place: Place | None) -> DriftPlace | None:
    if place is None:
        return None
    kind, source, relation, target, environment = place
    if kind not in list(DriftKind):
        raise bad_cursor("was not made by this server")
    return DriftPlace(DriftKind(kind), Ref(source), relation, target, environment)


@strawberry.type
class DriftQuery:
    drift: DriftConnection | None = strawberry.field(
        resolver=_drift,
        description="Where what is declared differs from what is observed, and where sources disagree about owners. "
        "The filter looks at the entity where a link starts; see docs/drift.md.",
    )
