"""One walk: reach, judge how hard, keep, count, and cut out a page."""

from itertools import repeat

import numpy as np

from graph_api.catalog.traversal import (
    Completeness,
    Facet,
    Hit,
    Position,
    Severity,
    WalkAnswer,
    WalkRequest,
    facet_of,
)
from graph_api.store.embedded.documents import entities_by_id
from graph_api.store.embedded.facets import count_values
from graph_api.store.embedded.graph import Reached
from graph_api.store.embedded.lists import Ints
from graph_api.store.embedded.reach import Ground, reach
from graph_api.store.embedded.visited import VisitedSet


def walk(ground: Ground, request: WalkRequest) -> WalkAnswer:
    reached = reach(ground)
    hits = _kept(ground, reached)
    hard = _hard(ground) if request.severity or "severity" in request.facets else None
    facets = count_values(ground.graph, hits.ids, [field for field in request.facets if field != "severity"])
    if hard is not None and "severity" in request.facets:
        facets["severity"] = _severities(hits, hard)
    first, last = _page(ground, hits, request)
    return WalkAnswer(
        revision=ground.graph.revision,
        hits=_hits(ground, hits, first, last, hard if request.severity else None),
        more_before=first > 0,
        more_after=last < hits.ids.size,
        total=hits.ids.size if request.total else None,
        facets=facets,
        completeness=_completeness(ground, reached) if request.completeness else None,
    )


def _kept(ground: Ground, reached: Reached) -> Reached:
    keep = ground.mask(ground.traversal.keep)
    if keep is None:
        return reached
    kept = keep.take(reached.ids)
    return Reached(reached.ids[kept], reached.distances[kept], reached.cut)


def _hard(ground: Ground) -> VisitedSet:
    """Return what some walk of HARD links only reaches, whatever the budget."""
    hard = ground.marks()
    for level in ground.levels(ground.neighbours(hard_only=True)):
        hard.add(level.ids)
    return hard


def _severities(hits: Reached, hard: VisitedSet) -> Facet:
    down = int(np.count_nonzero(hard.has(hits.ids)))
    counts = {Severity.DOWN: down, Severity.DEGRADED: hits.ids.size - down}
    return facet_of("severity", {str(severity): count for severity, count in counts.items() if count})


def _page(ground: Ground, hits: Reached, request: WalkRequest) -> tuple[int, int]:
    """Return the place of the first hit of the page, and the one behind its last."""
    first = _place(ground, hits, request.after, behind=True) if request.after else 0
    last = _place(ground, hits, request.before, behind=False) if request.before else hits.ids.size
    if request.backward:
        return max(first, last - request.limit), last
    return first, min(first + request.limit, last)


def _place(ground: Ground, hits: Reached, position: Position, *, behind: bool) -> int:
    """Return how many hits are before the position; with `behind`, the one that is there included."""
    above = ground.graph.size + 1
    keys = hits.distances.astype(np.int64) * above + ground.graph.rank.take(hits.ids)
    rank, exists = _rank(ground, position)
    key = min(position.distance, above) * above + rank
    return int(np.searchsorted(keys, key, side="right" if behind and exists else "left"))


def _rank(ground: Ground, position: Position) -> tuple[int, bool]:
    """The rank of the first ref that is not smaller, and whether it is the very ref."""
    found = ground.conn.execute(
        "SELECT id, ref FROM entities WHERE ref >= ? ORDER BY ref LIMIT 1", (position.ref,)
    ).fetchone()
    return (int(ground.graph.rank[found[0]]), found[1] == position.ref) if found else (ground.graph.size, False)


def _hits(ground: Ground, hits: Reached, first: int, last: int, hard: VisitedSet | None) -> list[Hit]:
    ids = hits.ids[first:last]
    entities = entities_by_id(ground.conn, ids.tolist(), ground.graph.sight)
    severities = repeat(None) if hard is None else (Severity.of(hard=down) for down in hard.has(ids).tolist())
    rows = zip(entities, hits.distances[first:last].tolist(), severities, strict=False)
    return [Hit(entity=entity, distance=distance, severity=severity) for entity, distance, severity in rows]


def _completeness(ground: Ground, reached: Reached) -> Completeness:
    graph, depth = ground.graph, ground.traversal.max_depth
    distances = _open_ends(ground, reached)
    return Completeness.of(
        cut=reached.cut,
        deep=bool(np.any(distances == depth)),
        unresolved=not bool(np.all(graph.declared.take(reached.ids))),
        hidden=not graph.sight.whole,
        unexplored=distances.size,
    )


def _open_ends(ground: Ground, reached: Reached) -> Ints:
    """Distances of the reached entities that could be expanded and lead to what is neither reached nor a start."""
    # Without a cut everything above the last level was expanded, and leads nowhere else.
    if not reached.cut and ground.traversal.max_depth is None:
        return reached.distances[:0]
    at_edge = np.ones(reached.ids.size, np.bool_) if reached.cut else reached.distances == ground.traversal.max_depth
    if ground.through is not None:
        at_edge &= ground.through[reached.ids]
    ids, distances = reached.ids[at_edge], reached.distances[at_edge]
    inside, leading_out = ground.marks(), ground.marks()
    inside.add(reached.ids)
    inside.add(ground.starts)
    owners, neighbours = ground.neighbours().pairs(ids)
    leading_out.add(owners[~inside.has(neighbours) & ground.graph.is_seen(neighbours)])
    open_ends: Ints = distances[leading_out.has(ids)]
    return open_ends
