"""From each older format of the file to the next, and what every file has besides."""

import sqlite3
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

from graph_api.store.migrations import Step, pending

FORMAT_VERSION = 8

EmbeddedStep: TypeAlias = Step[None]
"""`run` takes the connection, in a transaction that also records the step."""

# No step of its own: programs that do not know these tables go on well without them.
_BESIDES = (
    "CREATE TABLE IF NOT EXISTS migrations "
    "(format INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, name TEXT NOT NULL, at TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), store TEXT NOT NULL)",
)


def statements(text: str, conn: sqlite3.Connection) -> None:
    """Execute the statements of a step that is only SQL."""
    for statement in text.split(";\n"):
        conn.execute(statement)


_ORDER = """
ALTER TABLE catalog ADD COLUMN source_order TEXT;
ALTER TABLE catalog ADD COLUMN horizon INTEGER NOT NULL DEFAULT 0;
ALTER TABLE catalog ADD COLUMN swept_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE catalog ADD COLUMN swept_terms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN last_applied_at TEXT;
UPDATE sources SET last_applied_at = (
    SELECT record ->> '$.finished_at' FROM runs
    WHERE source = name AND status IN ('APPLIED', 'UNCHANGED', 'CONFIRMED') ORDER BY started_at DESC, id DESC LIMIT 1
);
"""
_ORIGINS = """
ALTER TABLE links ADD COLUMN origins INTEGER NOT NULL DEFAULT 1;
ALTER TABLE links ADD COLUMN observed_at TEXT;
UPDATE links SET origins = (
    SELECT max(origin = 'DECLARED') + 2 * max(origin = 'OBSERVED') + 4 * max(origin = 'INFERRED')
    FROM (SELECT coalesce(value ->> '$[1].origin', 'DECLARED') AS origin FROM json_each(links.statements))
), observed_at = (
    SELECT max(strftime('%Y-%m-%dT%H:%M:%fZ', value ->> '$[1].observed_at')) FROM json_each(links.statements)
) WHERE instr(statements, '"origin":') OR instr(statements, '"observed_at":');
CREATE INDEX links_observed ON links (source, target) WHERE origins & 2;
CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
"""
ANSWERS = """
-- `until`: seconds since 1970.
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, body BLOB NOT NULL, until REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_by_end ON answers (until);
"""

ACCESS = """
ALTER TABLE catalog ADD COLUMN audit_sequence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE catalog ADD COLUMN audit_hash TEXT NOT NULL DEFAULT '';
-- `record`: a JSON object of access/keys.py.
CREATE TABLE keys (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE audit (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""
UNDELETED = "CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END"
ACCESS += f"{UNDELETED};\n"
_AUDIENCES = """
ALTER TABLE entities ADD COLUMN audience INTEGER NOT NULL DEFAULT 0;
ALTER TABLE removed ADD COLUMN audience INTEGER NOT NULL DEFAULT 0;
CREATE INDEX entities_restricted ON entities (audience) WHERE audience <> 0;
"""
NAMES = """
-- What names and titles say, which are a tenth of all texts: a word that many texts have is in few of them.
CREATE VIRTUAL TABLE search_names USING fts5 (
    name, title,
    content = 'entities', content_rowid = 'id', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO search_names (search_names) VALUES ('rebuild');
"""

HIDDEN = """
-- Entities that an audience saw before they got another one: to whom they are as if they were removed.
CREATE TABLE hidden (
    ref TEXT NOT NULL,
    revision INTEGER NOT NULL,
    at TEXT NOT NULL,
    audience INTEGER NOT NULL,
    PRIMARY KEY (revision, ref)
) WITHOUT ROWID;
CREATE INDEX hidden_by_ref ON hidden (ref, revision);
"""

STEPS: tuple[EmbeddedStep, ...] = (
    Step(format=2, oldest=2, name="order of sources, what is forgotten", run=partial(statements, _ORDER)),
    Step(format=3, oldest=3, name="origins of links, leases", run=partial(statements, _ORIGINS)),
    # Programs of before would write past the audit log.
    Step(format=4, oldest=4, name="keys, audit log", run=partial(statements, ACCESS)),
    Step(format=5, oldest=4, name="answers to writes", run=partial(statements, ANSWERS)),
    Step(format=6, oldest=6, name="audiences", run=partial(statements, _AUDIENCES)),
    Step(format=7, oldest=7, name="names of their own in the search", run=partial(statements, NAMES)),
    Step(format=8, oldest=7, name="who saw what is hidden", run=partial(statements, HIDDEN)),
)


def migrate(conn: sqlite3.Connection, steps: Sequence[EmbeddedStep] = STEPS) -> None:
    """Take the missing steps, each in a transaction: a process that dies leaves whole steps, and the next one goes on
    from there.
    """
    while missing := pending(steps, format_of(conn)):
        _take(conn, steps, missing[0])


def _take(conn: sqlite3.Connection, steps: Sequence[EmbeddedStep], step: EmbeddedStep) -> None:
    conn.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        if step in pending(steps, format_of(conn)):
            step.run(conn)
            row = (step.format, step.oldest, step.name, datetime.now(UTC).isoformat())
            conn.execute("INSERT INTO migrations VALUES (?, ?, ?, ?)", row)
            conn.execute(f"PRAGMA user_version = {step.format}")
        conn.execute("COMMIT")
    except BaseException:
        conn.execute("ROLLBACK")
        raise


def complete(conn: sqlite3.Connection) -> None:
    """Make what every file has, whatever its format."""
    if conn.execute("SELECT 1 FROM sqlite_schema WHERE name = 'identity'").fetchone():
        return
    conn.execute("BEGIN IMMEDIATE")
    try:
        for statement in _BESIDES:
            conn.execute(statement)
        conn.execute("INSERT OR IGNORE INTO identity VALUES (1, ?)", (str(uuid.uuid4()),))
        conn.execute("COMMIT")
    except BaseException:
        conn.execute("ROLLBACK")
        raise


def format_of(conn: sqlite3.Connection) -> int:
    format_: int = conn.execute("PRAGMA user_version").fetchone()[0]
    return format_


def oldest_of(conn: sqlite3.Connection) -> int:
    """The oldest format whose programs may use the file. Files of before are for their own format only."""
    format_ = format_of(conn)
    if not conn.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchone():
        return format_
    row = conn.execute("SELECT oldest FROM migrations WHERE format = ?", (format_,)).fetchone()
    return row[0] if row else format_
