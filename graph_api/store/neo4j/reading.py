"""The catalog in Neo4j as one reader sees it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.changes import Change, SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.cycles import find_cycles
from graph_api.catalog.drift import DriftFinding, DriftPlace, DriftQuestion
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import Filter, LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Cycle, Facet, Path, Paths, Traversal, WalkAnswer, WalkRequest
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j import cypher, drift, lists, reach, routes, runs, walks
from graph_api.store.neo4j.database import DEFAULT_DEADLINE, Database
from graph_api.store.neo4j.filters import relation_types
from graph_api.store.neo4j.lookups import resolve
from graph_api.store.neo4j.projection import WHOLE, projection
from graph_api.store.neo4j.searching import search
from graph_api.store.neo4j.sight import TRUE, Sight, Sights
from graph_api.store.neo4j.statements import Statements
from graph_api.store.protocol import ALL_LINKS, LinkPage, Needed, Neighbour, Page, PageRequest, PlacedProblem

MAX_CYCLE_LINKS = 1_000_000

T = TypeVar("T")


class Neo4jReading:
    """Implements Reading; `sights` are shared by all readings of a database."""

    def __init__(
        self,
        database: Database,
        sights: Sights,
        visibility: Visibility = EVERYTHING,
        needed: Needed | None = None,
        read_seconds: float = DEFAULT_DEADLINE,
    ) -> None:
        """`needed`: see Store.seen_by(). `read_seconds`: how long a question may take where no deadline is named."""
        self._database = database
        self._sights = sights
        self._visibility = visibility
        self._projection = projection(needed)
        self._read_seconds = read_seconds

    async def revision(self) -> int:
        return await self._database.read(revision_of, aside=True)

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        async def ask(tx: Statements) -> dict[Ref, Entity]:
            query = cypher.ENTITIES.format(where=tx.sight.node("e"), entity=tx.projection.text)
            rows = await tx.packed(query, refs=list(refs), **tx.sight.parameters)
            return {row.ref: row for row in tx.sight.redacted(map(tx.projection.entity, rows))}

        return await self._read(ask) if refs else {}

    async def page(self, request: PageRequest) -> Page:
        return await self._read(lambda tx: lists.page(tx, request))

    async def count(self, filter_: Filter) -> int:
        return await self._read(lambda tx: lists.count(tx, filter_))

    async def facets(self, filter_: Filter, fields: Sequence[str]) -> dict[str, Facet]:
        return await self._read(lambda tx: lists.facets(tx, filter_, fields))

    async def search(self, text: str, filter_: Filter) -> list[Ref]:
        return await self._read(lambda tx: search(tx, text, filter_))

    async def neighbours(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
        page: LinkPage = ALL_LINKS,
    ) -> dict[Ref, list[Neighbour]]:
        return await self._read(lambda tx: lists.neighbours(tx, refs, direction, relations, link_where, page))

    async def neighbour_counts(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
    ) -> dict[Ref, int]:
        return await self._read(lambda tx: lists.neighbour_counts(tx, refs, direction, relations, link_where))

    async def subgroups(self, groups: Collection[Ref]) -> list[Ref]:
        async def ask(tx: Statements) -> list[Ref]:
            found = await tx.packed(subgroups(tx.sight), refs=list(groups), **tx.sight.parameters)
            return sorted({*groups, *found})

        return await self._read(ask)

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return await self._read(lambda tx: resolve(tx, identifiers))

    async def walk(self, request: WalkRequest, *, deadline: float) -> WalkAnswer:
        return await self._read(lambda tx: walks.walk(tx, request), deadline)

    async def via(
        self, traversal: Traversal, refs: Collection[Ref], *, hard_only: bool, deadline: float
    ) -> dict[Ref, Path]:
        walked = reach.hard_only(traversal) if hard_only else traversal
        return await self._read(lambda tx: routes.via(tx, walked, refs), deadline)

    async def paths(self, from_: Ref, to: Ref, traversal: Traversal, first: int, *, deadline: float) -> Paths:
        return await self._read(lambda tx: routes.paths(tx, from_, to, traversal, first), deadline)

    async def cycles(self, relations: Collection[str], *, deadline: float) -> list[Cycle]:
        async def ask(tx: Statements) -> list[list[Ref]]:
            where = TRUE if tx.sight.whole else f"{tx.sight.node('a')} AND {tx.sight.node('b')}"
            query = cypher.ALL_LINKS.format(types=relation_types(relations), where=where)
            rows = await tx.rows(query, limit=MAX_CYCLE_LINKS + 1, **tx.sight.parameters)
            pairs: list[list[Ref]] = rows[0]["pairs"]
            return pairs

        pairs = await self._read(ask, deadline) if relations else []
        if len(pairs) > MAX_CYCLE_LINKS:
            raise CatalogError(ErrorCode.TOO_LARGE, f"cycles are found among at most {MAX_CYCLE_LINKS:,} links")
        return find_cycles([(source, target) for source, target in pairs])

    async def drift(self, question: DriftQuestion, limit: int, after: DriftPlace | None = None) -> list[DriftFinding]:
        return await self._read(lambda tx: drift.drift(tx, question, limit, after))

    async def count_drift(self, question: DriftQuestion) -> int:
        return await self._read(lambda tx: drift.count_drift(tx, question))

    async def changes(self, since: int, limit: int, after: tuple[int, Ref] | None = None) -> list[Change]:
        return await self._read(lambda tx: runs.changes(tx, since, limit, after))

    async def sources(self) -> list[SourceInfo]:
        return await self._database.read(runs.sources, aside=True)

    async def syncs(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, str] | None = None,
        status: SyncStatus | None = None,
    ) -> list[SyncRun]:
        return await self._database.read(lambda tx: runs.syncs(tx, source, limit, after, status), aside=True)

    async def problems(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, int] | None = None,
        before: tuple[str, int] | None = None,
        *,
        backward: bool = False,
    ) -> list[PlacedProblem]:
        return await self._database.read(
            lambda tx: runs.problems(tx, source, limit, after, before, backward=backward), aside=True
        )

    async def count_problems(self, source: str | None) -> int:
        return await self._database.read(lambda tx: runs.count_problems(tx, source), aside=True)

    async def _read(self, work: Callable[[Statements], Awaitable[T]], deadline: float | None = None) -> T:
        async def ask(tx: Statements) -> T:
            tx.sight = await self._sights.at(tx, self._visibility)
            # What is hidden is looked for in all of them.
            tx.projection = WHOLE if tx.sight.hidden else self._projection
            return await work(tx)

        return await self._database.read(ask, self._read_seconds if deadline is None else deadline)


async def revision_of(tx: Statements) -> int:
    return tx.revision


def subgroups(sight: Sight) -> str:
    where = f" WHERE {sight.node('s')} AND all(r IN rs WHERE {sight.node('startNode(r)')})"
    return cypher.SUBGROUPS.format(where="" if sight.whole else where)
