"""Who may do what only one process may do at a time."""

import sqlite3
import time

_TAKE = """
INSERT INTO leases VALUES (:name, :holder, :now + :seconds)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE holder = excluded.holder OR until <= :now
"""


def take(conn: sqlite3.Connection, name: str, holder: str, seconds: float) -> bool:
    """In a transaction of its own. All processes are on one machine, so its clock counts."""
    taken = conn.execute(_TAKE, {"name": name, "holder": holder, "now": time.time(), "seconds": seconds})
    return taken.rowcount == 1
