"""A write that comes in parts, each on top of those before: in the end nobody can tell it from one that came whole.

What a part changes and a later one changes back has its stamps again, and what came and went leaves no trace. What was
before is read by a second connection, which sees what is committed.
"""

import sqlite3
from collections.abc import Collection, Sequence

from graph_api.catalog.changes import ChangeSet, SyncRun
from graph_api.catalog.copies import altered
from graph_api.catalog.entity import Entity, Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.catalog.sameness import same_entity, same_link
from graph_api.store.embedded import lookups, writes
from graph_api.store.embedded.condition import AMONG, one_of
from graph_api.store.embedded.documents import written_entities
from graph_api.store.embedded.schema import current_revision
from graph_api.store.retention import Retention

_CHANGED = """
SELECT * FROM (SELECT ref, 0 FROM entities WHERE revision = :revision AND ref > :after ORDER BY ref LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT ref, 1 FROM removed WHERE revision = :revision AND ref > :after ORDER BY ref LIMIT :limit)
ORDER BY 1 LIMIT :limit
"""
_STAMP_ENTITY = "UPDATE entities SET revision = ?, created_revision = ?, updated_at = ? WHERE ref = ?"
_STAMP_LINK = """
UPDATE links SET revision = ? WHERE source = (SELECT id FROM entities WHERE ref = ?)
AND relation = (SELECT id FROM terms WHERE field = 'relation' AND text = ?)
AND target = (SELECT id FROM entities WHERE ref = ?)
AND environment = coalesce((SELECT id FROM terms WHERE field = 'link_environment' AND text = ?), 0)
"""


def apply(conn: sqlite3.Connection, committed: sqlite3.Connection, changes: ChangeSet, at: str) -> None:
    """Write one part inside the caller's transaction, at the revision that follows."""
    revision = current_revision(conn) + 1
    writes.write_rows(conn, changes, revision, at)
    _restore_links(conn, committed, changes.links, revision)
    _restore_entities(conn, committed, changes.entities, revision)
    _restore_removals(conn, committed, changes.removed)
    _restore_hidden(conn, committed, changes, revision, at)


def finish(conn: sqlite3.Connection, run: SyncRun, retention: Retention) -> int:
    """Set the next revision if the parts changed anything, record the run, and return the revision afterwards."""
    revision = current_revision(conn)
    if _changed(conn, revision + 1, "", 1):
        revision += 1
        writes.advance(conn, revision, retention)
    writes.record(conn, run, retention)
    return revision


def applied(conn: sqlite3.Connection, committed: sqlite3.Connection, after: Ref | None, limit: int) -> ChangeSet:
    """Return what all parts together change, see WriteTransaction.applied_parts()."""
    revision = current_revision(conn) + 1
    changed = _changed(conn, revision, after or "", limit)
    refs = [ref for ref, gone in changed if not gone]
    rows = written_entities(conn, refs)
    before = _leaving(committed, [ref for ref, _ in changed])
    links = _leaving(conn, refs)
    return ChangeSet(
        entities=[_as_planned(rows[ref], revision) for ref in refs],
        removed=[ref for ref, gone in changed if gone],
        links=[
            link if key in before else altered(link, revision=0)
            for key, link in links.items()
            if link.revision == revision
        ],
        removed_links=[key for key in before if key not in links],
    )


def _changed(conn: sqlite3.Connection, revision: int, after: str, limit: int) -> list[tuple[Ref, bool]]:
    """Return the refs of what has changed, in order, and whether they are gone."""
    return conn.execute(_CHANGED, {"revision": revision, "after": after, "limit": limit}).fetchall()


def _as_planned(row: Entity, revision: int) -> Entity:
    return altered(row, created_revision=0) if row.created_revision == revision else row


def _leaving(conn: sqlite3.Connection, refs: Collection[Ref]) -> dict[LinkKey, Link]:
    return {link.key: link for link in lookups.links_at(conn, refs, tuple(RELATIONS), Direction.OUT)}


