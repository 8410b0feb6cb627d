"""Answers of writes by the key that the client gave them, for the client that asks again."""

import sqlite3
import time

from graph_api.store.protocol import StoredAnswer

PURGE = 1_000
"""Too old answers that one write forgets at most."""


def answer_of(conn: sqlite3.Connection, key: str) -> StoredAnswer | None:
    row = conn.execute(
        "SELECT key, digest, body FROM answers WHERE key = ? AND until > ?", (key, time.time())
    ).fetchone()
    return StoredAnswer(*row) if row else None


def keep(conn: sqlite3.Connection, answer: StoredAnswer, seconds: float) -> None:
    now = time.time()
    conn.execute(
        "DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE until <= ? ORDER BY until LIMIT ?)",
        (now, PURGE),
    )
    conn.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (*answer, now + seconds))
