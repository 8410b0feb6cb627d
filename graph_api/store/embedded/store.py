"""The store that needs no setup: a SQLite file for documents, lists and search, and a compact graph for walks."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from graph_api.access.audit import Head, Record
from graph_api.access.keys import ApiKey
from graph_api.catalog import traversal as walks
from graph_api.catalog.changes import Change, SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.drift import DriftFinding, DriftPlace, DriftQuestion
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import Filter, LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError, ErrorCode, ReplacedError
from graph_api.store.dump import Batch
from graph_api.store.embedded import audit, drift, dumping, journal, keys, leases, lookups, pages, routes, schema
from graph_api.store.embedded.connections import Connections, connect, masked_errors
from graph_api.store.embedded.deadline import Deadline
from graph_api.store.embedded.documents import entities_of
from graph_api.store.embedded.dumping import EmbeddedRestore
from graph_api.store.embedded.facets import count_matching
from graph_api.store.embedded.graph import Graph
from graph_api.store.embedded.loading import GraphCache
from graph_api.store.embedded.reach import Ground
from graph_api.store.embedded.searching import search
from graph_api.store.embedded.transaction import EmbeddedTransaction, begin, commit, roll_back
from graph_api.store.embedded.walk import walk
from graph_api.store.identity import State, check_same
from graph_api.store.protocol import ALL_LINKS, LinkPage, Neighbour, Page, PageRequest, PlacedProblem
from graph_api.store.retention import Retention

BUSY_SECONDS = 10.0
READ_SECONDS = 30.0

T = TypeVar("T")


class EmbeddedStore:
    """Implements Store on the file at `path`, which is made if it does not exist; None: on a file of its own that goes
    with close(). A writer waits `busy_seconds` for its turn; questions without a deadline of their own take at most
    `read_seconds`. close() interrupts what is running.

    Several processes may have one file open at a time. It must not lie on a network file system.
    """

    def __init__(
        self,
        path: str | Path | None,
        *,
        busy_seconds: float = BUSY_SECONDS,
        read_seconds: float = READ_SECONDS,
        retention: Retention | None = None,
    ) -> None:
        self._path = path if path is None else Path(path)
        self._busy_seconds = busy_seconds
        self._read_seconds = read_seconds
        self._retention = retention or Retention()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._opened: Connections | None = None
        self._graphs = GraphCache()
        self._turn = asyncio.Lock()
        self._place = Path()
        self._inode: int | None = None
        self._known: State | None = None

    async def open(self, *, to_restore: bool = False) -> None:  # noqa: ARG002 - a restore leaves no half file
        """Raises CatalogError UNAVAILABLE for a file that is no catalog, or one of a newer version."""
        if self._opened is None:
            file = self._file()
            self._known = await asyncio.to_thread(self._prepare, file)
            self._opened = self._opened or Connections(file, self._busy_seconds)
            self._inode, self._place = _inode(file), file

    def _prepare(self, file: Path) -> State:
        with masked_errors(), closing(connect(file, self._busy_seconds)) as conn:
            schema.prepare(conn, self._busy_seconds)
            return schema.state_of(conn)

    def _file(self) -> Path:
        if self._path is None:
            # SQLite's own memory would make readers wait for a writer.
            self._folder = tempfile.TemporaryDirectory(prefix="graph-api-")
            return Path(self._folder.name) / "catalog.db"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"the folder of the catalog's file cannot be made: {error.strerror}"
            raise CatalogError(ErrorCode.UNAVAILABLE, message) from error
        return self._path

    async def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened:
            await asyncio.to_thread(opened.close)
        if self._folder:
            self._folder.cleanup()

    async def ping(self) -> None:
        if self._path and self._inode != _inode(self._path):
            raise ReplacedError("the catalog's file has been replaced")
        known, state = self._known, await self._ask(schema.state_of)
        check_same(known, state)
        self._known = state

    async def revision(self) -> int:
        return await self._ask(schema.current_revision)

    async def source_order(self) -> tuple[str, ...] | None:
        return await self._ask(schema.source_order)

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        return await self._ask(entities_of, refs)

    async def page(self, request: PageRequest) -> Page:
        return await self._ask(pages.page, request)

    async def count(self, filter_: Filter) -> int:
        return await self._ask(pages.count, filter_)

    async def facets(self, filter_: Filter, fields: Sequence[str]) -> dict[str, walks.Facet]:
        return await self._on_graph(
            self._read_seconds, lambda conn, graph, _: count_matching(conn, graph, filter_, fields)
        )

    async def search(self, text: str, filter_: Filter) -> list[Ref]:
        return await self._ask(search, text, filter_)

    async def neighbours(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
        page: LinkPage = ALL_LINKS,
    ) -> dict[Ref, list[Neighbour]]:
        return await self._ask(lookups.neighbours, refs, direction, relations, link_where, page)

    async def neighbour_counts(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
    ) -> dict[Ref, int]:
        return await self._ask(lookups.neighbour_counts, refs, direction, relations, link_where)

    async def subgroups(self, groups: Collection[Ref]) -> list[Ref]:
        return await self._ask(lookups.subgroups, groups)

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return await self._ask(lookups.resolve, identifiers)

    async def walk(self, request: walks.WalkRequest, *, deadline: float) -> walks.WalkAnswer:
        return await self._on_ground(request.traversal, deadline, lambda ground: walk(ground, request))

    async def via(
        self, traversal: walks.Traversal, refs: Collection[Ref], *, hard_only: bool, deadline: float
    ) -> dict[Ref, walks.Path]:
        return await self._on_ground(traversal, deadline, lambda ground: routes.via(ground, refs, hard_only=hard_only))

    async def paths(
        self, from_: Ref, to: Ref, traversal: walks.Traversal, first: int, *, deadline: float
    ) -> walks.Paths:
        return await self._on_ground(traversal, deadline, lambda ground: routes.paths(ground, from_, to, first))

    async def cycles(self, relations: Collection[str], *, deadline: float) -> list[walks.Cycle]:
        return await self._on_graph(deadline, lambda conn, graph, limit: routes.cycles(conn, graph, relations, limit))

    async def drift(self, question: DriftQuestion, limit: int, after: DriftPlace | None = None) -> list[DriftFinding]:
        return await self._ask(drift.drift, question, limit, after)

    async def count_drift(self, question: DriftQuestion) -> int:
        return await self._ask(drift.count_drift, question)

    async def changes(self, since: int, limit: int, after: tuple[int, Ref] | None = None) -> list[Change]:
        return await self._ask(journal.changes, since, limit, after)

    async def sources(self) -> list[SourceInfo]:
        return await self._ask(journal.sources)

    async def syncs(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, str] | None = None,
        status: SyncStatus | None = None,
    ) -> list[SyncRun]:
        return await self._ask(journal.runs, source, limit, after, status)

    async def problems(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, int] | None = None,
        before: tuple[str, int] | None = None,
        *,
        backward: bool = False,
    ) -> list[PlacedProblem]:
        return await self._ask(journal.problems, source, limit, after, before, backward)

    async def count_problems(self, source: str | None) -> int:
        return await self._ask(journal.count_problems, source)

    async def audit(self, limit: int, before: int | None = None) -> list[Record]:
        return await self._ask(audit.records, limit, before)

    async def audit_head(self) -> Head:
        return await self._ask(audit.head)

    async def keys(self) -> list[ApiKey]:
        return await self._ask(keys.keys)

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        async with self._my_turn():
            return await self._connections.write(lambda conn: leases.take(conn, name, holder, seconds))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[EmbeddedTransaction]:
        async with self._my_turn(), self._transaction() as transaction:
            yield transaction

    def dump(self, *, exclusive: bool = False) -> AsyncIterator[Batch]:  # noqa: ARG002 - needs to keep out nobody
        if self._opened is None:
            raise CatalogError(ErrorCode.UNAVAILABLE, "the catalog is not open")
        return dumping.dump(self._place, self._busy_seconds)

    @asynccontextmanager
    async def restore(self, *, replace: bool) -> AsyncIterator[EmbeddedRestore]:
        async with self._my_turn():
            run_step = self._connections.write
            try:
                await run_step(partial(dumping.begin, replace=replace))
                yield EmbeddedRestore(run_step)
                await run_step(dumping.finish)
            except BaseException:
                await asyncio.shield(run_step(roll_back))
                raise
        self._graphs = GraphCache()
        self._known = await self._ask(schema.state_of)

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._busy_seconds):
                await self._turn.acquire()
        except TimeoutError as error:
            raise CatalogError(ErrorCode.UNAVAILABLE, "another writer takes too long; try again") from error
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[EmbeddedTransaction]:
        run_step = self._connections.write
        try:
            yield EmbeddedTransaction(run_step, *await run_step(begin), self._retention)
            await run_step(commit)
        except BaseException:
            # Steps run one after the other, so this one ends even a transaction whose beginning was cancelled.
            await asyncio.shield(run_step(roll_back))
            raise

    @property
    def _connections(self) -> Connections:
        if self._opened is None:
            raise CatalogError(ErrorCode.UNAVAILABLE, "the catalog is not open")
        return self._opened

    async def _ask(self, question: Callable[..., T], *arguments: Any) -> T:
        """In a thread, in one read transaction."""

        def answer(conn: sqlite3.Connection, limit: Deadline) -> T:
            with limit.watching(conn):
                return question(conn, *arguments)

        return await self._connections.read(answer, self._read_seconds)

    async def _on_ground(self, traversal: walks.Traversal, deadline: float, question: Callable[[Ground], T]) -> T:
        return await self._on_graph(
            deadline, lambda conn, graph, limit: question(Ground(conn, graph, traversal, limit))
        )

    async def _on_graph(self, deadline: float, question: Callable[[sqlite3.Connection, Graph, Deadline], T]) -> T:
        """Ask SQLite and the graph at one revision. Only loading the graph goes on after the deadline: others wait
        for it too."""

        def answer(conn: sqlite3.Connection, limit: Deadline) -> T:
            graph = self._graphs.at(conn)
            with limit.watching(conn):
                return question(conn, graph, limit)

        return await self._connections.read(answer, deadline)


def _inode(path: Path) -> int | None:
    """What stays while the file's name does not come to mean another file."""
    try:
        return path.stat().st_ino
    except OSError:
        return None
