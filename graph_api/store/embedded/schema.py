"""The layout of the catalog's file, and how a new, foreign, older or newer file is told apart.

Texts that repeat (tags, owners, relations, environments ...) are `terms`, so that the rows that use them hold integers.
What filters and sorts look at is in `entities`; what only answers need is in `documents`.
"""

import sqlite3
import time

import orjson

from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded.migrations import (
    ACCESS,
    ANSWERS,
    FORMAT_VERSION,
    HIDDEN,
    NAMES,
    complete,
    format_of,
    migrate,
    oldest_of,
)
from graph_api.store.identity import State
from graph_api.store.migrations import check_format

APPLICATION_ID = 0x67726170
"""Stands in the file's header, so that no other program's database is taken for a catalog."""

_DDL = """
-- `source_order`: the order that it is merged in, a JSON list of names. The other three are pruning.py's.
CREATE TABLE catalog (
    revision INTEGER NOT NULL,
    next_entity INTEGER NOT NULL,
    source_order TEXT,
    horizon INTEGER NOT NULL DEFAULT 0,
    swept_at INTEGER NOT NULL DEFAULT 0,
    swept_terms INTEGER NOT NULL DEFAULT 0
);
INSERT INTO catalog (revision, next_entity) VALUES (0, 1);

-- `audience` (0: everybody) is a term.
CREATE TABLE entities (
    id INTEGER PRIMARY KEY,
    ref TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    type TEXT,
    type_folded TEXT,
    title TEXT,
    title_folded TEXT,
    lifecycle TEXT,
    lifecycle_folded TEXT,
    tier INTEGER,
    declared INTEGER NOT NULL,
    owner_state TEXT,
    revision INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    audience INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX entities_by_name ON entities (name);
CREATE INDEX entities_by_kind ON entities (kind, name);
CREATE INDEX entities_by_revision ON entities (revision, ref);
CREATE INDEX entities_restricted ON entities (audience) WHERE audience <> 0;

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    description TEXT,
    description_folded TEXT,
    active INTEGER NOT NULL,
    repository TEXT,
    folder TEXT,
    tags TEXT,
    identifiers TEXT,
    systems TEXT,
    domains TEXT,
    environments TEXT,
    labels TEXT,
    annotations TEXT,
    owners TEXT,
    statements TEXT
);

CREATE TABLE terms (
    id INTEGER PRIMARY KEY,
    field TEXT NOT NULL,
    text TEXT NOT NULL,
    folded TEXT NOT NULL,
    UNIQUE (field, text)
);
CREATE TABLE entity_terms (
    entity INTEGER NOT NULL,
    term INTEGER NOT NULL,
    PRIMARY KEY (entity, term)
) WITHOUT ROWID;
CREATE INDEX entity_terms_by_term ON entity_terms (term, entity);

-- Labels and annotations; `key` is a term.
CREATE TABLE pairs (
    entity INTEGER NOT NULL,
    key INTEGER NOT NULL,
    value TEXT NOT NULL,
    folded TEXT NOT NULL,
    PRIMARY KEY (entity, key)
) WITHOUT ROWID;
CREATE INDEX pairs_by_value ON pairs (key, value);

CREATE TABLE identifiers (
    identifier TEXT NOT NULL,
    entity INTEGER NOT NULL,
    PRIMARY KEY (identifier, entity)
) WITHOUT ROWID;
CREATE INDEX identifiers_by_entity ON identifiers (entity);

-- `relation`, `environment` (0: none) and `sources` (a JSON list of names) are terms; `origins` are bits of origins.py.
CREATE TABLE links (
    source INTEGER NOT NULL,
    relation INTEGER NOT NULL,
    target INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    hard INTEGER NOT NULL,
    confidence REAL NOT NULL,
    sources INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    properties TEXT,
    statements TEXT,
    origins INTEGER NOT NULL DEFAULT 1,
    observed_at TEXT,
    PRIMARY KEY (source, relation, target, environment)
) WITHOUT ROWID;
CREATE INDEX links_by_target ON links (target, relation);
CREATE INDEX links_by_sources ON links (sources);
CREATE INDEX links_observed ON links (source, target) WHERE origins & 2;

CREATE VIEW searchable (id, name, title, description, tags) AS
    SELECT e.id, e.name, e.title, d.description, d.tags FROM entities e JOIN documents d ON d.id = e.id;
CREATE VIRTUAL TABLE search USING fts5 (
    name, title, description, tags,
    content = 'searchable', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);

-- A ref that comes back takes its old id: no id ever means two things to those who catch up.
CREATE TABLE removed (
    ref TEXT PRIMARY KEY,
    entity INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    at TEXT NOT NULL,
    audience INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX removed_by_revision ON removed (revision, ref);
-- Entities whose outgoing links changed in a write that left the entity itself alone.
CREATE TABLE relinked (entity INTEGER PRIMARY KEY, revision INTEGER NOT NULL);
CREATE INDEX relinked_by_revision ON relinked (revision);

CREATE TABLE sources (
    name TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    entities INTEGER NOT NULL,
    links INTEGER NOT NULL,
    last_applied_at TEXT
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    started_at TEXT NOT NULL,
    status TEXT NOT NULL,
    record TEXT NOT NULL,
    payload BLOB
);
CREATE INDEX runs_by_start ON runs (started_at, id);
CREATE INDEX runs_by_source ON runs (source, started_at, id);

-- `until`: seconds since 1970.
CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
"""
_DDL += ACCESS + ANSWERS + NAMES + HIDDEN


