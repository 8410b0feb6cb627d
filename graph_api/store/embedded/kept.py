"""Entities that were read lately. At one revision a row never changes, so one that is kept stays true."""

import sqlite3
from collections.abc import Mapping
from itertools import islice

from graph_api.catalog.entity import Entity

_MOST = 20_000
"""Some 2 KiB each."""
_LONGEST = 16_384
"""Characters of the statements of one that is kept: with the definition of an API they may have millions."""


class KeptEntities:
    """By id. Several threads may use it at a time."""

    def __init__(self) -> None:
        self._rows: dict[int, Entity] = {}

    def at(self, revisions: Mapping[int, int]) -> dict[int, Entity]:
        """Those that are kept as they are at these revisions, by id."""
        known = ((id_, self._rows.get(id_), revision) for id_, revision in revisions.items())
        return {id_: row for id_, row, revision in known if row and row.revision == revision}

    def keep(self, rows: Mapping[int, Entity], lengths: Mapping[int, int]) -> None:
        """Those whose statements are no longer than so many characters; the oldest go when there are too many."""
        rows = {id_: row for id_, row in islice(rows.items(), _MOST) if lengths[id_] <= _LONGEST}
        if (surplus := len(self._rows) + len(rows) - _MOST) > 0:
            for id_ in list(islice(self._rows, surplus)):
                self._rows.pop(id_, None)
        self._rows.update(rows)

    def clear(self) -> None:
        self._rows.clear()


class ReadingConnection(sqlite3.Connection):
    """It never sees what is not committed, and may be taken back: only what it reads may be kept."""

    kept: KeptEntities


def kept_by(conn: sqlite3.Connection) -> KeptEntities:
    """Nothing by a connection that writes."""
    return conn.kept if isinstance(conn, ReadingConnection) else KeptEntities()
