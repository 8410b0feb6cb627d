"""The audit log. Triggers keep its rows as they were written."""

import sqlite3

from graph_api.access.audit import Event, Head, Record, chain


def head(conn: sqlite3.Connection) -> Head:
    return Head(*conn.execute("SELECT audit_sequence, audit_hash FROM catalog").fetchone())


def record(conn: sqlite3.Connection, event: Event) -> None:
    """Append the event in the writer's transaction, so that nobody else takes the same place."""
    append(conn, chain(head(conn), event))


def append(conn: sqlite3.Connection, row: Record) -> None:
    """Append a record that is chained to the newest."""
    conn.execute(
        "INSERT INTO audit (sequence, body, previous, hash) VALUES (?, ?, ?, ?)",
        (row.sequence, row.body, row.previous, row.hash),
    )
    conn.execute("UPDATE catalog SET audit_sequence = ?, audit_hash = ?", (row.sequence, row.hash))


def records(conn: sqlite3.Connection, limit: int, before: int | None) -> list[Record]:
    """Return the newest records first; with `before`, those with a lower place."""
    rows = conn.execute(
        "SELECT sequence, body, previous, hash FROM audit WHERE ?1 IS NULL OR sequence < ?1 "
        "ORDER BY sequence DESC LIMIT ?2",
        (before, limit),
    )
    return [Record(*row) for row in rows]
