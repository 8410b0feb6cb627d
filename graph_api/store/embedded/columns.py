"""Columns of a table as arrays: of all entities, or of some."""

# ruff: noqa: S608 - only constants of this package are put together, values are parameters

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graph_api.store.embedded.condition import one_of
from graph_api.store.embedded.lists import Ints

Array: TypeAlias = npt.NDArray[Any]

_MANY = 10_000
"""Rows."""


class Columns:
    """Of the rows that belong to these entities (None: to all)."""

    def __init__(self, conn: sqlite3.Connection, ids: Collection[int] | None) -> None:
        self._conn = conn
        self._ids = None if ids is None else one_of(ids)

    def numbers(self, table: str, columns: Sequence[str]) -> list[Ints]:
        """Sorted by the first of them, the entity that a row belongs to.

        SQLite hands them over as a text each: a fourth of the time that it takes for as many rows, and other threads
        go on meanwhile.
        """
        lists = ", ".join(f"group_concat({column})" for column in columns)
        texts = self._conn.execute(f"SELECT {lists} FROM {self._those(table, columns[0])}", self._parameters).fetchone()
        arrays = [np.fromstring(text or "", np.int32, sep=",") for text in texts]
        owners = arrays[0]
        if np.all(owners[1:] >= owners[:-1]):
            return arrays
        order = np.argsort(owners, kind="stable")
        return [array.take(order) for array in arrays]

    def rows(self, table: str, columns: Sequence[str], rest: str) -> sqlite3.Cursor:
        """`columns` has the entity first."""
        return self._conn.execute(
            f"SELECT {', '.join(columns)} FROM {self._those(table, columns[0])} {rest}", self._parameters
        )

    def _those(self, table: str, owner: str) -> str:
        if self._ids is None:
            return table
        return f"(SELECT * FROM {table} WHERE {owner} IN (SELECT value FROM json_each(?)))"

    @property
    def _parameters(self) -> tuple[str, ...]:
        return () if self._ids is None else (self._ids,)


def distinct(columns: Sequence[Ints]) -> tuple[list[tuple[int, ...]], Ints]:
    """The rows that differ, and which of them each row is."""
    codes = np.zeros(columns[0].size, np.int64)
    for column in columns:
        number, places = _numbered(column)
        codes = codes * max(1, number) + places
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    rows = zip(*(column.take(first).tolist() for column in columns), strict=True)
    return list(rows), which.astype(np.int32)


def _numbered(column: Ints) -> tuple[int, npt.NDArray[np.int64]]:
    """How many values there are, and which of them each is. Many are counted, which takes room for all up to the
    largest; few are sorted.
    """
    if column.size < _MANY:
        few, places = np.unique(column, return_inverse=True)
        return few.size, places.astype(np.int64)
    values = np.flatnonzero(np.bincount(column, minlength=1))
    numbers = np.zeros(int(values.max(initial=0)) + 1, np.int64)
    numbers[values] = np.arange(values.size)
    return values.size, numbers.take(column)
