"""Connections to the catalog's file: a few that read and one that writes, each in a thread of its own."""

import asyncio
import logging
import math
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded.deadline import CHECK_EVERY, Deadline, closed
from graph_api.store.embedded.row_cache import ReadingConnection, RowCaches
from graph_api.store.identity import other_catalog
from graph_api.store.revisions import note_revision

READERS = 4
_READER_CACHE = 32
_WRITER_CACHE = 256
"""MiB; a whole first sync should not spill into the log and be read back from there."""

_TOO_LARGE = re.compile("expression tree is too large|parser stack overflow|too many|too big", re.IGNORECASE)
"""Finds what SQLite says of statements beyond its limits."""

_PRIMARY = 0xFF
"""The part of SQLite's codes that says what is wrong; the rest says more of it."""
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk that the catalog's file is on is full; make room, then try again",
    sqlite3.SQLITE_CORRUPT: "the catalog's file is damaged; move it away, then restore a backup or sync anew",
    sqlite3.SQLITE_READONLY: "the catalog's file may not be written to, or was moved; look at its mode and its place",
    sqlite3.SQLITE_CANTOPEN: "the catalog's file cannot be opened; look at its mode, and that of its folder",
    sqlite3.SQLITE_BUSY: "another writer takes too long; try again",
}
"""What people can mend, by SQLite's error code."""

T = TypeVar("T")
C = TypeVar("C", bound=sqlite3.Connection)
_log = logging.getLogger(__name__)


def connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """A connection in autocommit mode that any one thread at a time may use."""
    return _connect(path, busy_seconds, sqlite3.Connection)


def _connect(path: Path, busy_seconds: float, kind: type[C]) -> C:
    return sqlite3.connect(
        # Where the file is gone, none is made.
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=kind,
    )


@contextmanager
def masked_errors() -> Iterator[None]:
    """Raise SQLite's errors as ours: what it complains about goes to the log; the client learns that the database does
    not answer.
    """
    try:
        yield
    except sqlite3.Error as error:
        if _TOO_LARGE.search(str(error)):
            message = "the filter is larger than the database takes; ask with fewer conditions or levels"
            raise CatalogError(ErrorCode.TOO_LARGE, message) from error
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise closed() from error
        reason = _REASONS.get(error.sqlite_errorcode & _PRIMARY)
        if reason:
            _log.warning("the catalog's file does not answer: %s", error)
        else:
            _log.warning("the catalog's file does not answer", exc_info=True)
        message = reason or "the catalog's database does not answer; try again"
        raise CatalogError(ErrorCode.UNAVAILABLE, message) from error


class Durability(StrEnum):
    """What a power cut does to the file, by SQLite's names."""

    FULL = "FULL"
    """Nothing: what was committed is on the disk."""
    NORMAL = "NORMAL"
    """The file may be as it was some commits ago."""
    OFF = "OFF"
    """The file may be spoilt."""


