"""Who may do what only one process may do at a time."""

import sqlite3
import time

from graph_api.store.protocol import LONGEST_LEASE

_TAKE = """
INSERT INTO leases VALUES (:name, :holder, :now + :seconds)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE holder = excluded.holder OR until <= :now OR until > :now + :longest
"""


def take(conn: sqlite3.Connection, name: str, holder: str, seconds: float) -> bool:
    """Take or extend the lease in a transaction of its own, and return whether that succeeded. All processes are on one
    machine, so its clock counts; once it has been put back, what is leased for longer than anything may be is free.
    """
    values = {"name": name, "holder": holder, "now": time.time(), "seconds": seconds, "longest": LONGEST_LEASE}
    taken = conn.execute(_TAKE, values)
    return taken.rowcount == 1
