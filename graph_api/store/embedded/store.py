"""The store that needs no setup: a SQLite file for documents, lists and search, and a compact graph for walks."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, closing
from pathlib import Path

from graph_api.catalog.audience import Visibility
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded import leases, schema
from graph_api.store.embedded.affecting import affecting
from graph_api.store.embedded.connections import Connections, connect, masked_errors
from graph_api.store.embedded.reading import EmbeddedReading, Snapshots
from graph_api.store.embedded.transaction import EmbeddedTransaction, begin, commit, roll_back
from graph_api.store.retention import Retention

BUSY_SECONDS = 10.0
READ_SECONDS = 30.0


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
    ) -> None:
        super().__init__(lambda: self._opened_connections, Snapshots(), read_seconds)
        self._path = path if path is None else Path(path)
        self._busy_seconds = busy_seconds
        self._retention = retention or Retention()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._opened: Connections | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Raises CatalogError UNAVAILABLE for a file that is no catalog, or one of a newer version."""
        if self._opened is None:
            file = self._file()
            await asyncio.to_thread(self._prepare, file)
            self._opened = self._opened or Connections(file, self._busy_seconds)

    def _prepare(self, file: Path) -> None:
        with masked_errors(), closing(connect(file, self._busy_seconds)) as conn:
            schema.prepare(conn, self._busy_seconds)

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
        await self._ask_plainly(schema.check)

    async def source_order(self) -> tuple[str, ...] | None:
        return await self._ask_plainly(schema.source_order)

    def seen_by(self, visibility: Visibility) -> EmbeddedReading:
        return EmbeddedReading(lambda: self._opened_connections, self._snapshots, self._read_seconds, visibility)

    async def affecting(self, owners: Collection[Ref]) -> frozenset[Ref]:
        return await self._on_graph(self._read_seconds, lambda conn, graph, _: affecting(conn, graph, owners))

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        async with self._my_turn():
            return await self._opened_connections.write(lambda conn: leases.take(conn, name, holder, seconds))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[EmbeddedTransaction]:
        async with self._my_turn(), self._transaction() as transaction:
            yield transaction

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
        run_step = self._opened_connections.write
        try:
            yield EmbeddedTransaction(run_step, *await run_step(begin), self._retention)
            await run_step(commit)
        except BaseException:
            # Steps run one after the other, so this one ends even a transaction whose beginning was cancelled.
            await asyncio.shield(run_step(roll_back))
            raise

    @property
    def _opened_connections(self) -> Connections:
        if self._opened is None:
            raise CatalogError(ErrorCode.UNAVAILABLE, "the catalog is not open")
        return self._opened