def _restore_links(
    conn: sqlite3.Connection, committed: sqlite3.Connection, links: Sequence[Link], revision: int
) -> None:
    """Give links their revisions again that are as they were before the write: what an earlier part wrote has the
    revision of this write, and what one removed is new to this part.
    """
    again = {link.key: link for link in links if link.revision in (0, revision)}
    old = lookups.links(committed, again.keys()) if again else {}
    same = [row for key, row in old.items() if same_link(altered(again[key], revision=row.revision), row)]
    conn.executemany(_STAMP_LINK, [(row.revision, *row.key) for row in same])


def _restore_entities(
    conn: sqlite3.Connection, committed: sqlite3.Connection, rows: Sequence[Entity], revision: int
) -> None:
    again = {row.ref: row for row in rows if row.revision == revision > row.created_revision or not row.revision}
    old = written_entities(committed, again)
    same = [ref for ref, row in old.items() if same_entity(again[ref], row)]
    linked, before = _revisions(conn, same), _revisions(committed, same)
    for ref, row in old.items():
        if ref in before and linked[ref] == before[ref]:
            stamps = (row.revision, row.created_revision, row.updated_at)
            conn.execute(_STAMP_ENTITY, (*stamps, ref))
        else:
            conn.execute("UPDATE entities SET created_revision = ? WHERE ref = ?", (row.created_revision, ref))


def _revisions(conn: sqlite3.Connection, refs: Collection[Ref]) -> dict[Ref, dict[LinkKey, int]]:
    """Return the revisions of the links that leave each ref; every ref is a key."""
    found: dict[Ref, dict[LinkKey, int]] = {ref: {} for ref in refs}
    for key, link in _leaving(conn, refs).items() if refs else ():
        found[key.source][key] = link.revision
    return found


def _restore_removals(conn: sqlite3.Connection, committed: sqlite3.Connection, removed: Collection[Ref]) -> None:
    """A removal is told to those who saw what there was, and one of what an earlier part has made not at all."""
    old = dict(committed.execute(f"SELECT ref, audience FROM entities WHERE ref {AMONG}", (one_of(removed),)))
    conn.executemany("UPDATE removed SET audience = ? WHERE ref = ?", [(row, ref) for ref, row in old.items()])
    unknown = one_of(ref for ref in removed if ref not in old)
    conn.execute(f"DELETE FROM removed WHERE ref {AMONG}", (unknown,))
    columns = "ref, entity, revision, at, audience"
    rows = committed.execute(f"SELECT {columns} FROM removed WHERE ref {AMONG}", (unknown,))
    conn.executemany(f"INSERT INTO removed ({columns}) VALUES (?, ?, ?, ?, ?)", rows)


def _restore_hidden(
    conn: sqlite3.Connection, committed: sqlite3.Connection, changes: ChangeSet, revision: int, at: str
) -> None:
    """Tell only who saw what there was before this write that it is hidden."""
    refs = one_of([*(row.ref for row in changes.entities), *changes.removed])
    restricted = dict(conn.execute(f"SELECT ref, audience FROM entities WHERE ref {AMONG} AND audience <> 0", (refs,)))
    rows = committed.execute(f"SELECT * FROM hidden WHERE ref {AMONG}", (refs,)).fetchall()
    rows += committed.execute(
        f"SELECT ref, revision, at, audience FROM removed WHERE ref {AMONG}", (one_of(restricted),)
    )
    was = committed.execute(f"SELECT ref, audience FROM entities WHERE ref {AMONG}", (one_of(restricted),))
    rows += [(ref, revision, at, audience) for ref, audience in was if audience != restricted[ref]]
    conn.execute(f"DELETE FROM hidden WHERE ref {AMONG}", (refs,))
    conn.executemany("INSERT OR REPLACE INTO hidden VALUES (?, ?, ?, ?)", rows)
