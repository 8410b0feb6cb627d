"""All of the file at one revision, and a file that becomes what a backup says."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from graph_api.access.audit import Record
from graph_api.access.keys import ApiKey
from graph_api.catalog.changes import ChangeSet, SyncRun
from graph_api.catalog.entity import Entity, Link
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.dump import BATCH, Batch, CatalogRow, DumpRow, RemovedRow, SourceRow
from graph_api.store.embedded import audit, journal, keys
from graph_api.store.embedded.connections import connect, masked_errors
from graph_api.store.embedded.documents import ENTITY_COLUMNS, LINK_COLUMNS, LINK_TABLES, to_entity, to_link
from graph_api.store.embedded.migrations import UNDELETED
from graph_api.store.embedded.pruning import horizon_of
from graph_api.store.embedded.schema import current_revision, source_order
from graph_api.store.embedded.transaction import RunStep
from graph_api.store.embedded.writes import Terms, write_rows
from graph_api.store.rows import dump as dump_json

_ENTITIES = f"SELECT {ENTITY_COLUMNS} FROM entities e JOIN documents d ON d.id = e.id ORDER BY e.revision, e.ref"
_LINKS = f"SELECT {LINK_COLUMNS} FROM {LINK_TABLES} ORDER BY l.revision"
_AUDIT = "SELECT sequence, body, previous, hash FROM audit ORDER BY sequence"
_SOURCES = "SELECT name, connector, entities, links, last_applied_at FROM sources ORDER BY name"
_REMOVED = (
    "SELECT r.ref, r.revision, r.at, coalesce(a.text, ''), r.hidden FROM ("
    "SELECT ref, revision, at, audience, 0 AS hidden FROM removed UNION ALL "
    "SELECT ref, revision, at, audience, 1 FROM hidden"
    ") r LEFT JOIN terms a ON a.id = r.audience ORDER BY r.revision, r.ref"
)
_KEPT = ("catalog", "identity", "migrations", "leases", "search", "sqlite_")
_EMPTY = " AND ".join(f"NOT EXISTS (SELECT 1 FROM {table})" for table in ("entities", "runs", "keys", "audit"))


async def dump(path: Path, busy_seconds: float) -> AsyncIterator[Batch]:
    """Yield everything, on a connection of its own, whose transaction sees one revision however long it takes."""
    with closing(await asyncio.to_thread(connect, path, busy_seconds)) as conn:
        batches = _batches(conn)
        while batch := await asyncio.to_thread(_next, batches):
            yield batch


def _next(batches: Iterator[Batch]) -> Batch | None:
    with masked_errors():
        return next(batches, None)


def _batches(conn: sqlite3.Connection) -> Iterator[Batch]:
    conn.execute("BEGIN")
    yield [CatalogRow(revision=current_revision(conn), source_order=source_order(conn), horizon=horizon_of(conn))]
    yield from _grouped(keys.keys(conn))
    yield from _read(conn, _AUDIT, lambda row: Record(*row))
    yield from _read(conn, _SOURCES, _source)
    runs = (run for (id_,) in conn.execute("SELECT id FROM runs ORDER BY id") if (run := journal.run_of(conn, id_)))
    yield from _grouped(runs)
    yield from _read(conn, _REMOVED, _removed)
    yield from _read(conn, _ENTITIES, to_entity)
    yield from _read(conn, _LINKS, to_link)


def _read(conn: sqlite3.Connection, sql: str, row_of: Callable[[Any], DumpRow]) -> Iterator[Batch]:
    return _grouped(map(row_of, conn.execute(sql)))


def _grouped(rows: Iterable[DumpRow]) -> Iterator[Batch]:
    waiting = iter(rows)
    return iter(lambda: list(islice(waiting, BATCH)), [])


def _source(row: Any) -> SourceRow:
    name, connector, entities, links, last_applied_at = row
    return SourceRow(name=name, connector=connector, entities=entities, links=links, last_applied_at=last_applied_at)


def _removed(row: Any) -> RemovedRow:
    ref, revision, at, audience, hidden = row
    return RemovedRow(ref=ref, revision=revision, at=at, audience=audience, hidden=bool(hidden))


class EmbeddedRestore:
    """Implements Restoring, in one transaction of the store's."""

    def __init__(self, run_step: RunStep) -> None:
        self._run_step = run_step

    async def add(self, batch: Batch) -> None:
        await self._run_step(lambda conn: _add(conn, batch))


