"""Breadth-first walks over the compact graph, level by level."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from graph_api.catalog.filters import ALL, Filter
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Traversal
from graph_api.store.embedded.deadline import Deadline
from graph_api.store.embedded.documents import ids_of
from graph_api.store.embedded.graph import Graph, Reached
from graph_api.store.embedded.links import Wanted
from graph_api.store.embedded.lists import NONE, Bools, Ints, Patched
from graph_api.store.embedded.masks import mask_of
from graph_api.store.embedded.visited import VisitedSet

_OPPOSITE = {Direction.OUT: Direction.IN, Direction.IN: Direction.OUT}


@dataclass(frozen=True, slots=True)
class Level:
    """Newly reached ids, and where among the neighbours of the frontier each was met."""

    ids: Ints
    places: Ints
    frontier: Ints


class Ground:
    """Where a traversal may walk: its starts, its links, and what may be expanded (`through`, None: everything).

    A context manager, which gives back the sets that it lent.
    """

    def __init__(self, conn: sqlite3.Connection, graph: Graph, traversal: Traversal, deadline: Deadline) -> None:
        self.conn = conn
        self.graph = graph
        self.traversal = traversal
        self.deadline = deadline
        self.starts: Ints = np.array(sorted(ids_of(conn, traversal.start, graph.sight).values()), np.int32)
        self.through = self.mask(traversal.through)
        self._marks: list[VisitedSet] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The next walk takes them in the same order.
        for marks in reversed(self._marks):
            self.graph.pool.give(marks)

    def marks(self) -> VisitedSet:
        """Return an empty set of ids, for as long as one is on this ground."""
        self._marks.append(self.graph.pool.take(self.graph.size))
        return self._marks[-1]

    def mask(self, filter_: Filter) -> Bools | None:
        """Return which entities match; None for all."""
        return None if filter_ == ALL else mask_of(self.conn, self.graph, filter_)

    def neighbours(self, *, hard_only: bool = False, back: bool = False) -> Patched:
        """Return where each entity leads to, or with `back` what leads to it."""
        traversal = self.traversal
        direction = _OPPOSITE[traversal.direction] if back else traversal.direction
        wanted = Wanted(direction, frozenset(traversal.relations), traversal.link_where, hard_only)
        return self.graph.neighbours(wanted)

    def levels(self, neighbours: Patched) -> Iterator[Level]:
        """Yield what is reached first at distance 1, 2, ... within max_depth."""
        met = self.marks()
        met.add(self.starts)
        meeting = met.meeting
        frontier = self.starts
        depth = 0
        while frontier.size and depth != self.traversal.max_depth:
            self.deadline.check()
            depth += 1
            ids = neighbours.of(frontier)
            # Of those who meet the same entity, the last one to write stays.
            places = np.arange(ids.size, dtype=np.int32)
            meeting[ids] = places
            new = places[(meeting.take(ids) == places) & ~met.has(ids) & self.graph.is_seen(ids)]
            level = Level(ids.take(new), new, frontier)
            met.add(level.ids)
            if level.ids.size:
                yield level
            frontier = level.ids if self.through is None else level.ids[self.through.take(level.ids)]


def reach(ground: Ground) -> Reached:
    return ground.graph.kept_reached(ground.traversal, lambda: _walked(ground))


def _walked(ground: Ground) -> Reached:
    budget = ground.traversal.budget
    levels: list[Ints] = []
    found = 0
    for level in ground.levels(ground.neighbours()):
        # Sorting ranks and looking up whose they are is twice as fast as sorting ids by their ranks.
        levels.append(ground.graph.ranks.by_rank.take(np.sort(ground.graph.rank.take(level.ids))))
        found += level.ids.size
        if found > budget:
            break
    if not levels:
        return Reached(NONE, NONE, cut=False)
    distances = np.repeat(np.arange(1, len(levels) + 1, dtype=np.int32), [ids.size for ids in levels])
    return Reached(np.concatenate(levels)[:budget], distances[:budget], cut=found > budget)
