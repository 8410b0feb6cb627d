"""Dependencies, dependents and impact: one walk, then counts in this process over what it returned."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from graph_api.catalog.filters import ALL
from graph_api.catalog.ref import Ref
from graph_api.catalog.traversal import (
    FACET_FIELDS,
    Bucket,
    Completeness,
    Facet,
    Hit,
    IncompleteReason,
    Position,
    Severity,
    Traversal,
    WalkAnswer,
    WalkRequest,
)
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.database import Statements
from graph_api.store.neo4j.reach import FACET_COLUMNS, Reached, all_refs, first_reached, hard_only, reach, step
from graph_api.store.neo4j.records import entity_of

_REF, _DISTANCE, _DECLARED, _KEPT, _FACETS = 0, 1, 2, 3, 4


async def walk(tx: Statements, request: WalkRequest) -> WalkAnswer:
    if _only_first_page(request):
        return await _first_page(tx, request)
    traversal = request.traversal
    fields = [field for field in request.facets if field != "severity"]
    columns = [("e.declared", None), ("", traversal.keep), *((FACET_COLUMNS[field], None) for field in fields)]
    reached = await reach(tx, traversal, columns)
    hard = await _hard(tx, request)
    hits = [row for row in reached.rows if row[_KEPT]] if traversal.keep != ALL else reached.rows
    page = _page(hits, request)
    facets = await asyncio.to_thread(_facets, hits, request, fields, hard)
    return WalkAnswer(
        revision=tx.revision,
        hits=await _hits(tx, page, hard if request.severity else None),
        more_before=bool(page and hits[0] is not page[0]) if page else _any_before(hits, request),
        more_after=bool(page and hits[-1] is not page[-1]) if page else _any_after(hits, request),
        total=len(hits) if request.total else None,
        facets=facets,
        completeness=await _completeness(tx, traversal, reached) if request.completeness else None,
    )


def _facets(hits: Sequence[list[Any]], request: WalkRequest, fields: Sequence[str], hard: set[Ref]) -> dict[str, Facet]:
    facets = {field: _facet(field, [row[_FACETS + place] for row in hits]) for place, field in enumerate(fields)}
    if "severity" in request.facets:
        facets["severity"] = _facet("severity", [_severity(row[_REF], hard) for row in hits])
    return facets


def _only_first_page(request: WalkRequest) -> bool:
    asked = (request.total, request.severity, request.facets, request.completeness, request.after, request.before)
    traversal = request.traversal
    return not any(asked) and not request.backward and traversal.keep == ALL and request.limit < traversal.budget


async def _first_page(tx: Statements, request: WalkRequest) -> WalkAnswer:
    rows = await first_reached(tx, request.traversal, request.limit + 1)
    hits = await _hits(tx, rows[: request.limit], None)
    return WalkAnswer(revision=tx.revision, hits=hits, more_after=len(rows) > request.limit)


async def _hard(tx: Statements, request: WalkRequest) -> set[Ref]:
    """Everything that some walk over HARD links alone reaches; the budget does not bound it."""
    if not request.severity and "severity" not in request.facets:
        return set()
    return await all_refs(tx, hard_only(request.traversal))


def _severity(ref: Ref, hard: set[Ref]) -> str:
    return Severity.DOWN.value if ref in hard else Severity.DEGRADED.value


def _page(hits: Sequence[list[Any]], request: WalkRequest) -> Sequence[list[Any]]:
    low = _count_until(hits, request.after, inclusive=True) if request.after else 0
    high = _count_until(hits, request.before, inclusive=False) if request.before else len(hits)
    if request.backward:
        return hits[max(low, high - request.limit) : high] if request.limit else []
    return hits[low : min(high, low + request.limit)]


def _count_until(hits: Sequence[list[Any]], position: Position, *, inclusive: bool) -> int:
    place = (position.distance, position.ref)
    rows = ((row[_DISTANCE], row[_REF]) for row in hits)
    return sum(row <= place if inclusive else row < place for row in rows)


def _any_before(hits: Sequence[list[Any]], request: WalkRequest) -> bool:
    return bool(request.after and hits and _count_until(hits, request.after, inclusive=True))


def _any_after(hits: Sequence[list[Any]], request: WalkRequest) -> bool:
    return bool(request.before and hits and _count_until(hits, request.before, inclusive=False) < len(hits))


async def _hits(tx: Statements, rows: Sequence[list[Any]], hard: set[Ref] | None) -> list[Hit]:
    if not rows:
        return []
    found = await tx.rows(cypher.ENTITIES, refs=[row[_REF] for row in rows])
    entities = {row["e"]["ref"]: entity_of(row["e"]) for row in found}
    return [
        Hit(
            entity=entities[row[_REF]],
            distance=row[_DISTANCE],
            severity=None if hard is None else Severity(_severity(row[_REF], hard)),
        )
        for row in rows
    ]


def _facet(field: str, values: Iterable[Any]) -> Facet:
    counts: Counter[Any] = Counter()
    for value in values:
        if isinstance(value, list):
            counts.update(value)
        else:
            counts[value] += 1
    return facet_of(field, counts)


def facet_of(field: str, counts: dict[Any, int]) -> Facet:
    """Buckets by count, largest first, then by value with null last."""
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, str(item[0])))
    buckets = tuple(Bucket(None if value is None else str(value), count) for value, count in rows)
    return Facet(field, buckets, FACET_FIELDS[field])


async def _completeness(tx: Statements, traversal: Traversal, reached: Reached) -> Completeness:
    known = {row[_REF] for row in reached.rows} | set(traversal.start)
    candidates = [
        row for row in reached.rows if reached.more or (traversal.max_depth and row[_DISTANCE] == traversal.max_depth)
    ]
    around = (
        await step(tx, traversal, [row[_REF] for row in candidates], traversal.direction, expanded=True)
        if candidates
        else {}
    )
    open_ = {ref for ref, others in around.items() if any(other not in known for other in others)}
    reasons = []
    if reached.more:
        reasons.append(IncompleteReason.BUDGET)
    if any(row[_REF] in open_ and row[_DISTANCE] == traversal.max_depth for row in candidates):
        reasons.append(IncompleteReason.DEPTH)
    if not all(row[_DECLARED] for row in reached.rows):
        reasons.append(IncompleteReason.UNRESOLVED)
    return Completeness(tuple(reasons), len(open_))