def prepare(conn: sqlite3.Connection, busy_seconds: float) -> None:
    """Make a new file a catalog, or one of an older format one of this. Changes no other file.

    Raises CatalogError UNAVAILABLE for a foreign or newer file.
    """
    try:
        if _is_new(conn):
            _create(conn)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise _refusal("is no database; choose another file") from error
        raise
    check(conn)
    complete(conn)
    migrate(conn)
    _use_write_ahead_log(conn, busy_seconds)


def check(conn: sqlite3.Connection) -> None:
    """Raise CatalogError UNAVAILABLE unless the file is a catalog that this version can use."""
    _check_ours(conn)
    check_format(format_of(conn), oldest_of(conn), FORMAT_VERSION)


def _check_ours(conn: sqlite3.Connection) -> None:
    if _number(conn, "application_id") != APPLICATION_ID:
        raise _refusal("is no catalog; choose another file")


def state_of(conn: sqlite3.Connection) -> State:
    """Return what the file says of itself. Raises like check()."""
    check(conn)
    row = conn.execute("SELECT store FROM identity").fetchone()
    return State(format_of(conn), oldest_of(conn), row[0], current_revision(conn))


def current_revision(conn: sqlite3.Connection) -> int:
    revision: int = conn.execute("SELECT revision FROM catalog").fetchone()[0]
    return revision


def source_order(conn: sqlite3.Connection) -> tuple[str, ...] | None:
    """Return the order of sources; None where nobody has told it yet."""
    text: str | None = conn.execute("SELECT source_order FROM catalog").fetchone()[0]
    return None if text is None else tuple(orjson.loads(text))


def _number(conn: sqlite3.Connection, pragma: str) -> int:
    number: int = conn.execute(f"PRAGMA {pragma}").fetchone()[0]
    return number


def _is_new(conn: sqlite3.Connection) -> bool:
    holds_something = conn.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    return not holds_something and not _number(conn, "application_id")


def _refusal(what: str) -> CatalogError:
    return CatalogError(ErrorCode.UNAVAILABLE, f"the catalog's file {what}")


def _create(conn: sqlite3.Connection) -> None:
    conn.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        if _is_new(conn):
            for statement in _DDL.split(";\n"):
                conn.execute(statement)
            conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            conn.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        conn.execute("COMMIT")
    except BaseException:
        conn.execute("ROLLBACK")
        raise


def _use_write_ahead_log(conn: sqlite3.Connection, busy_seconds: float) -> None:
    """Readers go on while somebody writes. SQLite does not wait by itself for the lock that the change needs."""
    end = time.monotonic() + busy_seconds
    while True:
        try:
            conn.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