def begin(conn: sqlite3.Connection, *, replace: bool) -> None:
    """Begin and empty the file. Raises CatalogError CONFLICT for one that is not empty, unless it is to be replaced."""
    conn.execute("BEGIN IMMEDIATE")
    if not conn.execute(f"SELECT {_EMPTY}").fetchone()[0] and not replace:
        raise CatalogError(ErrorCode.CONFLICT, "the store is not empty; restore into another, or replace this one")
    # The log of the store that is replaced goes with it: the backup's own takes its place, with its chain.
    conn.execute("DROP TRIGGER audit_is_not_deleted")
    for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        if not name.startswith(_KEPT):
            conn.execute(f"DELETE FROM {name}")
    for index in ("search", "search_names"):
        conn.execute(f"INSERT INTO {index} ({index}) VALUES ('delete-all')")
    conn.execute("UPDATE catalog SET audit_sequence = 0, audit_hash = ''")
    conn.execute(UNDELETED)


def finish(conn: sqlite3.Connection) -> None:
    """Give the catalog a new name and commit: whoever knows the one before reads everything anew, and servers notice
    that it is another one.
    """
    conn.execute("UPDATE catalog SET swept_at = revision, swept_terms = (SELECT count(*) FROM terms)")
    conn.execute("UPDATE identity SET store = ?", (str(uuid.uuid4()),))
    conn.execute("COMMIT")


def _add(conn: sqlite3.Connection, batch: Batch) -> None:
    for type_, rows in groupby(batch, type):
        _ADD[type_](conn, list(rows))


def _add_catalog(conn: sqlite3.Connection, rows: list[CatalogRow]) -> None:
    for row in rows:
        order = None if row.source_order is None else dump_json(row.source_order)
        sql = "UPDATE catalog SET revision = ?, source_order = ?, horizon = ?"
        conn.execute(sql, (row.revision, order, row.horizon))


def _add_keys(conn: sqlite3.Connection, rows: list[ApiKey]) -> None:
    for key in rows:
        keys.put(conn, key)


def _add_audit(conn: sqlite3.Connection, rows: list[Record]) -> None:
    for row in rows:
        audit.append(conn, row)


def _add_sources(conn: sqlite3.Connection, rows: list[SourceRow]) -> None:
    values = [(row.name, row.connector, row.entities, row.links, row.last_applied_at) for row in rows]
    conn.executemany("INSERT INTO sources VALUES (?, ?, ?, ?, ?)", values)


def _add_runs(conn: sqlite3.Connection, rows: list[SyncRun]) -> None:
    for run in rows:
        journal.write_run(conn, run)


def _add_removed(conn: sqlite3.Connection, rows: list[RemovedRow]) -> None:
    first: int = conn.execute("SELECT next_entity FROM catalog").fetchone()[0]
    conn.execute("UPDATE catalog SET next_entity = ?", (first + len(rows),))
    terms = Terms(conn)
    values = [
        (row.ref, first + place, row.revision, row.at, terms.audience(row.audience))
        for place, row in enumerate(rows)
        if not row.hidden
    ]
    conn.executemany("INSERT INTO removed (ref, entity, revision, at, audience) VALUES (?, ?, ?, ?, ?)", values)
    hidden = [(row.ref, row.revision, row.at, terms.audience(row.audience)) for row in rows if row.hidden]
    conn.executemany("INSERT INTO hidden (ref, revision, at, audience) VALUES (?, ?, ?, ?)", hidden)


def add_entities(conn: sqlite3.Connection, rows: Sequence[Entity]) -> None:
    def stamp(row: Entity) -> tuple[int, str]:
        return row.revision, row.updated_at

    for (revision, at), group in groupby(sorted(rows, key=stamp), stamp):
        write_rows(conn, ChangeSet(entities=list(group)), revision, at)


def add_links(conn: sqlite3.Connection, rows: Sequence[Link]) -> None:
    def stamp(link: Link) -> int:
        return link.revision

    for revision, group in groupby(sorted(rows, key=stamp), stamp):
        write_rows(conn, ChangeSet(links=list(group)), revision, "")


_ADD: dict[type, Callable[[sqlite3.Connection, Any], None]] = {
    CatalogRow: _add_catalog,
    ApiKey: _add_keys,
    Record: _add_audit,
    SourceRow: _add_sources,
    SyncRun: _add_runs,
    RemovedRow: _add_removed,
    Entity: add_entities,
    Link: add_links,
}
