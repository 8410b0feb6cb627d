"""What happened: runs, the sources that they speak for, and the latest change of each entity."""

import sqlite3
from collections.abc import Iterator

from graph_api.catalog.changes import SEEN, Change, ChangeOperation, SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.ref import Ref
from graph_api.store.embedded.condition import Condition
from graph_api.store.embedded.pruning import horizon_of
from graph_api.store.embedded.sight import Sight
from graph_api.store.protocol import PlacedProblem
from graph_api.store.retention import check_since
from graph_api.store.rows import dump_run, load_problem, load_run

_LATEST = "ORDER BY started_at DESC, id DESC LIMIT 1"
_AFTER = "revision > ? AND (revision, ref) > (?, ?)"
_CHANGES = f"""
SELECT * FROM (
    SELECT ref, iif(created_revision = revision, 'CREATED', 'UPDATED'), revision, updated_at FROM entities e
    WHERE {_AFTER} AND {{seen}} ORDER BY revision, ref LIMIT ?
) UNION ALL SELECT * FROM (
    SELECT ref, 'REMOVED', revision, at FROM removed r WHERE {_AFTER} AND {{told}} ORDER BY revision, ref LIMIT ?
) {{hidden}} ORDER BY 3, 1 LIMIT ?
"""
_HIDDEN = f"""
UNION ALL SELECT * FROM (
    SELECT ref, 'REMOVED', revision, at FROM hidden h WHERE {_AFTER} AND {{hidden}}
    AND NOT EXISTS (SELECT 1 FROM entities e WHERE e.ref = h.ref AND {{seen}})
    AND NOT EXISTS (SELECT 1 FROM removed r WHERE r.ref = h.ref AND {{told}})
    AND NOT EXISTS (SELECT 1 FROM hidden l WHERE l.ref = h.ref AND l.revision > h.revision AND {{later}})
    ORDER BY revision, ref LIMIT ?
)
"""


def record(conn: sqlite3.Connection, run: SyncRun) -> None:
    """Write or replace the run; what it applied counts for its source."""
    write_run(conn, run)
    counts = run.counts
    applied = run.status in (SyncStatus.APPLIED, SyncStatus.CONFIRMED)
    conn.execute(
        "INSERT INTO sources VALUES (:name, :connector, :entities, :links, :applied_at) "
        "ON CONFLICT (name) DO UPDATE SET connector = excluded.connector, "
        "entities = entities + excluded.entities, links = links + excluded.links, "
        "last_applied_at = coalesce(excluded.last_applied_at, last_applied_at)",
        {
            "name": run.source,
            "connector": run.connector,
            "entities": applied * (counts.entities_added - counts.entities_removed),
            "links": applied * (counts.links_added - counts.links_removed),
            "applied_at": run.finished_at if run.status in SEEN else None,
        },
    )


def write_run(conn: sqlite3.Connection, run: SyncRun) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO runs (id, source, started_at, status, record, payload) VALUES (?, ?, ?, ?, ?, ?)",
        (run.id, run.source, run.started_at, run.status, dump_run(run), run.payload),
    )


def run_of(conn: sqlite3.Connection, id_: str) -> SyncRun | None:
    """Return a run with its payload, None where there is no such run."""
    row = conn.execute("SELECT record, payload FROM runs WHERE id = ?", (id_,)).fetchone()
    return load_run(*row) if row else None


def last_run(conn: sqlite3.Connection, source: str) -> SyncRun | None:
    return next(_runs(conn, f"WHERE source = ? {_LATEST}", source), None)


def held_runs(conn: sqlite3.Connection, source: str) -> list[SyncRun]:
    return list(_runs(conn, "WHERE source = ? AND status = 'HELD'", source))


def last_seen_at(conn: sqlite3.Connection, source: str) -> str | None:
    """Return when what the source states now was last read from it."""
    row = conn.execute("SELECT last_applied_at FROM sources WHERE name = ?", (source,)).fetchone()
    return row[0] if row else None


def runs(
    conn: sqlite3.Connection,
    source: str | None,
    limit: int,
    after: tuple[str, str] | None,
    status: SyncStatus | None,
) -> list[SyncRun]:
    """Return the runs without payloads, newest first by (started_at, id)."""
    return list(
        _runs(
            conn,
            f"WHERE {'1' if source is None else 'source = ?'} AND {'1' if status is None else 'status = ?'} "
            f"AND {'(started_at, id) < (?, ?)' if after else '1'} ORDER BY started_at DESC, id DESC LIMIT ?",
            *(() if source is None else (source,)),
            *(() if status is None else (status,)),
            *(after or ()),
            limit,
        )
    )


