"""Dependencies, dependents and impact: one statement walks, judges, keeps, counts and cuts out a page."""

from collections.abc import Sequence
from typing import Any

from graph_api.catalog.filters import ALL
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import (
    FACET_FIELDS,
    Completeness,
    Hit,
    Severity,
    WalkAnswer,
    WalkRequest,
)
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.facets import FACET_PROPERTIES, facet
from graph_api.store.neo4j.filters import Predicates, relation_types
from graph_api.store.neo4j.projection import WHOLE, Values
from graph_api.store.neo4j.reach import check_levels, hard_only, head, parameters, step_predicate
from graph_api.store.neo4j.sight import TRUE, Sight
from graph_api.store.neo4j.statements import Row, Statements


async def walk(tx: Statements, request: WalkRequest) -> WalkAnswer:
    if _only_first_page(request):
        return await _first_page(tx, request)
    traversal = request.traversal
    predicates = Predicates(tx.sight)
    query = statement(request, predicates)
    row = (await tx.rows(query, **_parameters(request), **predicates.parameters))[0]
    check_levels(traversal, row["deepest"])
    return WalkAnswer(
        revision=tx.revision,
        hits=_hits(row["page"], tx.sight, severity=request.severity),
        more_before=row["begin"] > 0,
        more_after=row["end"] < row["total"],
        total=row["total"] if request.total else None,
        facets={field: facet(field, dict(row[f"by_{field}"])) for field in request.facets},
        completeness=_completeness(row, tx.sight) if request.completeness else None,
    )


def statement(request: WalkRequest, predicates: Predicates) -> str:
    """Return the statement, one part after the other; the text of each comes from cypher.py."""
    traversal = request.traversal
    return "".join(
        (
            head(traversal, predicates),
            _reached(request, predicates),
            _hard(request, predicates),
            *(_counted(field, predicates.sight) for field in request.facets),
            _edge(request, predicates),
            cypher.BOUNDS,
            cypher.BACKWARD if request.backward else cypher.FORWARD,
            cypher.ANSWER.format(facets="".join(f", by_{field}" for field in request.facets)),
        )
    )


def _reached(request: WalkRequest, predicates: Predicates) -> str:
    names = sorted({FACET_PROPERTIES[field] for field in request.facets if field in FACET_PROPERTIES})
    properties = "".join(f", .{name}" for name in names)
    if request.traversal.keep == ALL:
        return cypher.REACHED.format(properties=properties, keep="") + cypher.ALL_HITS
    keep = f", keep: coalesce({predicates.entity(request.traversal.keep, 'e')}, false)"
    return cypher.REACHED.format(properties=properties, keep=keep) + cypher.KEPT_HITS


def _hard(request: WalkRequest, predicates: Predicates) -> str:
    """Return the part for everything that some walk over HARD links alone reaches; the budget does not bound it."""
    if not request.severity and "severity" not in request.facets:
        return cypher.NO_HARD
    return cypher.HARD_BEGIN + head(hard_only(request.traversal), predicates) + cypher.HARD_END


def _counted(field: str, sight: Sight) -> str:
    if field == "severity":
        return cypher.HITS_BY_SEVERITY.format(name=f"by_{field}")
    name = FACET_PROPERTIES[field]
    if FACET_FIELDS[field]:
        return cypher.HITS_BY_EACH.format(values=sight.values("h", name), name=f"by_{field}")
    return cypher.HITS_BY.format(property=name, name=f"by_{field}")


def _edge(request: WalkRequest, predicates: Predicates) -> str:
    traversal = request.traversal
    if not request.completeness:
        return cypher.NO_EDGE
    return (cypher.EDGE_OUT if traversal.direction is Direction.OUT else cypher.EDGE_IN).format(
        types=relation_types(traversal.relations),
        through=TRUE if traversal.through == ALL else predicates.entity(traversal.through, "e"),
        link=step_predicate(traversal, predicates, "o"),
    )


def _parameters(request: WalkRequest) -> dict[str, Any]:
    return {
        **parameters(request.traversal),
        "limit": request.traversal.budget + 1,
        "depth": request.traversal.max_depth,
        "after": request.after and [request.after.distance, request.after.ref],
        "before": request.before and [request.before.distance, request.before.ref],
        "page": request.limit,
    }


def _only_first_page(request: WalkRequest) -> bool:
    asked = (request.total, request.severity, request.facets, request.completeness, request.after, request.before)
    traversal = request.traversal
    return not any(asked) and not request.backward and traversal.keep == ALL and request.limit < traversal.budget


async def _first_page(tx: Statements, request: WalkRequest) -> WalkAnswer:
    """Return the first hits alone, without anything that takes the whole walk: with one start, it stops early."""
    predicates = Predicates(tx.sight)
    query = head(request.traversal, predicates) + cypher.FIRST_HITS
    values = parameters(request.traversal) | predicates.parameters
    rows = await tx.packed(query, limit=request.limit + 1, **values)
    hits = _hits(rows[: request.limit], tx.sight, severity=False)
    return WalkAnswer(revision=tx.revision, hits=hits, more_after=len(rows) > request.limit)


def _hits(rows: Sequence[tuple[int, bool, Values]], sight: Sight, *, severity: bool) -> list[Hit]:
    """Return the hits of rows of distance, whether it is down, and the entity."""
    entities = sight.redacted(WHOLE.entity(row) for _, _, row in rows)
    return [
        Hit(entity=entity, distance=distance, severity=Severity.of(hard=down) if severity else None)
        for (distance, down, _), entity in zip(rows, entities, strict=True)
    ]


def _completeness(row: Row, sight: Sight) -> Completeness:
    return Completeness.of(
        cut=row["more"],
        deep=row["deep"] > 0,
        unresolved=row["undeclared"],
        hidden=not sight.whole,
        unexplored=row["unexplored"],
    )
