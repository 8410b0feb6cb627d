"""Two threads that read one catalog at one revision, each on a connection of its own."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TypeVar

from graph_api.store.embedded.deadline import CHECK_EVERY

T = TypeVar("T")
U = TypeVar("U")


def in_parallel(
    conn: sqlite3.Connection, here: Callable[[], T], beside: Callable[[sqlite3.Connection], U]
) -> tuple[T, U]:
    """Return what both find in the connection's read transaction; one runs after the other if somebody has written
    since it began.

    The longer one is to be `here`: only that is interrupted with the connection.
    """
    second = _second(conn)
    if second is None:
        return here(), beside(conn)
    ended = threading.Event()
    second.set_progress_handler(ended.is_set, CHECK_EVERY)
    with closing(second), ThreadPoolExecutor(1, thread_name_prefix="catalog-beside") as executor:
        found = executor.submit(beside, second)
        try:
            return here(), found.result()
        finally:
            ended.set()


def _second(conn: sqlite3.Connection) -> sqlite3.Connection | None:
    """Open a connection in a read transaction that sees the same; None where that is not to be had."""
    path, state = Path(conn.execute("PRAGMA database_list").fetchone()[2]), _state(conn)
    with suppress(sqlite3.Error), ExitStack() as stack:
        second = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
        stack.callback(second.close)
        second.execute("BEGIN")
        if _state(second) == state:
            stack.pop_all()
            return second
    return None


def _state(conn: sqlite3.Connection) -> tuple[object, ...]:
    sql = "SELECT i.store, c.revision, c.audit_sequence, c.audit_hash FROM identity i, catalog c"
    state: tuple[object, ...] = conn.execute(sql).fetchone()
    return state
