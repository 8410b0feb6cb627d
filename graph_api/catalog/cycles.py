"""Cycles among links: every group of entities that need each other, with the shortest way round."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from graph_api.catalog.ref import Ref
from graph_api.catalog.traversal import Cycle


def find_cycles(pairs: Sequence[tuple[Ref, Ref]], check: Callable[[], None] = lambda: None) -> list[Cycle]:
    """One Cycle for each strongly connected component with a cycle, ordered by the first member.

    `pairs` are the ends of the links, in any order, repeated or not. `check` is called now and then and may raise.
    """
    refs = sorted({ref for pair in pairs for ref in pair})
    number = {ref: place for place, ref in enumerate(refs)}
    cycles = []
    for after in _components({(number[source], number[target]) for source, target in pairs}, len(refs)):
        path = _shortest_cycle(after, check)
        cycles.append(Cycle(tuple(refs[node] for node in after), tuple(refs[node] for node in path)))
    return sorted(cycles, key=lambda cycle: cycle.members)


_Steps = dict[int, list[int]]
"""The nodes one link away from each node, all in ascending order."""


def _components(pairs: set[tuple[int, int]], size: int) -> list[_Steps]:
    """Return the components that hold a cycle, without the links between them."""
    if not pairs:
        return []
    source, target = np.array(sorted(pairs), np.int32).T
    links = csr_array((np.ones(source.size, np.int8), (source, target)), shape=(size, size))
    _, labels = connected_components(links, connection="strong")
    inside = labels[source] == labels[target]
    components: dict[int, _Steps] = {}
    for near, far in zip(source[inside].tolist(), target[inside].tolist(), strict=True):
        components.setdefault(int(labels[near]), {}).setdefault(near, []).append(far)
    return list(components.values())


def _shortest_cycle(after: _Steps, check: Callable[[], None]) -> list[int]:
    """The first node again at the end; it is the smallest one on any shortest cycle.

    Once the cycles through a node are known, it is taken away with all that is on no cycle then: little is left soon.
    """
    for node, successors in after.items():
        if node in successors:
            return [node, node]
    left = _Left(after)
    best: list[int] = []
    for start in after:
        if start in left.nodes:
            check()
            best = _cycle_through(start, after, left.nodes, len(best)) or best
            left.take_away(start)
    return best


def _cycle_through(start: int, after: _Steps, nodes: set[int], shorter_than: int) -> list[int]:
    """A shortest one, with `start` at both ends, if it has fewer nodes than `shorter_than` (0: any)."""
    came_from: dict[int, int] = {}
    frontier = [start]
    nodes_on_path = 2
    while frontier and nodes_on_path != shorter_than:
        reached = []
        for node in frontier:
            for successor in after[node]:
                if successor == start:
                    return _way_back(start, node, came_from)
                if successor in nodes and successor not in came_from:
                    came_from[successor] = node
                    reached.append(successor)
        frontier = reached
        nodes_on_path += 1
    return []


def _way_back(start: int, node: int, came_from: dict[int, int]) -> list[int]:
    path = [start]
    while node != start:
        path.append(node)
        node = came_from[node]
    path.append(start)
    return path[::-1]


class _Left:
    """The nodes of a component that may still lie on a cycle."""

    def __init__(self, after: _Steps) -> None:
        before: _Steps = {node: [] for node in after}
        for node, successors in after.items():
            for successor in successors:
                before[successor].append(node)
        self.nodes = set(after)
        self._sides = (
            (after, {n: len(steps) for n, steps in before.items()}),
            (before, {n: len(steps) for n, steps in after.items()}),
        )

    def take_away(self, node: int) -> None:
        """Take away the node, and what then nothing leads to, or leads nowhere."""
        pending = [node]
        while pending:
            gone = pending.pop()
            if gone not in self.nodes:
                continue
            self.nodes.remove(gone)
            for steps, counts in self._sides:
                for near in steps[gone]:
                    counts[near] -= 1
                    if not counts[near]:
                        pending.append(near)