_PROBLEMS = """
FROM sources s
JOIN runs r ON r.id = (SELECT id FROM runs WHERE source = s.name ORDER BY started_at DESC, id DESC LIMIT 1)
JOIN json_each(r.record, '$.problems') p
WHERE (:source IS NULL OR s.name = :source)
"""
_IN_RANGE = """
AND (:after_place IS NULL OR (s.name >= :after_source AND (s.name, p.key) > (:after_source, :after_place)))
AND (:before_place IS NULL OR (s.name <= :before_source AND (s.name, p.key) < (:before_source, :before_place)))
"""


def problems(
    conn: sqlite3.Connection,
    source: str | None,
    limit: int,
    after: tuple[str, int] | None,
    before: tuple[str, int] | None,
    backward: bool,
) -> list[PlacedProblem]:
    """Return the problems of the last run of each source, in the order (source, place)."""
    direction = "DESC" if backward else "ASC"
    after_source, after_place = after or (None, None)
    before_source, before_place = before or (None, None)
    rows = conn.execute(
        f"SELECT s.name, p.key, p.value {_PROBLEMS} {_IN_RANGE} ORDER BY 1 {direction}, 2 {direction} LIMIT :limit",
        {
            "source": source,
            "limit": limit,
            "after_source": after_source,
            "after_place": after_place,
            "before_source": before_source,
            "before_place": before_place,
        },
    )
    found = [PlacedProblem(name, place, load_problem(text)) for name, place, text in rows]
    return found[::-1] if backward else found


def count_problems(conn: sqlite3.Connection, source: str | None) -> int:
    count: int = conn.execute(f"SELECT count(*) {_PROBLEMS}", {"source": source}).fetchone()[0]
    return count


def _runs(conn: sqlite3.Connection, rest: str, *parameters: object) -> Iterator[SyncRun]:
    """Yield runs without payloads."""
    return (load_run(row[0]) for row in conn.execute(f"SELECT record FROM runs {rest}", parameters))


def source_names(conn: sqlite3.Connection) -> list[str]:
    return [name for (name,) in conn.execute("SELECT name FROM sources ORDER BY name")]


def connector(conn: sqlite3.Connection, source: str) -> str | None:
    row = conn.execute("SELECT connector FROM sources WHERE name = ?", (source,)).fetchone()
    return row[0] if row else None


def sources(conn: sqlite3.Connection) -> list[SourceInfo]:
    """Return the sources by name, each with its last run."""
    rows = conn.execute(
        "SELECT name, connector, entities, links, last_applied_at FROM sources ORDER BY name"
    ).fetchall()
    return [
        SourceInfo(
            name=name,
            connector=connector,
            last_run=run,
            last_applied_at=last_applied_at,
            entities=entities,
            links=links,
        )
        for name, connector, entities, links, last_applied_at in rows
        if (run := last_run(conn, name))
    ]


def changes(
    conn: sqlite3.Connection, sight: Sight, since: int, limit: int, after: tuple[int, Ref] | None
) -> list[Change]:
    """Return the changes after the revision `since`, in the order (revision, ref)."""
    check_since(since, horizon_of(conn))
    place = (since, *(after or (since, "")))
    seen, told = sight.row("e"), sight.row("r")
    hidden = _hidden(sight, since, place, limit)
    rows = conn.execute(
        _CHANGES.format(seen=seen.sql, told=told.sql, hidden=hidden.sql),
        (*place, *seen.parameters, limit, *place, *told.parameters, limit, *hidden.parameters, limit),
    )
    return [
        Change(ref=ref, operation=ChangeOperation(operation), revision=revision, at=at)
        for ref, operation, revision, at in rows
    ]


def _hidden(sight: Sight, since: int, place: tuple[object, ...], limit: int) -> Condition:
    """Return the part of the statement for what went out of sight, unless it is seen again or a later change says so.
    From the beginning nobody saw it.
    """
    if sight.whole or not since:
        return Condition("")
    rows = {name: sight.row(row) for name, row in (("hidden", "h"), ("seen", "e"), ("told", "r"), ("later", "l"))}
    parameters = (parameter for row in rows.values() for parameter in row.parameters)
    return Condition(_HIDDEN.format(**{name: row.sql for name, row in rows.items()}), (*place, *parameters, limit))
