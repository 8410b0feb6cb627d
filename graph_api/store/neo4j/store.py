"""The catalog in Neo4j."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from graph_api.access.audit import Head, Record
from graph_api.access.keys import ApiKey
from graph_api.catalog.changes import Change, SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.cycles import find_cycles
from graph_api.catalog.drift import DriftFinding, DriftPlace, DriftQuestion
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import Filter, LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Cycle, Facet, Path, Paths, Traversal, WalkAnswer, WalkRequest
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.dump import Batch
from graph_api.store.identity import State, check_same
from graph_api.store.migrations import check_format
from graph_api.store.neo4j import audit, cypher, drift, dumping, keys, lists, reach, routes, runs, walks
from graph_api.store.neo4j.database import Database, Statements, order_of
from graph_api.store.neo4j.dumping import Neo4jRestore
from graph_api.store.neo4j.filters import relation_types
from graph_api.store.neo4j.preparing import check_constraints, prepare, read_state
from graph_api.store.neo4j.records import entity_of
from graph_api.store.neo4j.searching import search
from graph_api.store.neo4j.writes import Neo4jWrite, resolve
from graph_api.store.protocol import (
    ALL_LINKS,
    LinkPage,
    Neighbour,
    Page,
    PageRequest,
    PlacedProblem,
    WriteTransaction,
)
from graph_api.store.retention import Retention

MAX_CYCLE_LINKS = 1_000_000
PING_TIMEOUT = 2.0


class Neo4jStore:
    """The Store protocol over one Neo4j database; see protocol.py for what each method answers."""

    def __init__(
        self,
        uri: str,
        user: str | None = None,
        password: str | None = None,
        database: str = "neo4j",
        retention: Retention | None = None,
    ) -> None:
        self._database = Database(uri, user, password, database)
        self._retention = retention or Retention()
        self._opened: State | None = None

    @property
    def round_trips(self) -> int:
        """Statements sent so far."""
        return self._database.round_trips

    async def open(self, *, to_restore: bool = False) -> None:
        self._opened = await prepare(self._database, to_restore=to_restore)

    async def close(self) -> None:
        await self._database.close()

    async def ping(self) -> None:
        known = self._opened
        await self._database.read(_gate, PING_TIMEOUT)
        state = await read_state(self._database, to_restore=True)
        check_format(state.format, state.oldest, cypher.FORMAT)
        check_same(known, state)
        await check_constraints(self._database)
        self._opened = state

    async def revision(self) -> int:
        return await self._database.read(_gate)

    async def source_order(self) -> tuple[str, ...] | None:
        async def ask(tx: Statements) -> tuple[str, ...] | None:
            return order_of(await tx.rows(cypher.READ_ORDER))

        return await self._database.read(ask)

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        async def ask(tx: Statements) -> dict[Ref, Entity]:
            rows = await tx.rows(cypher.ENTITIES, refs=list(refs))
            return {row["e"]["ref"]: entity_of(row["e"]) for row in rows}

        return await self._database.read(ask) if refs else {}

    async def page(self, request: PageRequest) -> Page:
        return await self._database.read(lambda tx: lists.page(tx, request))

    async def count(self, filter_: Filter) -> int:
        return await self._database.read(lambda tx: lists.count(tx, filter_))

    async def facets(self, filter_: Filter, fields: Sequence[str]) -> dict[str, Facet]:
        return await self._database.read(lambda tx: lists.facets(tx, filter_, fields))

    async def search(self, text: str, filter_: Filter) -> list[Ref]:
        return await self._database.read(lambda tx: search(tx, text, filter_))

    async def neighbours(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
        page: LinkPage = ALL_LINKS,
    ) -> dict[Ref, list[Neighbour]]:
        return await self._database.read(lambda tx: lists.neighbours(tx, refs, direction, relations, link_where, page))

    async def neighbour_counts(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
    ) -> dict[Ref, int]:
        return await self._database.read(lambda tx: lists.neighbour_counts(tx, refs, direction, relations, link_where))

    async def subgroups(self, groups: Collection[Ref]) -> list[Ref]:
        async def ask(tx: Statements) -> list[Ref]:
            rows = await tx.rows(cypher.SUBGROUPS, refs=list(groups))
            return sorted({*groups, *(row["ref"] for row in rows)})

        return await self._database.read(ask)

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return await self._database.read(lambda tx: resolve(tx, identifiers))

    async def walk(self, request: WalkRequest, *, deadline: float) -> WalkAnswer:
        return await self._database.read(lambda tx: walks.walk(tx, request), deadline)

    async def via(
        self, traversal: Traversal, refs: Collection[Ref], *, hard_only: bool, deadline: float
    ) -> dict[Ref, Path]:
        walked = reach.hard_only(traversal) if hard_only else traversal
        return await self._database.read(lambda tx: routes.via(tx, walked, refs), deadline)

    async def paths(self, from_: Ref, to: Ref, traversal: Traversal, first: int, *, deadline: float) -> Paths:
        return await self._database.read(lambda tx: routes.paths(tx, from_, to, traversal, first), deadline)

    async def cycles(self, relations: Collection[str], *, deadline: float) -> list[Cycle]:
        async def ask(tx: Statements) -> list[list[Ref]]:
            query = cypher.ALL_LINKS.format(types=relation_types(relations))
            rows = await tx.rows(query, limit=MAX_CYCLE_LINKS + 1)
            pairs: list[list[Ref]] = rows[0]["pairs"]
            return pairs

        pairs = await self._database.read(ask, deadline) if relations else []
        if len(pairs) > MAX_CYCLE_LINKS:
            raise CatalogError(ErrorCode.TOO_LARGE, f"cycles are found among at most {MAX_CYCLE_LINKS:,} links")
        return find_cycles([(source, target) for source, target in pairs])

    async def drift(self, question: DriftQuestion, limit: int, after: DriftPlace | None = None) -> list[DriftFinding]:
        return await self._database.read(lambda tx: drift.drift(tx, question, limit, after))

    async def count_drift(self, question: DriftQuestion) -> int:
        return await self._database.read(lambda tx: drift.count_drift(tx, question))

    async def changes(self, since: int, limit: int, after: tuple[int, Ref] | None = None) -> list[Change]:
        return await self._database.read(lambda tx: runs.changes(tx, since, limit, after))

    async def sources(self) -> list[SourceInfo]:
        return await self._database.read(runs.sources)

    async def syncs(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, str] | None = None,
        status: SyncStatus | None = None,
    ) -> list[SyncRun]:
        return await self._database.read(lambda tx: runs.syncs(tx, source, limit, after, status))

    async def problems(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, int] | None = None,
        before: tuple[str, int] | None = None,
        *,
        backward: bool = False,
    ) -> list[PlacedProblem]:
        return await self._database.read(lambda tx: runs.problems(tx, source, limit, after, before, backward=backward))

    async def count_problems(self, source: str | None) -> int:
        return await self._database.read(lambda tx: runs.count_problems(tx, source))

    async def audit(self, limit: int, before: int | None = None) -> list[Record]:
        return await self._database.read(lambda tx: audit.records(tx, limit, before))

    async def audit_head(self) -> Head:
        return await self._database.read(audit.head)

    async def keys(self) -> list[ApiKey]:
        return await self._database.read(keys.keys)

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        milliseconds = round(seconds * 1000)
        query = cypher.TAKE_LEASE
        return bool(await self._database.execute(query, name=name, holder=holder, milliseconds=milliseconds))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTransaction]:
        await check_constraints(self._database)
        async with self._database.write() as tx:
            write = Neo4jWrite(tx, self._retention)
            yield write
            if write.applied or write.kept_aside:
                await self._database.commit(tx, seen=write.applied)

    def dump(self, *, exclusive: bool = False) -> AsyncIterator[Batch]:
        return dumping.dump(self._database, exclusive=exclusive)

    @asynccontextmanager
    async def restore(self, *, replace: bool) -> AsyncIterator[Neo4jRestore]:
        restoring = Neo4jRestore(self._database)
        await restoring.begin(replace=replace)
        yield restoring
        await restoring.finish()
        self._opened = await read_state(self._database)


async def _gate(tx: Statements) -> int:
    return tx.revision
