"""One write: rows of a ChangeSet into all tables, at the catalog's next revision."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from graph_api.catalog.changes import ChangeSet, SyncRun
from graph_api.catalog.entity import Criticality, Entity, Link, LinkKey, OwnerHow
from graph_api.catalog.ref import Ref
from graph_api.store.embedded import journal
from graph_api.store.embedded.condition import AMONG, one_of
from graph_api.store.embedded.documents import Row, document_row, entity_row, ids_of
from graph_api.store.embedded.origins import bits_of
from graph_api.store.embedded.pruning import prune_rows, prune_runs
from graph_api.store.embedded.schema import current_revision
from graph_api.store.embedded.sight import WHOLE
from graph_api.store.retention import Retention
from graph_api.store.rows import dump, dump_link_statements

# The search index reads what it forgets from the entity and its document, so it comes first.
_ERASE = (
    f"DELETE FROM search WHERE rowid {AMONG}",
    f"DELETE FROM search_names WHERE rowid {AMONG}",
    f"DELETE FROM entity_terms WHERE entity {AMONG}",
    f"DELETE FROM pairs WHERE entity {AMONG}",
    f"DELETE FROM identifiers WHERE entity {AMONG}",
    f"DELETE FROM documents WHERE id {AMONG}",
    f"DELETE FROM entities WHERE id {AMONG}",
)
_INDEX = (
    "INSERT INTO search (rowid, name, title, description, tags) "
    f"SELECT id, name, title, description, tags FROM searchable WHERE id {AMONG}",
    f"INSERT INTO search_names (rowid, name, title) SELECT id, name, title FROM entities WHERE id {AMONG}",
)


def apply(conn: sqlite3.Connection, changes: ChangeSet, run: SyncRun, at: str, retention: Retention) -> int:
    """Write the changes and the run inside the caller's transaction, and return the catalog's revision afterwards."""
    revision = _write(conn, changes, at, retention)
    record(conn, run, retention)
    return revision


def apply_order(
    conn: sqlite3.Connection, changes: ChangeSet, names: tuple[str, ...], at: str, retention: Retention
) -> int:
    """Write the changes and the order inside the caller's transaction, and return the catalog's revision afterwards."""
    conn.execute("UPDATE catalog SET source_order = ?", (dump(names),))
    return _write(conn, changes, at, retention)


def _write(conn: sqlite3.Connection, changes: ChangeSet, at: str, retention: Retention) -> int:
    revision = current_revision(conn)
    if changes:
        revision += 1
        write_rows(conn, changes, revision, at)
        advance(conn, revision, retention)
    return revision


def advance(conn: sqlite3.Connection, revision: int, retention: Retention) -> None:
    """Set the catalog's revision, once its rows are written, and forget what is too old."""
    conn.execute("UPDATE catalog SET revision = ?", (revision,))
    prune_rows(conn, revision, retention)


def record(conn: sqlite3.Connection, run: SyncRun, retention: Retention) -> None:
    journal.record(conn, run)
    prune_runs(conn, run, retention.runs)


def write_rows(conn: sqlite3.Connection, changes: ChangeSet, revision: int, at: str) -> None:
    """Write the rows as of this revision, which need not be the catalog's next."""
    _Write(conn, changes, revision, at).all()


