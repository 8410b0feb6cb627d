"""How long an answer may take: checked between steps in Python, and by SQLite while it runs a statement."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from graph_api.errors import CatalogError, ErrorCode

CHECK_EVERY = 100_000
"""Virtual machine steps of SQLite between two looks at the clock: some milliseconds. Each look waits for Python's
lock, and is only needed for an interruption that came between two statements."""


class Deadline:
    """`seconds` from now, or before that when `closing` is set or nobody waits for the answer any more."""

    def __init__(self, seconds: float, closing: threading.Event) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._closing = closing
        self._abandoned = False
        self._lock = threading.Lock()
        self._watched: sqlite3.Connection | None = None

    def abandon(self) -> None:
        """Interrupt the statement that runs: nobody waits for it any more."""
        with self._lock:
            self._abandoned = True
            if self._watched:
                self._watched.interrupt()

    def expired(self) -> bool:
        return self._abandoned or self._closing.is_set() or time.monotonic() >= self._end

    def check(self) -> None:
        if self.expired():
            raise self.error()

    def error(self) -> CatalogError:
        if self._closing.is_set():
            return closed()
        return CatalogError(
            ErrorCode.DEADLINE_EXCEEDED,
            f"the answer took longer than {self._seconds:g} s; narrow the question or allow more time",
        )

    @contextmanager
    def watching(self, conn: sqlite3.Connection) -> Iterator[None]:
        """Interrupt the connection's statements when the time is over."""
        conn.set_progress_handler(self.expired, CHECK_EVERY)
        self._watch(conn)
        try:
            self.check()
            yield
        except sqlite3.OperationalError as error:
            if self.expired():
                raise self.error() from error
            raise
        finally:
            self._watch(None)
            conn.set_progress_handler(self._closing.is_set, CHECK_EVERY)

    def _watch(self, conn: sqlite3.Connection | None) -> None:
        with self._lock:
            self._watched = conn


def closed() -> CatalogError:
    return CatalogError(ErrorCode.UNAVAILABLE, "the catalog is closed")
