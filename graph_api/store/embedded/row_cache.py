"""What was read lately. A row never changes at its own revision, nor anything that a reader sees at the catalog's."""

import sqlite3
from collections.abc import Hashable, Iterable, Mapping
from itertools import islice
from typing import Generic, Protocol, TypeVar

from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.ref import Ref
from graph_api.store.embedded.schema import current_revision
from graph_api.store.embedded.sight import Sight
from graph_api.store.protocol import Neighbour

_MOST = 20_000
"""Rows of each sort that are kept at most: an entity takes some 2 KiB, a link 1 KiB."""
_MOST_SIGHTS = 64
_MOST_REFS = 100_000
"""Refs that are kept at most; each takes some 200 bytes."""
_LONGEST = 16_384
"""Characters of the statements of one that is kept: with the definition of an API they may have millions."""


class _Stamped(Protocol):
    @property
    def revision(self) -> int: ...


K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=_Stamped)


class RowCache(Generic[K, R]):
    """Rows by id. Several threads may use it at a time."""

    def __init__(self) -> None:
        self._rows: dict[K, R] = {}

    def at(self, revisions: Mapping[K, int]) -> dict[K, R]:
        """Return those rows, by id, that are kept as they are at these revisions."""
        rows = zip(revisions.items(), map(self._rows.get, revisions), strict=True)
        return {id_: row for (id_, revision), row in rows if row and row.revision == revision}

    def keep(self, rows: Mapping[K, R], lengths: Mapping[K, int]) -> None:
        """Keep the rows whose statements are not too long, by their `lengths` in characters; the oldest go when there
        are too many.
        """
        rows = {id_: row for id_, row in islice(rows.items(), _MOST) if lengths[id_] <= _LONGEST}
        if (surplus := len(self._rows) + len(rows) - _MOST) > 0:
            for id_ in list(islice(self._rows, surplus)):
                self._rows.pop(id_, None)
        self._rows.update(rows)

    def holds_all(self, ids: Iterable[K]) -> bool:
        """Whether all of these are kept."""
        return all(id_ in self._rows for id_ in ids)

    def clear(self) -> None:
        self._rows.clear()


class RefCache:
    """Refs by id, which never means another ref, not even after a restore. Several threads may use it at a time."""

    def __init__(self) -> None:
        self._refs: dict[int, Ref] = {}

    def all(self) -> dict[int, Ref]:
        """Return the refs, to look into and to add to; nothing is taken out of it."""
        if len(self._refs) > _MOST_REFS:
            self._refs = {}
        return self._refs


class _Room:
    """How many rows are held together by all that readers see at one revision."""

    held = 0


class ReaderCache:
    """What one reader sees at one revision, as far as it has been asked for. Several threads may use it at a time."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self.entities: dict[Ref, Entity] = {}
        self._around: dict[Hashable, dict[Ref, list[Neighbour]]] = {}

    def keep_entities(self, rows: Mapping[Ref, Entity]) -> None:
        self._room.held += len(rows)
        self.entities.update(rows)

    def around(self, question: Hashable) -> Mapping[Ref, list[Neighbour]]:
        """Return, by ref, what has been answered to the question before."""
        return self._around.get(question, {})

    def keep_around(self, question: Hashable, found: Mapping[Ref, list[Neighbour]]) -> None:
        if not found:
            return
        self._room.held += len(found) + sum(map(len, found.values()))
        self._around.setdefault(question, {}).update(found)


class _Newest:
    """What readers see at the newest revision that somebody has asked at."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.room = _Room()
        self._seen: dict[Sight, ReaderCache] = {}

    def seen(self, sight: Sight) -> ReaderCache:
        if sight not in self._seen and len(self._seen) >= _MOST_SIGHTS:
            self._seen.clear()
        return self._seen.setdefault(sight, ReaderCache(self.room))


class RowCaches:
    def __init__(self) -> None:
        self.entities = RowCache[int, Entity]()
        self.links = RowCache[tuple[int, int, int, int], Link]()
        self.refs = RefCache()
        self._newest = _Newest(0)

    def seen(self, sight: Sight, revision: int) -> ReaderCache:
        """Return what is kept of this sight at this revision. All of it is forgotten when it is too much; who uses it
        at the moment goes on with what there was.
        """
        newest = self._newest
        if newest.revision != revision or newest.room.held > _MOST:
            newest = _Newest(revision)
            if revision >= self._newest.revision:
                self._newest = newest
        return newest.seen(sight)

    def clear(self) -> None:
        self.entities.clear()
        self.links.clear()
        self._newest = _Newest(0)


class ReadingConnection(sqlite3.Connection):
    """A connection that never sees what is not committed, and may be taken back: only what it reads may be kept."""

    kept: RowCaches


def kept_by(conn: sqlite3.Connection) -> RowCaches:
    """Return what the connection keeps; a connection that writes keeps nothing."""
    return conn.kept if isinstance(conn, ReadingConnection) else RowCaches()


def seen_by(conn: sqlite3.Connection, sight: Sight) -> ReaderCache:
    """Return what is kept for the reader, at the revision of the connection's read transaction."""
    return kept_by(conn).seen(sight, current_revision(conn))
