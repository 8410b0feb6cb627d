"""How long an answer may take: checked between steps in Python, and by SQLite while it runs a statement."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from graph_api.errors import CatalogError, ErrorCode

_CHECK_EVERY = 20_000
"""Virtual machine steps of SQLite between two looks at the clock: well below a millisecond."""


class Deadline:
    """`seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def expired(self) -> bool:
        return time.monotonic() >= self._end

    def check(self) -> None:
        if self.expired():
            raise self.error()

    def error(self) -> CatalogError:
        return CatalogError(
            ErrorCode.DEADLINE_EXCEEDED,
            f"the answer took longer than {self._seconds:g} s; narrow the question or allow more time",
        )

    @contextmanager
    def watching(self, conn: sqlite3.Connection) -> Iterator[None]:
        """Interrupt the connection's statements when the time is over."""
        conn.set_progress_handler(self.expired, _CHECK_EVERY)
        try:
            yield
        except sqlite3.OperationalError as error:
            if self.expired():
                raise self.error() from error
            raise
        finally:
            conn.set_progress_handler(None, 0)
