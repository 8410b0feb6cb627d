"""A file that is a copy of another catalog: filled beside that one's writers, and then brought to its revisions."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link
from graph_api.store.embedded.connections import masked_errors
from graph_api.store.embedded.deadline import closed
from graph_api.store.embedded.documents import ids_of
from graph_api.store.embedded.dumping import add_entities, add_links
from graph_api.store.embedded.schema import current_revision
from graph_api.store.embedded.sight import WHOLE
from graph_api.store.embedded.transaction import EmbeddedLookups, RunStep, commit, roll_back
from graph_api.store.embedded.writes import advance, write_rows
from graph_api.store.retention import Retention


class Written(NamedTuple):
    """A write: what it has changed, when, and the revision that it led to."""

    changes: ChangeSet
    revision: int
    at: str


def fill(conn: sqlite3.Connection, rows: Sequence[Entity] | Sequence[Link]) -> None:
    """Add rows of the other catalog. Links whose ends are not there are left out: they come with a revision that is
    followed.
    """
    with _transaction(conn):
        add_entities(conn, [row for row in rows if isinstance(row, Entity)])
        _add_links_between_known(conn, [row for row in rows if isinstance(row, Link)])


def end_filling(conn: sqlite3.Connection, revision: int, at: str | None) -> None:
    with _transaction(conn):
        conn.execute("CREATE TABLE newest_write (at TEXT)")
        conn.execute("INSERT INTO newest_write VALUES (?)", (at,))
        advance(conn, revision, Retention())


def written_at(conn: sqlite3.Connection) -> tuple[int, str | None]:
    (at,) = conn.execute("SELECT at FROM newest_write").fetchone()
    return current_revision(conn), at


def _advance(conn: sqlite3.Connection, revision: int, at: str | None) -> None:
    conn.execute("UPDATE newest_write SET at = coalesce(?, at)", (at,))
    advance(conn, revision, Retention())


def begin_at_once(conn: sqlite3.Connection) -> int | None:
    """Begin to write, and return the copy's revision; None while somebody else writes to it."""
    (patience,) = conn.execute("PRAGMA busy_timeout").fetchone()
    conn.execute("PRAGMA busy_timeout = 0")
    try:
        conn.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return None
    finally:
        conn.execute(f"PRAGMA busy_timeout = {patience}")
    return current_revision(conn)


class Ahead(EmbeddedLookups):
    """A transaction of a copy, written to as the other catalog is before that one commits, or after. It ends without a
    trace unless it is kept.
    """

    def __init__(self, run_step: RunStep, revision: int) -> None:
        super().__init__(run_step)
        self.revision = revision
        """The copy's revision, as others see it."""
        self.is_kept = False

    async def write(self, take: Callable[[], Sequence[Written]]) -> int:
        """Write what `take` gives once it is this one's turn, and return the revision afterwards."""
        return await self._ask(_write_ahead, take)

    async def follow(self, changes: ChangeSet, revision: int, at: str | None, *, partly: bool = False) -> None:
        """Write what led the other catalog to this revision. Rows have their stamps; what is removed and written came
        back. `partly`: links whose ends are not there are left out, as in fill().

        Raises KeyError for a link without its ends otherwise.
        """
        await self._ask(_follow, changes, revision, at, partly)

    async def keep(self, revision: int) -> None:
        await self._run_step(commit)
        self.revision, self.is_kept = revision, True


def _follow(conn: sqlite3.Connection, changes: ChangeSet, revision: int, at: str | None, partly: bool) -> None:
    write_rows(conn, ChangeSet(removed=changes.removed, removed_links=changes.removed_links), revision, "")
    add_entities(conn, changes.entities)
    (_add_links_between_known if partly else add_links)(conn, changes.links)
    _advance(conn, revision, at)


def _write_ahead(conn: sqlite3.Connection, take: Callable[[], Sequence[Written]]) -> int:
    with masked_errors():
        for changes, revision, at in take():
            if not conn.in_transaction:  # SQLite rolls back what is interrupted.
                raise closed()
            write_rows(conn, changes, revision, at)
            _advance(conn, revision, at)
        return current_revision(conn)


def _add_links_between_known(conn: sqlite3.Connection, links: Sequence[Link]) -> None:
    known = ids_of(conn, {end for link in links for end in (link.key.source, link.key.target)}, WHOLE)
    add_links(conn, [link for link in links if link.key.source in known and link.key.target in known])


@contextmanager
def _transaction(conn: sqlite3.Connection) -> Iterator[None]:
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        commit(conn)
    except BaseException:
        roll_back(conn)
        raise
