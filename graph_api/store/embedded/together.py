"""Two threads that read one catalog at one revision, each on a connection of its own."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from graph_api.store.embedded.deadline import CHECK_EVERY

T = TypeVar("T")
U = TypeVar("U")


def together(conn: sqlite3.Connection, here: Callable[[], T], beside: Callable[[sqlite3.Connection], U]) -> tuple[T, U]:
    """What both find in the connection's read transaction; one after the other if somebody has written since it began.

    The longer one is to be `here`: only that is interrupted with the connection.
    """
    ended = threading.Event()
    with _second(conn, ended) as second:
        if second is None:
            return here(), beside(conn)
        with ThreadPoolExecutor(1, thread_name_prefix="catalog-beside") as executor:
            found = executor.submit(beside, second)
            try:
                return here(), found.result()
            finally:
                ended.set()


@contextmanager
def _second(conn: sqlite3.Connection, ended: threading.Event) -> Iterator[sqlite3.Connection | None]:
    """In a read transaction that sees the same; None where there is none."""
    path = Path(conn.execute("PRAGMA database_list").fetchone()[2])
    try:
        opened = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    except sqlite3.Error:
        yield None
        return
    with closing(opened) as second:
        second.set_progress_handler(ended.is_set, CHECK_EVERY)
        second.execute("BEGIN")
        yield second if _state(second) == _state(conn) else None


def _state(conn: sqlite3.Connection) -> tuple[object, ...]:
    sql = "SELECT i.store, c.revision, c.audit_sequence, c.audit_hash FROM identity i, catalog c"
    state: tuple[object, ...] = conn.execute(sql).fetchone()
    return state
