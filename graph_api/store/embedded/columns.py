"""Columns of a table as arrays: of all entities, or of some."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graph_api.store.embedded.condition import AMONG, one_of
from graph_api.store.embedded.lists import Ints

Array: TypeAlias = npt.NDArray[Any]

_AT_ONCE = 10_000
"""Entities: the texts and objects of their rows take many times the memory of arrays, and while they become arrays,
other threads wait."""
_MANY = 10_000
"""Rows: columns of fewer are sorted rather than counted."""
_FAR_APART = 4
"""Times as many as there are rows: so large a number is not counted up to."""


class Columns:
    """Columns of the rows that belong to these entities (None: to all, whose ids are below `size`)."""

    def __init__(self, conn: sqlite3.Connection, ids: Collection[int] | None, size: int) -> None:
        self._conn = conn
        self._ids = None if ids is None else one_of(ids)
        self._size = size

    def parts(self, table: str, columns: Sequence[str]) -> Iterator[list[Ints]]:
        """Yield the columns of some entities after those of others, sorted by the first, the entity that a row belongs
        to.
        """
        for texts in self.texts(table, columns[0], [f"group_concat({column})" for column in columns]):
            yield sorted_by_first([ints(text) for text in texts])

    def texts(self, table: str, owner: str, lists: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Yield the lists of a part of the entities, each as one text, the first of them never empty.

        SQLite hands them over so in a fourth of the time that it takes for as many rows, and other threads go on
        meanwhile.
        """
        found: Iterable[tuple[str, ...]]
        select = f"SELECT {', '.join(lists)} FROM {table} WHERE {owner}"
        if self._ids is None:
            ranges = ((first, first + _AT_ONCE - 1) for first in range(0, self._size, _AT_ONCE))
            found = (self._conn.execute(f"{select} BETWEEN ? AND ?", ends).fetchone() for ends in ranges)
        else:
            found = self._conn.execute(f"{select} {AMONG}", self._parameters)
        return (texts for texts in found if texts[0] is not None)

    def rows(self, table: str, columns: Sequence[str], rest: str) -> sqlite3.Cursor:
        """Return a cursor over these columns, of which the entity is the first."""
        return self._conn.execute(
            f"SELECT {', '.join(columns)} FROM {self._those(table, columns[0])} {rest}", self._parameters
        )

    def _those(self, table: str, owner: str) -> str:
        if self._ids is None:
            return table
        return f"(SELECT * FROM {table} WHERE {owner} {AMONG})"

    @property
    def _parameters(self) -> tuple[str, ...]:
        return () if self._ids is None else (self._ids,)


class Grown:
    """Columns that come in parts. To put all parts together at the end would take twice the memory."""

    def __init__(self, columns: int) -> None:
        self._columns = [bytearray() for _ in range(columns)]
        self.size = 0
        """How many rows there are."""

    def add(self, *part: Ints) -> None:
        for column, more in zip(self._columns, part, strict=True):
            column += more.tobytes()
        self.size += part[0].size

    def arrays(self) -> list[Ints]:
        return [np.frombuffer(column, np.int32) for column in self._columns]


def ints(text: str) -> Ints:
    """Return the integers of a text that has commas between them."""
    return np.fromstring(text, np.int32, sep=",")


def sorted_by_first(columns: list[Ints]) -> list[Ints]:
    first = columns[0]
    if np.all(first[1:] >= first[:-1]):
        return columns
    order = np.argsort(first, kind="stable")
    return [column.take(order) for column in columns]


def distinct(columns: Sequence[Ints]) -> tuple[list[tuple[int, ...]], Ints]:
    """Return the rows that differ, and which of them each row is."""
    number, which = 1, np.zeros(columns[0].size, np.int32)
    for column in columns:
        values, places = _numbered(column)
        number, which = _numbered(which * np.int64(values) + places)
    one_each = np.zeros(number, np.int32)
    one_each[which] = np.arange(which.size, dtype=np.int32)
    rows = zip(*(column.take(one_each).tolist() for column in columns), strict=True)
    return list(rows), which


def _numbered(column: npt.NDArray[np.integer]) -> tuple[int, Ints]:
    """Return how many values there are, and which of them each is. Many are counted, which takes room for all up to the
    largest; few are sorted, and so are those that lie far apart.
    """
    largest = int(column.max(initial=0))
    if column.size < _MANY or largest > _FAR_APART * column.size:
        few, places = np.unique(column, return_inverse=True)
        return few.size, places.astype(np.int32)
    values = np.flatnonzero(np.bincount(column, minlength=1))
    numbers = np.zeros(largest + 1, np.int32)
    numbers[values] = np.arange(values.size, dtype=np.int32)
    return values.size, numbers.take(column)