class Connections:
    """Connections that are opened when they are first used; after close() reads and writes raise CatalogError
    UNAVAILABLE.
    """

    def __init__(self, path: Path, busy_seconds: float, durability: Durability = Durability.FULL) -> None:
        self._path = path
        self._durability = durability
        self._busy_seconds = busy_seconds
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="catalog-reader")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="catalog-writer")
        self._closing = threading.Event()
        self._of_thread = threading.local()
        self._all: list[sqlite3.Connection] = []
        self.kept = RowCaches()
        self.store: str | None = None
        """The name of the catalog that is read: what is kept in memory is of no other."""

    async def read(self, question: Callable[[sqlite3.Connection, Deadline], T], seconds: float) -> T:
        """Answer in one read transaction within so many seconds, waiting for a reader included.

        The question itself watches the deadline.
        """
        limit = Deadline(seconds, self._closing)
        try:
            async with asyncio.timeout(seconds):
                revision, answer = await self._run(self._readers, partial(self._read, question, limit))
        except TimeoutError as error:
            raise limit.error() from error
        finally:
            limit.abandon()
        note_revision(revision)
        return answer

    def glance(self, question: Callable[[sqlite3.Connection], T | None]) -> T | None:
        """The answer, in the caller's thread, to what takes less time than the way to another one: looking at the
        revision, and into memory. None where the file does not answer at once.
        """
        if self._closing.is_set():
            return None
        try:
            revision, answer = self._in_transaction(self._glancing(), question)
        except sqlite3.Error:
            return None
        if answer is not None:
            note_revision(revision)
        return answer

    async def write(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Run one step on the writing connection, after all steps before it; transactions are the caller's. Within a
        step, another one is done at once.

        A step that is cancelled is interrupted.
        """
        if within := getattr(self._of_thread, "writing", None):
            return step(within)
        limit = Deadline(math.inf, self._closing)
        try:
            return await self._run(self._writer, partial(self._write, step, limit))
        finally:
            limit.abandon()

    async def write_knowing(self, step: Callable[[sqlite3.Connection, sqlite3.Connection], T]) -> T:
        """Run a step like write(), with a second connection that sees what is committed."""
        return await self.write(lambda conn: step(conn, self._committed()))

    def close(self) -> None:
        """Interrupt what is running, and disconnect."""
        self._closing.set()
        for conn in self._all:
            conn.interrupt()
        for executor in (self._readers, self._writer):
            executor.shutdown()
        for conn in self._all:
            conn.close()
        self._all.clear()

    async def _run(self, executor: Executor, job: Callable[[], T]) -> T:
        try:
            future = executor.submit(_masked, job)
        except RuntimeError as error:
            raise closed() from error
        return await asyncio.wrap_future(future)

    def _read(self, question: Callable[[sqlite3.Connection, Deadline], T], limit: Deadline) -> tuple[int | None, T]:
        return self._in_transaction(self._reading(), lambda conn: question(conn, limit))

    def _write(self, step: Callable[[sqlite3.Connection], T], limit: Deadline) -> T:
        conn = self._writing()
        with limit.watching(conn):
            return step(conn)

    def _reading(self) -> sqlite3.Connection:
        return self._connection(
            "reading",
            partial(self._reader, self._busy_seconds),
            f"PRAGMA cache_size = -{_READER_CACHE * 1024}",
            "PRAGMA query_only = 1",
        )

    def _glancing(self) -> sqlite3.Connection:
        return self._connection("glancing", partial(self._reader, 0), "PRAGMA query_only = 1")

    def _reader(self, busy_seconds: float) -> ReadingConnection:
        conn = _connect(self._path, busy_seconds, ReadingConnection)
        conn.kept = self.kept
        return conn

    def _writing(self) -> sqlite3.Connection:
        return self._connection(
            "writing",
            partial(connect, self._path, self._busy_seconds),
            f"PRAGMA cache_size = -{_WRITER_CACHE * 1024}",
            "PRAGMA secure_delete = 0",
            # With FULL, an acknowledged write survives even a power cut; that costs it a millisecond or two.
            f"PRAGMA synchronous = {self._durability}",
            "PRAGMA journal_size_limit = 67108864",
        )

    def _committed(self) -> sqlite3.Connection:
        return self._connection("committed", partial(connect, self._path, self._busy_seconds), "PRAGMA query_only = 1")

    def _connection(self, name: str, make: Callable[[], sqlite3.Connection], *pragmas: str) -> sqlite3.Connection:
        """Return the thread's own connection of this name, and make it where there is none yet."""
        known: sqlite3.Connection | None = getattr(self._of_thread, name, None)
        if known:
            return known
        conn = make()
        self._all.append(conn)
        for pragma in pragmas:
            conn.execute(pragma)
        conn.set_progress_handler(self._closing.is_set, CHECK_EVERY)
        setattr(self._of_thread, name, conn)
        return conn

    def _in_transaction(
        self, conn: sqlite3.Connection, question: Callable[[sqlite3.Connection], T]
    ) -> tuple[int | None, T]:
        """Return the revision of the answer, and the answer."""
        conn.execute("BEGIN")
        try:
            return self.check_store(conn), question(conn)
        finally:
            conn.execute("ROLLBACK")

    def check_store(self, conn: sqlite3.Connection) -> int | None:
        """The catalog's revision, once it is opened. Raises ReplacedError in the first transaction after a restore."""
        if self.store is None:
            return None
        store, revision = conn.execute("SELECT store, revision FROM identity, catalog").fetchone()
        if store != self.store:
            raise other_catalog()
        return int(revision)


def _masked(job: Callable[[], T]) -> T:
    with masked_errors():
        return job()
