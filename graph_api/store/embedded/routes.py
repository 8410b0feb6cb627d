"""The ways themselves: one to each hit, all shortest ones between two entities, and cycles."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from itertools import islice, pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from graph_api.catalog.cycles import find_cycles
from graph_api.catalog.entity import Criticality, Link
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Cycle, Path, Paths, Step
from graph_api.store.embedded.deadline import Deadline
from graph_api.store.embedded.documents import ids_of, links_where, refs_of
from graph_api.store.embedded.graph import Graph
from graph_api.store.embedded.link_filters import matching_links
from graph_api.store.embedded.links import Wanted
from graph_api.store.embedded.lists import Bools, Ints, Patched
from graph_api.store.embedded.reach import Ground


def via(ground: Ground, refs: Collection[Ref], *, hard_only: bool) -> dict[Ref, Path]:
    ids = ids_of(ground.conn, refs, ground.graph.sight)
    neighbours = ground.neighbours(hard_only=hard_only)
    came_from = _came_from(ground, neighbours, list(ids.values()))
    ways = {ref: _way(came_from, id_) for ref, id_ in ids.items() if came_from[id_]}
    steps = _Steps(ground, {id_ for way in ways.values() for id_ in way}, hard_only=hard_only)
    return {ref: steps.path(way) for ref, way in ways.items()}


def _came_from(ground: Ground, neighbours: Patched, wanted: list[int]) -> Ints:
    """Return by id the entity before it on a shortest walk; 0 for starts and what was not reached."""
    came_from = np.zeros(ground.graph.size, np.int32)
    missing = np.array([id_ for id_ in wanted if id_ not in set(ground.starts.tolist())], np.int32)
    for level in ground.levels(neighbours):
        owners, _ = neighbours.pairs(level.frontier)
        came_from[level.ids] = owners.take(level.places)
        missing = missing[came_from[missing] == 0]
        if not missing.size:
            break
    return came_from


def _way(came_from: Ints, id_: int) -> tuple[int, ...]:
    way = [id_]
    while previous := int(came_from[way[-1]]):
        way.append(previous)
    return tuple(reversed(way))


class _Steps:
    """Makes paths of refs and links from ways of ids."""

    def __init__(self, ground: Ground, ids: Iterable[int], *, hard_only: bool) -> None:
        self._conn = ground.conn
        self._traversal = ground.traversal
        self._hard_only = hard_only
        self._matching = matching_links(ground.conn, ground.traversal.link_where)
        self._refs = refs_of(ground.conn, ids)
        self._known: dict[tuple[int, int], Step] = {}

    def path(self, way: tuple[int, ...]) -> Path:
        return Path(tuple(self._refs[id_] for id_ in way), tuple(self._step(*pair) for pair in pairwise(way)))

    def _step(self, near: int, far: int) -> Step:
        step = self._known.get((near, far))
        if step is None:
            source, target = (near, far) if self._traversal.direction is Direction.OUT else (far, near)
            where = f"l.source = ? AND l.target = ? AND {self._matching}"
            links = links_where(self._conn, where, (source, target))
            found = sorted(filter(self._matches, links), key=_link_order)
            step = self._known[near, far] = Step(self._refs[near], self._refs[far], tuple(found))
        return step

    def _matches(self, link: Link) -> bool:
        return link.key.relation in self._traversal.relations and (
            not self._hard_only or link.criticality is Criticality.HARD
        )


def _link_order(link: Link) -> tuple[str, bool, str]:
    key = link.key
    return key.relation, key.environment is not None, key.environment or ""


def paths(ground: Ground, from_: Ref, to: Ref, first: int) -> Paths:
    """Return the first shortest paths; `from_` is the only start of the traversal."""
    ids = ids_of(ground.conn, [from_, to], ground.graph.sight)
    if len(ids) < 2:
        return Paths((), more=False)
    ways = list(islice(_ShortestWays(ground, ids[from_], ids[to]).all(), first + 1))
    steps = _Steps(ground, {id_ for way in ways for id_ in way}, hard_only=False)
    return Paths(tuple(steps.path(way) for way in ways[:first]), more=len(ways) > first)


class _ShortestWays:
    """All shortest ways from the start to `end`, ordered by their refs.

    They are as many as they like to be: what lies on them is found first, and then walked one way at a time.
    """

    def __init__(self, ground: Ground, start: int, end: int) -> None:
        self._ground = ground
        self._start = start
        self._neighbours = ground.neighbours()
        self._end = end
        self._distance = self._distances()
        self._useful = self._between()

    def _distances(self) -> Ints:
        """Return by id the distance, up to the level of the end; -1 for what is not reached."""
        distance = np.full(self._ground.graph.size, -1, np.int32)
        distance[self._ground.starts] = 0
        for depth, level in enumerate(self._ground.levels(self._neighbours), start=1):
            distance[level.ids] = depth
            if distance[self._end] > 0:
                break
        return distance

    def _between(self) -> Bools:
        """Return the mask of what lies on some shortest way."""
        ground, distance = self._ground, self._distance
        back = ground.neighbours(back=True)
        useful = np.zeros(ground.graph.size, np.bool_)
        frontier = np.array([self._end], np.int32)
        useful[frontier] = True
        for depth in range(int(distance[self._end]) - 1, 0, -1):
            ground.deadline.check()
            frontier = np.unique(back.of(frontier))
            frontier = frontier[distance[frontier] == depth]
            if ground.through is not None:
                frontier = frontier[ground.through[frontier]]
            useful[frontier] = True
        return useful

    def all(self) -> Iterator[tuple[int, ...]]:
        if self._distance[self._end] < 0:
            return
        way = [self._start]
        branches = [self._next(self._start)]
        while branches:
            following = next(branches[-1], None)
            if following is None:
                branches.pop()
                way.pop()
            elif following == self._end:
                yield (*way, following)
            else:
                way.append(following)
                branches.append(self._next(following))

    def _next(self, id_: int) -> Iterator[int]:
        self._ground.deadline.check()
        ids = np.unique(self._neighbours.of(np.array([id_], np.int32)))
        ids = ids[self._useful[ids] & (self._distance[ids] == self._distance[id_] + 1)]
        ordered: list[int] = ids[np.argsort(self._ground.graph.rank[ids])].tolist()
        return iter(ordered)


def cycles(conn: sqlite3.Connection, graph: Graph, relations: Collection[str], deadline: Deadline) -> list[Cycle]:
    neighbours = graph.neighbours(Wanted(Direction.OUT, frozenset(relations), None, hard_only=False)).merged(graph.size)
    if graph.hidden is not None:
        neighbours = neighbours.without(graph.hidden)
    source, target = neighbours.owners(), neighbours.values
    shape = (graph.size, graph.size)
    links = csr_array((np.ones(target.size, np.int8), target, neighbours.starts), shape=shape)
    _, labels = connected_components(links, connection="strong")
    inside = labels[source] == labels[target]
    refs = refs_of(conn, np.unique(source[inside]).tolist())
    pairs = zip(source[inside].tolist(), target[inside].tolist(), strict=True)
    return find_cycles([(refs[near], refs[far]) for near, far in pairs], deadline.check)
