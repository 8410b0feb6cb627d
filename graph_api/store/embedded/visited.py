"""Sets of ids for walks, in arrays that are used again: new ones of the catalog's size cost more than a short walk."""

from functools import cached_property

import numpy as np

from graph_api.store.embedded.lists import Bools, Ints

_TURNS = 255
_SPARE_SHARE = 16
"""One more id for each so many, so that a catalog may grow a little."""


class VisitedSet:
    """A set of ids below `size` that is empty again with each start()."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._turns = np.zeros(size, np.uint8)
        self._turn = 0

    def start(self) -> None:
        if self._turn == _TURNS:
            self._turns[:] = 0
            self._turn = 0
        self._turn += 1

    def add(self, ids: Ints) -> None:
        self._turns[ids] = self._turn

    def has(self, ids: Ints) -> Bools:
        found: Bools = self._turns.take(ids) == self._turn
        return found

    @cached_property
    def meeting(self) -> Ints:
        """A number for each id, for the caller to write before reading it."""
        return np.empty(self.size, np.int32)


class Pool:
    """Sets that no walk uses at the moment. Several threads may use it at a time."""

    def __init__(self) -> None:
        self._free: list[VisitedSet] = []

    def take(self, size: int) -> VisitedSet:
        """Return an empty set of ids below `size`."""
        marks = self._any(size)
        marks.start()
        return marks

    def give(self, marks: VisitedSet) -> None:
        """Take back a set that nobody uses any more."""
        self._free.append(marks)

    def _any(self, size: int) -> VisitedSet:
        while True:
            try:
                marks = self._free.pop()
            except IndexError:
                return VisitedSet(size + size // _SPARE_SHARE)
            if marks.size >= size:
                return marks
