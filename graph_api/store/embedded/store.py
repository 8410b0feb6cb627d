"""The store that needs no setup: a SQLite file for documents, lists and search, and a compact graph for walks."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from time import monotonic

from graph_api.access.audit import Head, Record
from graph_api.access.keys import ApiKey
from graph_api.catalog.audience import Visibility
from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode, ReplacedError
from graph_api.store.dump import Batch
from graph_api.store.embedded import audit, dumping, following, keys, leases, schema
from graph_api.store.embedded.affecting import affecting
from graph_api.store.embedded.connections import Connections, Durability, connect, masked_errors
from graph_api.store.embedded.dumping import EmbeddedRestore
from graph_api.store.embedded.reading import EmbeddedReading, Snapshots
from graph_api.store.embedded.transaction import EmbeddedTransaction, begin, commit, roll_back
from graph_api.store.identity import State, check_same
from graph_api.store.protocol import Needed
from graph_api.store.retention import Retention

BUSY_SECONDS = 10.0
READ_SECONDS = 30.0
LOOK_SECONDS = 0.001
"""Seconds between two looks whether another process still writes to a copy."""


class EmbeddedStore(EmbeddedReading):
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
        durability: Durability = Durability.FULL,
    ) -> None:
        self._path = path if path is None else Path(path)
        graph_file = self._path and self._path.with_name(f"{self._path.name}-graph")
        super().__init__(lambda: self._opened_connections, Snapshots(graph_file), read_seconds)
        self._busy_seconds = busy_seconds
        self._retention = retention or Retention()
        self._durability = durability if path else Durability.OFF
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._opened: Connections | None = None
        self._turn = asyncio.Lock()
        self._place = Path()
        self._inode: int | None = None
        self._known: State | None = None

    async def open(self, *, to_restore: bool = False) -> None:  # noqa: ARG002 - a restore leaves no half file
        """Raises CatalogError UNAVAILABLE for a file that is no catalog, or one of a newer version."""
        if self._opened is None:
            file = self._file()
            self._known = await asyncio.to_thread(self._prepare, file)
            self._opened = self._opened or Connections(file, self._busy_seconds, self._durability)
            self._opened.store = self._known.store
            self._inode, self._place = _inode(file), file

    def _prepare(self, file: Path) -> State:
        with masked_errors(), closing(connect(file, self._busy_seconds)) as conn:
            schema.prepare(conn, self._busy_seconds)
            return schema.state_of(conn)

    def _file(self) -> Path:
        if self._path is None:
            # SQLite's own memory would make readers wait for a writer.
            self._folder = tempfile.TemporaryDirectory(prefix="graph-api-")
            path = Path(self._folder.name) / "catalog.db"
        else:
            path = self._path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                # It holds what only some may see; SQLite's own files beside it get its mode.
                path.touch(mode=0o600)
        except OSError as error:
            message = f"the catalog's file or its folder cannot be made: {error.strerror}"
            raise CatalogError(ErrorCode.UNAVAILABLE, message) from error
        return path

    async def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened:
            await asyncio.to_thread(opened.close)
        if self._folder:
            self._folder.cleanup()

    async def ping(self) -> None:
        if self._path and self._inode != _inode(self._path):
            raise ReplacedError("the catalog's file has been replaced")
        known, state = self._known, await self._ask_plainly(schema.state_of)
        check_same(known, state)
        self._known = state

    async def source_order(self) -> tuple[str, ...] | None:
        return await self._ask_plainly(schema.source_order)

    def seen_by(self, visibility: Visibility, needed: Needed | None = None) -> EmbeddedReading:  # noqa: ARG002
        # It keeps whole entities for whoever asks next.
        if visibility.tokens is None:
            return self
        return EmbeddedReading(lambda: self._opened_connections, self._snapshots, self._read_seconds, visibility)

    async def affecting(self, owners: Collection[Ref]) -> frozenset[Ref]:
        return await self._on_graph(self._read_seconds, lambda conn, graph, _: affecting(conn, graph, owners))

    async def audit(self, limit: int, before: int | None = None) -> list[Record]:
        return await self._ask_plainly(audit.records, limit, before)

    async def audit_head(self) -> Head:
        return await self._ask_plainly(audit.head)

    async def keys(self) -> list[ApiKey]:
        return await self._ask_plainly(keys.keys)

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        async with self._my_turn():
            return await self._opened_connections.write(lambda conn: leases.take(conn, name, holder, seconds))

    @asynccontextmanager
    async def write(self, *, small: bool = False) -> AsyncIterator[EmbeddedTransaction]:  # noqa: ARG002 - a commit of its own costs little here
        async with self._my_turn(), self._transaction() as transaction:
            yield transaction

    def dump(self, *, exclusive: bool = False) -> AsyncIterator[Batch]:  # noqa: ARG002 - needs to keep out nobody
        if self._opened is None:
            raise CatalogError(ErrorCode.UNAVAILABLE, "the catalog is not open")
        return dumping.dump(self._place, self._busy_seconds)

    @asynccontextmanager
    async def restore(self, *, replace: bool) -> AsyncIterator[EmbeddedRestore]:
        async with self._my_turn():
            run_step = self._opened_connections.write
            try:
                await run_step(partial(dumping.begin, replace=replace))
                yield EmbeddedRestore(run_step)
                await run_step(dumping.finish)
            except BaseException:
                await asyncio.shield(run_step(roll_back))
                raise
        self._snapshots.forget()
        self._opened_connections.kept.clear()
        self._opened_connections.store = None
        self._known = await self._ask_plainly(schema.state_of)
        self._opened_connections.store = self._known.store

    async def fill(self, rows: Sequence[Entity] | Sequence[Link]) -> None:
        """Add rows to a copy of another store, see following.py."""
        await self._opened_connections.write(lambda conn: following.fill(conn, rows))

    async def end_filling(self, revision: int, at: str | None) -> None:
        """Say that what was filled in is of this revision, whose write was at that time."""
        await self._opened_connections.write(lambda conn: following.end_filling(conn, revision, at))

    async def written_at(self) -> tuple[int, str | None]:
        """Return the revision of a copy, and when the write was that led to it."""
        return await self._ask_plainly(following.written_at)

    @asynccontextmanager
    async def ahead(self, seconds: float) -> AsyncIterator[following.Ahead]:
        """Yield a transaction of a copy of another store, see following.py. Raises TimeoutError where another process
        writes that long; in this one nothing else may write meanwhile.
        """
        run_step = self._opened_connections.write
        until = monotonic() + seconds
        try:
            while (revision := await run_step(following.begin_at_once)) is None:
                if monotonic() > until:
                    raise TimeoutError
                await asyncio.sleep(LOOK_SECONDS)
            yield (ahead := following.Ahead(run_step, revision))
            if not ahead.is_kept:
                with suppress(CatalogError):  # a file that is closed or broken keeps nothing
                    await run_step(roll_back)
        except BaseException:
            with suppress(CatalogError):
                await asyncio.shield(run_step(roll_back))
            raise

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
        connections = self._opened_connections
        run_step = connections.write
        try:
            begun = await run_step(self._begin)
            yield EmbeddedTransaction(run_step, connections.write_knowing, *begun, self._retention)
            await run_step(commit)
        except BaseException:
            # Steps run one after the other, so this one ends even a transaction whose beginning was cancelled.
            await asyncio.shield(run_step(roll_back))
            raise

    def _begin(self, conn: sqlite3.Connection) -> tuple[int, tuple[str, ...] | None]:
        begun = begin(conn)
        self._opened_connections.check_store(conn)
        return begun

    @property
    def _opened_connections(self) -> Connections:
        if self._opened is None:
            raise CatalogError(ErrorCode.UNAVAILABLE, "the catalog is not open")
        return self._opened


def _inode(path: Path) -> int | None:
    """Return what stays while the name does not come to mean another file; None where there is no such file."""
    try:
        return path.stat().st_ino
    except OSError:
        return None
