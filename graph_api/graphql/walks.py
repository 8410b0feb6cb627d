"""Dependencies, dependents and impact: one connection type over one walk.

Every part of an answer (page, total, groups, completeness) that one selection asks for is computed by one question
to the store: the parts are collected by a data loader within one tick.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, cast

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.relay import PageInfo

from graph_api.catalog import traversal as catalog
from graph_api.catalog.entity import Entity as CatalogEntity
from graph_api.catalog.filters import And, Compare, Not, Op
from graph_api.catalog.ref import Ref
from graph_api.catalog.traversal import Position, Traversal, WalkAnswer, WalkRequest
from graph_api.graphql.arguments import described
from graph_api.graphql.context import Info
from graph_api.graphql.facets import Facet
from graph_api.graphql.links import Link
from graph_api.graphql.named import linked_entity, named_entities, named_entity
from graph_api.graphql.pagination import PageArguments, check_first, page_info
from graph_api.graphql.types import Entity
from graph_api.graphql.web_links import WebLink, contacts_of
from graph_api.store.protocol import Reading

strawberry.enum(
    catalog.Severity,
    name="ImpactSeverity",
    description="DOWN: some walk has only HARD links. DEGRADED: every walk crosses a SOFT one.",
)
strawberry.enum(
    catalog.IncompleteReason,
    description="BUDGET: more was reachable. DEPTH: maxDepth cut it. UNRESOLVED: something undeclared was reached. "
    "HIDDEN: who asks may not see everything, whether or not that mattered here.",
)


@strawberry.enum(description="What affected entities can be grouped by.")
class GroupBy(Enum):
    OWNER = "owner"
    SYSTEM = "system"
    DOMAIN = "domain"
    KIND = "kind"
    TYPE = "type"
    TIER = "tier"
    LIFECYCLE = "lifecycle"
    ENVIRONMENT = "environment"
    SEVERITY = "severity"


class PagePart(NamedTuple):
    arguments: PageArguments
    severity: bool


class Walk:
    """One traversal of one request; `ask` collects parts, and one walk answers all that are asked in one tick."""

    def __init__(self, store: Reading, traversal: Traversal, deadline: float) -> None:
        self.traversal = traversal
        self._store = store
        self._deadline = deadline
        self._parts: DataLoader[Any, WalkAnswer] = DataLoader(load_fn=self._load)
        self._via: dict[bool, DataLoader[Ref, catalog.Path | None]] = {
            hard: DataLoader(load_fn=self._via_loader(hard)) for hard in (False, True)
        }

    async def ask(self, part: PagePart | str) -> WalkAnswer:
        """Ask for a part: a page, "total", "completeness", or "facet:" + field."""
        return await self._parts.load(part)

    async def via(self, ref: Ref, *, hard_only: bool) -> catalog.Path | None:
        return await self._via[hard_only].load(ref)

    async def unowned(self, limit: int) -> list[CatalogEntity]:
        """Return the nearest hits that nobody owns."""
        keep = And((self.traversal.keep, Not(Compare("owner", Op.EXISTS, True))))
        request = WalkRequest(traversal=replace(self.traversal, keep=keep), limit=limit)
        return [hit.entity for hit in (await self._store.walk(request, deadline=self._deadline)).hits]

    def _via_loader(self, hard_only: bool) -> Any:
        async def load(refs: Sequence[Ref]) -> list[catalog.Path | None]:
            found = await self._store.via(self.traversal, refs, hard_only=hard_only, deadline=self._deadline)
            return [found.get(ref) for ref in refs]

        return load

    async def _load(self, parts: Sequence[PagePart | str]) -> list[WalkAnswer]:
        texts = [part for part in parts if isinstance(part, str)]
        pages = [part for part in parts if isinstance(part, PagePart)]
        request = WalkRequest(
            traversal=self.traversal,
            total="total" in texts,
            completeness="completeness" in texts,
            facets=tuple(sorted(text.removeprefix("facet:") for text in texts if text.startswith("facet:"))),
        )
        requests = [_with_page(request, pages[0]) if pages else request]
        requests += [_with_page(WalkRequest(traversal=self.traversal), page) for page in pages[1:]]
        answers = await asyncio.gather(*(self._store.walk(item, deadline=self._deadline) for item in requests))
        by_page = dict(zip(pages, answers, strict=False))
        return [by_page[part] if isinstance(part, PagePart) else answers[0] for part in parts]


def _with_page(request: WalkRequest, page: PagePart) -> WalkRequest:
    arguments = page.arguments
    return replace(
        request,
        limit=arguments.limit,
        backward=arguments.backward,
        after=_position(arguments.after),
        before=_position(arguments.before),
        severity=page.severity,
    )


def _position(place: tuple[Any, ...] | None) -> Position | None:
    return Position(place[0], place[1]) if place else None


@strawberry.type(description="Parallel links between two entities are one step of a walk.")
class Step:
    from_: str = strawberry.field(name="from", description="The ref nearer to the start.")
    to: str = strawberry.field(description="The ref nearer to the hit.")
    links: list[Link] = strawberry.field(description="Every link of the walk between the two.")


@strawberry.type(description="A walk from a start to a hit.")
class Path:
    refs: list[str] = strawberry.field(description="From the start to the hit, both included.")
    entities: list[Entity] = strawberry.field(
        resolver=named_entities(attrgetter("refs")), description="The entities of `refs`."
    )
    steps: list[Step] = strawberry.field(description="One fewer than refs.")


def _cursor(page: PageArguments, hit: catalog.Hit) -> str:
    return page.cursor(hit.distance, hit.entity.ref)


@strawberry.type(description="One affected entity: how far, how hard, through what.")
class HitEdge:
    cursor: str = strawberry.field(
        resolver=lambda root: _cursor(root.page, root.hit),
        description="The place of this hit in the order (distance, ref).",
    )
    node: Entity = strawberry.field(resolver=lambda root: root.hit.entity, description="The entity.")
    distance: int = strawberry.field(
        resolver=lambda root: root.hit.distance, description="The fewest links from any start."
    )
    severity: catalog.Severity | None = strawberry.field(
        resolver=lambda root: root.hit.severity,
        description="DOWN if some walk to it has HARD links only, else DEGRADED; never null where it is asked for.",
    )
    hit: strawberry.Private[catalog.Hit]
    page: strawberry.Private[PageArguments]
    walk: strawberry.Private[Walk]

    @strawberry.field(description="One shortest walk to it that obeys the filters; null only if a write came between.")
    async def via(self) -> Path | None:
        return cast("Any", await self.walk.via(self.hit.entity.ref, hard_only=False))

    @strawberry.field(description="One shortest walk to it over HARD links only; null when DEGRADED.")
    async def severity_via(self) -> Path | None:
        return cast("Any", await self.walk.via(self.hit.entity.ref, hard_only=True))


@strawberry.type(description="Whether the answer is all there is, and if not, why.")
class Completeness:
    complete: bool = strawberry.field(description="True when there is no reason.")
    reasons: list[catalog.IncompleteReason] = strawberry.field(description="Why the answer may lack something.")
    unexplored: int = strawberry.field(
        description="Reached entities not expanded because of depth or budget that have a link leading further."
    )


@strawberry.type(description="Somebody to tell, and how much of theirs is affected.")
class Notification:
    """Rows are buckets of the facet by owner: an answer may have thousands."""

    affected: int = strawberry.field(resolver=lambda root: root.count, description="How many hits they own.")
    owner: Entity = strawberry.field(resolver=linked_entity(attrgetter("value")), description="The group or user.")
    contacts: list[WebLink] = strawberry.field(
        resolver=named_entity(attrgetter("value"), contacts_of), description="E-mail and links to reach them."
    )


@strawberry.type(description="Hits in the order (distance, ref), with counts and groups over all of them.")
class HitConnection:
    walk: strawberry.Private[Walk]
    arguments: strawberry.Private[PageArguments]
    severity: strawberry.Private[bool]

    async def _page(self) -> WalkAnswer:
        return await self.walk.ask(PagePart(self.arguments, self.severity))

    @strawberry.field(description="The hits of this page.")
    async def edges(self) -> list[HitEdge]:
        return [HitEdge(hit=hit, page=self.arguments, walk=self.walk) for hit in (await self._page()).hits]

    @strawberry.field(description="The entities of this page.")
    async def nodes(self) -> list[Entity]:
        return cast("Any", [hit.entity for hit in (await self._page()).hits])

    @strawberry.field(description="Whether there is more on either side.")
    async def page_info(self) -> PageInfo:
        answer = await self._page()
        ends = [_cursor(self.arguments, answer.hits[place]) for place in (0, -1)] if answer.hits else []
        return page_info(ends, answer.more_before, answer.more_after)

    @strawberry.field(description="How many hits there are, whatever the page.")
    async def total_count(self) -> int:
        return cast("int", (await self.walk.ask("total")).total)

    @strawberry.field(
        description="How many entities the walk starts at. Nothing is affected where it is 0: `where` matches nothing."
    )
    def start_count(self) -> int:
        return len(self.walk.traversal.start)

    @strawberry.field(description="The catalog's revision that the answer is for.")
    async def revision(self) -> int:
        return (await self.walk.ask("total")).revision

    @strawberry.field(description="Counts over all hits by one property, largest first; null is its own bucket.")
    async def groups(self, by: Annotated[GroupBy, described("The property.")]) -> Facet:
        return cast("Any", await self._facet(by.value))

    @strawberry.field(description="Whom to tell: every effective owner with the number of hits, most affected first.")
    async def notify(self) -> list[Notification]:
        buckets = (await self._facet("owner")).buckets
        return cast("Any", [row for row in buckets if row.value is not None])

    @strawberry.field(description="How many hits nobody owns.")
    async def unowned_count(self) -> int:
        return sum(bucket.count for bucket in (await self._facet("owner")).buckets if bucket.value is None)

    @strawberry.field(description="Hits that nobody owns, nearest first.")
    async def unowned(
        self, info: Info, first: Annotated[int | None, described("How many, at most a page; 20 when left out.")] = None
    ) -> list[Entity]:
        return cast("Any", await self.walk.unowned(check_first(first, info.context.max_page)))

    @strawberry.field(description="Whether this is all there is.")
    async def completeness(self) -> Completeness:
        return cast("Any", (await self.walk.ask("completeness")).completeness)

    async def _facet(self, field: str) -> catalog.Facet:
        return (await self.walk.ask(f"facet:{field}")).facets[field]