class _Write:
    def __init__(self, conn: sqlite3.Connection, changes: ChangeSet, revision: int, at: str) -> None:
        self._conn = conn
        self._changes = changes
        self._revision = revision
        self._at = at
        self._terms = Terms(conn)
        self._ids = ids_of(conn, _refs(changes), WHOLE)

    def all(self) -> None:
        self._remove_links()
        self._remove_entities()
        self._write_entities()
        self._write_links()
        self._mark_relinked()

    def _remove_links(self) -> None:
        keys = (key for key in self._changes.removed_links if key.source in self._ids and key.target in self._ids)
        self._conn.executemany(
            "DELETE FROM links WHERE source = ? AND relation = ? AND target = ? AND environment = ?",
            [self._link_id(key) for key in keys],
        )

    def _remove_entities(self) -> None:
        gone = {ref: self._ids.pop(ref) for ref in self._changes.removed if ref in self._ids}
        if not gone:
            return
        ids = one_of(gone.values())
        self._conn.execute(
            f"INSERT OR REPLACE INTO relinked SELECT DISTINCT source, ? FROM links WHERE target {AMONG}",
            (self._revision, ids),
        )
        self._conn.execute(f"DELETE FROM links WHERE source {AMONG}", (ids,))
        self._conn.execute(f"DELETE FROM links WHERE target {AMONG}", (ids,))
        self._conn.execute(
            "INSERT INTO removed (ref, entity, revision, at, audience) "
            f"SELECT ref, id, ?, ?, audience FROM entities WHERE id {AMONG}",
            (self._revision, self._at, ids),
        )
        self._erase(gone.values())

    def _erase(self, ids: Iterable[int]) -> None:
        if not (known := list(ids)):
            return
        parameter = one_of(known)
        for statement in _ERASE:
            self._conn.execute(statement, (parameter,))

    def _write_entities(self) -> None:
        rows = self._changes.entities
        self._remember_audiences([row for row in rows if row.audience and row.ref in self._ids])
        self._erase(self._ids[row.ref] for row in rows if row.ref in self._ids)
        self._ids |= self._new_ids([row for row in rows if row.ref not in self._ids])
        numbered = [(self._ids[row.ref], row) for row in rows]
        self._insert("entities", 19, (self._entity_row(id_, row) for id_, row in numbered))
        self._insert("documents", 15, (document_row(id_, row) for id_, row in numbered))
        self._insert("entity_terms", 2, self._entity_terms(numbered), verb="INSERT OR IGNORE")
        self._insert("pairs", 4, self._pairs(numbered))
        self._insert(
            "identifiers", 2, ((name, id_) for id_, row in numbered for name in dict.fromkeys(row.identifiers))
        )
        written = one_of(id_ for id_, _ in numbered)
        for statement in _INDEX:
            self._conn.execute(statement, (written,))

    def _remember_audiences(self, restricted: Sequence[Entity]) -> None:
        """Write down the audience before of those that get another one: who saw them may see them no more."""
        if not restricted:
            return
        known = one_of(self._ids[row.ref] for row in restricted)
        before = dict(self._conn.execute(f"SELECT ref, audience FROM entities WHERE id {AMONG}", (known,)))
        self._insert(
            "hidden",
            4,
            (
                (row.ref, self._revision, self._at, before[row.ref])
                for row in restricted
                if before[row.ref] != self._terms.audience(row.audience)
            ),
            verb="INSERT OR REPLACE",
        )

    def _entity_row(self, id_: int, row: Entity) -> Row:
        return entity_row(id_, row, self._terms.audience(row.audience), self._revision, self._at)

    def _new_ids(self, rows: Sequence[Entity]) -> dict[Ref, int]:
        """A ref that was removed before takes its old id back, and may be hidden from who saw it before."""
        refs = [row.ref for row in rows]
        if restricted := [row.ref for row in rows if row.audience]:
            self._conn.execute(
                f"INSERT OR REPLACE INTO hidden SELECT ref, revision, at, audience FROM removed WHERE ref {AMONG}",
                (one_of(restricted),),
            )
        known = dict(self._conn.execute(f"SELECT ref, entity FROM removed WHERE ref {AMONG}", (one_of(refs),)))
        self._conn.execute(f"DELETE FROM removed WHERE ref {AMONG}", (one_of(known),))
        first: int = self._conn.execute("SELECT next_entity FROM catalog").fetchone()[0]
        unknown = [ref for ref in refs if ref not in known]
        self._conn.execute("UPDATE catalog SET next_entity = ?", (first + len(unknown),))
        return known | {ref: id_ for id_, ref in enumerate(unknown, start=first)}

    def _entity_terms(self, numbered: Sequence[tuple[int, Entity]]) -> Iterator[Row]:
        for id_, row in numbered:
            for term in _terms_of(row):
                yield id_, self._terms[term]

    def _pairs(self, numbered: Sequence[tuple[int, Entity]]) -> Iterator[Row]:
        for id_, row in numbered:
            for field, values in (("labels", row.labels), ("annotations", row.annotations)):
                for key, value in values.items():
                    yield id_, self._terms[field, key], value, value.casefold()

    def _write_links(self) -> None:
        self._insert("links", 12, (self._link_row(link) for link in self._changes.links), verb="INSERT OR REPLACE")

    def _link_row(self, link: Link) -> Row:
        return (
            *self._link_id(link.key),
            link.criticality is Criticality.HARD,
            link.confidence,
            self._terms["link_sources", _listed(tuple(link.statements))],
            self._revision,
            dump(link.properties) if link.properties else None,
            dump_link_statements(link.statements) if link.statements else None,
            bits_of(link.origins),
            link.observed_at,
        )

    def _link_id(self, key: LinkKey) -> tuple[int, int, int, int]:
        source, relation, target, environment = key
        return (
            self._ids[source],
            self._terms["relation", relation],
            self._ids[target],
            0 if environment is None else self._terms["link_environment", environment],
        )

    def _mark_relinked(self) -> None:
        sources = {link.key.source for link in self._changes.links}
        sources.update(key.source for key in self._changes.removed_links if key.source in self._ids)
        sources.difference_update(row.ref for row in self._changes.entities)
        self._insert("relinked", 2, ((self._ids[ref], self._revision) for ref in sources), verb="INSERT OR REPLACE")

    def _insert(self, table: str, columns: int, rows: Iterable[Row], *, verb: str = "INSERT") -> None:
        self._conn.executemany(f"{verb} INTO {table} VALUES ({', '.join('?' * columns)})", rows)


class Terms(dict[tuple[str, str], int]):
    """Ids of terms by field and text; new ones are written when they are asked for."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def audience(self, text: str) -> int:
        """Return the id of the audience's term, 0 for everybody."""
        return self["audience", text] if text else 0

    def __missing__(self, term: tuple[str, str]) -> int:
        row = self._conn.execute("SELECT id FROM terms WHERE field = ? AND text = ?", term).fetchone()
        if row is None:
            sql = "INSERT INTO terms (field, text, folded) VALUES (?, ?, ?) RETURNING id"
            row = self._conn.execute(sql, (*term, term[1].casefold())).fetchone()
        self[term] = row[0]
        return self[term]


@lru_cache(1_000)
def _listed(sources: tuple[str, ...]) -> str:
    return dump(sources)


def _refs(changes: ChangeSet) -> set[Ref]:
    refs = {row.ref for row in changes.entities} | set(changes.removed)
    for keys in ((link.key for link in changes.links), changes.removed_links):
        for source, _, target, _ in keys:
            refs.add(source)
            refs.add(target)
    return refs


def _terms_of(row: Entity) -> Iterator[tuple[str, str]]:
    """Yield what the entity can be found and counted by: fields and texts, some of them twice."""
    for owner in row.owners:
        yield "owner", owner.ref
        if owner.how is not OwnerHow.INHERITED:
            yield f"{owner.how.lower()}_owner", owner.ref
    for field, texts in (
        ("tags", row.tags),
        ("system", row.systems),
        ("domain", row.domains),
        ("environment", row.environments),
        ("source", row.statements),
    ):
        for text in texts:
            yield field, text
    if row.repository:
        yield "repository", row.repository
