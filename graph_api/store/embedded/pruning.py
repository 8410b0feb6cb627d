"""What is forgotten with a write: old runs, old removals, and terms that nothing uses any more."""

import sqlite3

from graph_api.catalog.changes import SyncRun
from graph_api.store.retention import Retention

DEAD_TERMS = 50_000
"""Terms are swept when there are so many more than twice those that the last sweep left."""

_OLD_RUNS = """
DELETE FROM runs WHERE source = :source AND status <> 'HELD' AND id <> :id AND (started_at, id) <= (
    SELECT started_at, id FROM runs WHERE source = :source ORDER BY started_at DESC, id DESC LIMIT 1 OFFSET :keep
)
"""
_DEAD_TERMS = """
DELETE FROM terms WHERE id NOT IN (
    SELECT term FROM entity_terms UNION SELECT key FROM pairs UNION SELECT relation FROM links
    UNION SELECT environment FROM links UNION SELECT sources FROM links
    UNION SELECT audience FROM entities UNION SELECT audience FROM removed UNION SELECT audience FROM hidden
)
"""
_OLDEST = (
    "SELECT revision FROM removed ORDER BY revision DESC LIMIT 1 OFFSET ?",
    "SELECT revision FROM hidden ORDER BY revision DESC LIMIT 1 OFFSET ?",
)


def prune_runs(conn: sqlite3.Connection, run: SyncRun, keep: int) -> None:
    """Forget old runs of the run's source; the run itself has just been written and stays."""
    conn.execute(_OLD_RUNS, {"source": run.source, "id": run.id, "keep": keep})


def prune_rows(conn: sqlite3.Connection, revision: int, retention: Retention) -> None:
    """Forget old removals and terms that nothing uses, after the rows of this revision have been written."""
    _prune_removed(conn, revision, retention.removed)
    (terms,) = conn.execute("SELECT count(*) FROM terms").fetchone()
    (swept,) = conn.execute("SELECT swept_terms FROM catalog").fetchone()
    if terms > 2 * swept + DEAD_TERMS:
        gone = conn.execute(_DEAD_TERMS).rowcount
        conn.execute("UPDATE catalog SET swept_at = ?, swept_terms = ?", (revision, terms - gone))


def _prune_removed(conn: sqlite3.Connection, revision: int, keep: int) -> None:
    oldest = [row[0] for sql in _OLDEST if (row := conn.execute(sql, (keep,)).fetchone())]
    if oldest:
        horizon = min(max(oldest), revision - 1)
        conn.execute("DELETE FROM removed WHERE revision <= ?", (horizon,))
        conn.execute("DELETE FROM hidden WHERE revision <= ?", (horizon,))
        conn.execute("DELETE FROM relinked WHERE revision <= ?", (horizon,))
        conn.execute("UPDATE catalog SET horizon = ?", (horizon,))


def horizon_of(conn: sqlite3.Connection) -> int:
    """Return the revision up to which removals may have been forgotten."""
    horizon: int = conn.execute("SELECT horizon FROM catalog").fetchone()[0]
    return horizon


def graph_horizon(conn: sqlite3.Connection) -> int:
    """Return the revision before which a graph that was read cannot catch up: everything is read again."""
    horizon: int = conn.execute("SELECT max(horizon, swept_at) FROM catalog").fetchone()[0]
    return horizon
