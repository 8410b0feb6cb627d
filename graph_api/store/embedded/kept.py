"""Rows that were read lately. At one revision a row never changes, so one that is kept stays true."""

import sqlite3
from collections.abc import Hashable, Mapping
from itertools import islice
from typing import Generic, Protocol, TypeVar

from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.ref import Ref

_MOST = 20_000
"""Of each sort: an entity takes some 2 KiB, a link 1 KiB."""
_MOST_REFS = 100_000
"""Each takes some 200 bytes."""
_LONGEST = 16_384
"""Characters of the statements of one that is kept: with the definition of an API they may have millions."""


class _Stamped(Protocol):
    @property
    def revision(self) -> int: ...


K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=_Stamped)


class Kept(Generic[K, R]):
    """By id. Several threads may use it at a time."""

    def __init__(self) -> None:
        self._rows: dict[K, R] = {}

    def at(self, revisions: Mapping[K, int]) -> dict[K, R]:
        """Those that are kept as they are at these revisions, by id."""
        rows = zip(revisions.items(), map(self._rows.get, revisions), strict=True)
        return {id_: row for (id_, revision), row in rows if row and row.revision == revision}

    def keep(self, rows: Mapping[K, R], lengths: Mapping[K, int]) -> None:
        """Those whose statements are no longer than so many characters; the oldest go when there are too many."""
        rows = {id_: row for id_, row in islice(rows.items(), _MOST) if lengths[id_] <= _LONGEST}
        if (surplus := len(self._rows) + len(rows) - _MOST) > 0:
            for id_ in list(islice(self._rows, surplus)):
                self._rows.pop(id_, None)
        self._rows.update(rows)

    def clear(self) -> None:
        self._rows.clear()


class KeptRefs:
    """By id, which never means another ref, not even after a restore. Several threads may use it at a time."""

    def __init__(self) -> None:
        self._refs: dict[int, Ref] = {}

    def all(self) -> dict[int, Ref]:
        """To look into and to add to; nothing is taken out of it."""
        if len(self._refs) > _MOST_REFS:
            self._refs = {}
        return self._refs


class KeptRows:
    def __init__(self) -> None:
        self.entities = Kept[int, Entity]()
        self.links = Kept[tuple[int, int, int, int], Link]()
        self.refs = KeptRefs()

    def clear(self) -> None:
        self.entities.clear()
        self.links.clear()


class ReadingConnection(sqlite3.Connection):
    """It never sees what is not committed, and may be taken back: only what it reads may be kept."""

    kept: KeptRows


def kept_by(conn: sqlite3.Connection) -> KeptRows:
    """Nothing by a connection that writes."""
    return conn.kept if isinstance(conn, ReadingConnection) else KeptRows()
