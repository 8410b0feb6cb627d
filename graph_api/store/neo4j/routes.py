"""Walks told in full: one shortest walk to each hit, all shortest paths between two entities."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from graph_api.catalog.entity import Link
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Path, Paths, Step, Traversal
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.filters import Predicates, relation_types
from graph_api.store.neo4j.projection import link_of
from graph_api.store.neo4j.reach import distances, expandable, step
from graph_api.store.neo4j.sight import TRUE
from graph_api.store.neo4j.statements import Statements


async def via(tx: Statements, traversal: Traversal, refs: Collection[Ref]) -> dict[Ref, Path]:
    """One shortest walk to each of the refs that the traversal reaches."""
    known = await _distances(tx, traversal)
    wanted = [ref for ref in refs if ref in known and ref not in traversal.start]
    before = await _predecessors(tx, traversal, known, wanted)
    routes = {ref: _one_route(ref, before) for ref in wanted}
    return dict(zip(routes, await _told(tx, traversal, list(routes.values())), strict=True))


async def paths(tx: Statements, from_: Ref, to: Ref, traversal: Traversal, first: int) -> Paths:
    known = await _distances(tx, traversal)
    if from_ == to or to not in known:
        return Paths((), more=False)
    before = await _predecessors(tx, traversal, known, [to])
    routes = _all_routes(from_, to, before, first + 1)
    return Paths(tuple(await _told(tx, traversal, routes[:first])), more=len(routes) > first)


async def _distances(tx: Statements, traversal: Traversal) -> dict[Ref, int]:
    return await distances(tx, traversal) | dict.fromkeys(traversal.start, 0)


async def _predecessors(
    tx: Statements, traversal: Traversal, known: Mapping[Ref, int], targets: Collection[Ref]
) -> dict[Ref, list[Ref]]:
    """Backwards from the targets: for each entity on a shortest walk, those that it is reached from, sorted.

    One statement a level, whatever the number of targets.
    """
    back = Direction.IN if traversal.direction is Direction.OUT else Direction.OUT
    before: dict[Ref, list[Ref]] = {}
    pending = set(targets)
    while pending:
        found = await step(tx, traversal, pending, back)
        nearer = {
            ref: [other for other in found.get(ref, ()) if known.get(other, -1) == known[ref] - 1] for ref in pending
        }
        open_ = await expandable(tx, traversal, {other for others in nearer.values() for other in others})
        before.update({ref: sorted(other for other in others if other in open_) for ref, others in nearer.items()})
        pending = {other for ref in pending for other in before[ref] if known[other] > 0} - before.keys()
    return before


def _one_route(ref: Ref, before: Mapping[Ref, Sequence[Ref]]) -> list[Ref]:
    route = [ref]
    while route[-1] in before:
        route.append(before[route[-1]][0])
    return route[::-1]


def _all_routes(start: Ref, end: Ref, before: Mapping[Ref, Sequence[Ref]], limit: int) -> list[list[Ref]]:
    """The first routes by their refs: depth-first over what leads to the end, which wastes no step."""
    after: dict[Ref, list[Ref]] = {}
    for ref, others in before.items():
        for other in others:
            after.setdefault(other, []).append(ref)
    routes: list[list[Ref]] = []
    stack = [[start]]
    while stack and len(routes) < limit:
        route = stack.pop()
        if route[-1] == end:
            routes.append(route)
        else:
            stack.extend([*route, ref] for ref in sorted(after[route[-1]], reverse=True))
    return routes


async def _told(tx: Statements, traversal: Traversal, routes: Sequence[Sequence[Ref]]) -> list[Path]:
    """Routes with the links of every step."""
    steps = {pair for route in routes for pair in pairwise(route)}
    out = traversal.direction is Direction.OUT
    links = await _links_between(tx, traversal, [pair if out else pair[::-1] for pair in sorted(steps)])
    return [
        Path(
            tuple(route),
            tuple(Step(near, far, tuple(links[(near, far) if out else (far, near)])) for near, far in pairwise(route)),
        )
        for route in routes
    ]


async def _links_between(
    tx: Statements, traversal: Traversal, pairs: Sequence[tuple[Ref, Ref]]
) -> dict[tuple[Ref, Ref], list[Link]]:
    predicates = Predicates(tx.sight)
    where = predicates.link(traversal.link_where, "r") if traversal.link_where is not None else TRUE
    query = cypher.LINKS_BETWEEN.format(types=relation_types(traversal.relations), where=where)
    rows = await tx.packed(query, pairs=[list(pair) for pair in pairs], **predicates.parameters)
    links: dict[tuple[Ref, Ref], list[Link]] = {}
    for link in map(link_of, rows):
        links.setdefault((link.key.source, link.key.target), []).append(link)
    for found in links.values():
        found.sort(key=lambda link: (link.key.relation, link.key.environment is not None, link.key.environment or ""))
    return links
