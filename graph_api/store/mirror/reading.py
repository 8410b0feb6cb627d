"""Questions about entities and links, answered by the copy of this process where it is current, else by Neo4j."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.changes import Change, SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.drift import DriftFinding, DriftPlace, DriftQuestion
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import Filter, LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Cycle, Facet, Path, Paths, Traversal, WalkAnswer, WalkRequest
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded.reading import EmbeddedReading
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.mirror.mirror import Mirror
from graph_api.store.mirror.replica import Replica
from graph_api.store.neo4j.reading import Neo4jReading
from graph_api.store.protocol import ALL_LINKS, LinkPage, Neighbour, Page, PageRequest, PlacedProblem
from graph_api.store.revisions import note_revision, noting_revisions
from graph_api.telemetry.metrics import MIRROR_ANSWERS

T = TypeVar("T")


class MirroredReading:
    """Implements Reading. `neo4j` reads with the same visibility."""

    def __init__(self, mirror: Mirror, neo4j: Neo4jReading, visibility: Visibility = EVERYTHING) -> None:
        self._mirror = mirror
        self._neo4j = neo4j
        self._visibility = visibility

    async def revision(self) -> int:
        replica = await self._newest()
        if replica is None:
            return await self._neo4j.revision()
        note_revision(replica.revision)
        return replica.revision

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        return await self._ask(lambda reading: reading.entities(refs))

    async def page(self, request: PageRequest) -> Page:
        return await self._ask(lambda reading: reading.page(request))

    async def count(self, filter_: Filter) -> int:
        return await self._ask(lambda reading: reading.count(filter_))

    async def facets(self, filter_: Filter, fields: Sequence[str]) -> dict[str, Facet]:
        return await self._ask(lambda reading: reading.facets(filter_, fields))

    async def search(self, text: str, filter_: Filter) -> list[Ref]:
        return await self._ask(lambda reading: reading.search(text, filter_))

    async def neighbours(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
        page: LinkPage = ALL_LINKS,
    ) -> dict[Ref, list[Neighbour]]:
        return await self._ask(lambda reading: reading.neighbours(refs, direction, relations, link_where, page))

    async def neighbour_counts(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
    ) -> dict[Ref, int]:
        return await self._ask(lambda reading: reading.neighbour_counts(refs, direction, relations, link_where))

    async def subgroups(self, groups: Collection[Ref]) -> list[Ref]:
        return await self._ask(lambda reading: reading.subgroups(groups))

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return await self._ask(lambda reading: reading.resolve(identifiers))

    async def walk(self, request: WalkRequest, *, deadline: float) -> WalkAnswer:
        return await self._ask(lambda reading: reading.walk(request, deadline=deadline))

    async def via(
        self, traversal: Traversal, refs: Collection[Ref], *, hard_only: bool, deadline: float
    ) -> dict[Ref, Path]:
        return await self._ask(lambda reading: reading.via(traversal, refs, hard_only=hard_only, deadline=deadline))

    async def paths(self, from_: Ref, to: Ref, traversal: Traversal, first: int, *, deadline: float) -> Paths:
        return await self._ask(lambda reading: reading.paths(from_, to, traversal, first, deadline=deadline))

    async def cycles(self, relations: Collection[str], *, deadline: float) -> list[Cycle]:
        return await self._ask(lambda reading: reading.cycles(relations, deadline=deadline))

    async def drift(self, question: DriftQuestion, limit: int, after: DriftPlace | None = None) -> list[DriftFinding]:
        return await self._ask(lambda reading: reading.drift(question, limit, after))

    async def count_drift(self, question: DriftQuestion) -> int:
        return await self._ask(lambda reading: reading.count_drift(question))

    async def changes(self, since: int, limit: int, after: tuple[int, Ref] | None = None) -> list[Change]:
        return await self._neo4j.changes(since, limit, after)

    async def sources(self) -> list[SourceInfo]:
        return await self._neo4j.sources()

    async def syncs(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, str] | None = None,
        status: SyncStatus | None = None,
    ) -> list[SyncRun]:
        return await self._neo4j.syncs(source, limit, after, status)

    async def problems(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, int] | None = None,
        before: tuple[str, int] | None = None,
        *,
        backward: bool = False,
    ) -> list[PlacedProblem]:
        return await self._neo4j.problems(source, limit, after, before, backward=backward)

    async def count_problems(self, source: str | None) -> int:
        return await self._neo4j.count_problems(source)

    async def _newest(self) -> Replica | None:
        # What brings the copy along is read at other revisions, and no part of the answer.
        with noting_revisions():
            return await self._mirror.newest()

    async def _ask(self, question: Callable[[EmbeddedReading | Neo4jReading], Awaitable[T]]) -> T:
        return await self._answered(
            lambda store: question(store.seen_by(self._visibility)), lambda: question(self._neo4j)
        )

    async def _answered(
        self, by_mirror: Callable[[EmbeddedStore], Awaitable[T]], by_neo4j: Callable[[], Awaitable[T]]
    ) -> T:
        if replica := await self._newest():
            try:
                with replica.in_use() as store:
                    answer = await by_mirror(store)
            except CatalogError as error:
                if error.code is not ErrorCode.UNAVAILABLE:
                    raise
                self._mirror.distrust(replica)
            else:
                MIRROR_ANSWERS.labels("mirror").inc()
                return answer
        MIRROR_ANSWERS.labels("neo4j").inc()
        return await by_neo4j()
