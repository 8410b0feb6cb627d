"""Where a walk goes: the part of a statement that gives every reached entity with its distance."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from graph_api.catalog.entity import Criticality
from graph_api.catalog.filters import ALL, Compare, LinkAnd, LinkCompare, Op
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Traversal
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.filters import Predicates, relation_types
from graph_api.store.neo4j.sight import TRUE
from graph_api.store.neo4j.statements import Statements

MAX_LEVELS = 10_000
"""Levels of a walk of several starts without max_depth; its time grows with their square, so a deadline comes first."""
_NO_BUDGET = 2**31
_HARD = LinkCompare("criticality", Op.EQ, Criticality.HARD.value)


def head(traversal: Traversal, predicates: Predicates) -> str:
    """Gives rows (e, distance); its parameters, beside those of the predicates, are parameters()."""
    types = relation_types(traversal.relations)
    through = TRUE if traversal.through == ALL else predicates.entity(traversal.through, "n")
    out = traversal.direction is Direction.OUT
    if len(traversal.start) > 1:
        levels = cypher.FROM_MANY_OUT if out else cypher.FROM_MANY_IN
        return levels.format(types=types, link=step_predicate(traversal, predicates, "e"), through=through)
    link = step_predicate(traversal, predicates, "endNode(r)" if out else "startNode(r)")
    where = [] if link == TRUE else [f"all(r IN rs WHERE {link})"]
    if through != TRUE:
        # A predicate on relationships keeps the breadth-first plan; a slice of the nodes would lose it.
        near = "startNode(r)" if out else "endNode(r)"
        where.append(f"all(r IN rs WHERE {near} = s OR any(n IN [{near}] WHERE {through}))")
    depth = "" if traversal.max_depth is None else str(int(traversal.max_depth))
    return (cypher.FROM_ONE_OUT if out else cypher.FROM_ONE_IN).format(
        types=types, depth=depth, where=" WHERE " + " AND ".join(where) if where else ""
    )


def step_predicate(traversal: Traversal, predicates: Predicates, far: str) -> str:
    """Return the predicate on a link `r` that leads to `far`."""
    link = TRUE if traversal.link_where is None else predicates.link(traversal.link_where, "r")
    parts = (link, predicates.sight.node(far))
    return " AND ".join(part for part in parts if part != TRUE) or TRUE


def parameters(traversal: Traversal) -> dict[str, Any]:
    return {"starts": traversal.start, "levels": traversal.max_depth or MAX_LEVELS}


def hard_only(traversal: Traversal) -> Traversal:
    """Return the walk over HARD links alone, which the budget does not bound."""
    both = _HARD if traversal.link_where is None else LinkAnd((traversal.link_where, _HARD))
    return replace(traversal, link_where=both, budget=_NO_BUDGET)


def check_levels(traversal: Traversal, deepest: int | None) -> None:
    """Raise TOO_LARGE where a walk of several starts was stopped by MAX_LEVELS."""
    if len(traversal.start) > 1 and traversal.max_depth is None and deepest == MAX_LEVELS:
        raise CatalogError(ErrorCode.TOO_LARGE, f"walks of several starts go at most {MAX_LEVELS:,} links deep")


async def distances(tx: Statements, traversal: Traversal) -> dict[Ref, int]:
    """Return everything reached within the budget, in the order (distance, ref)."""
    predicates = Predicates(tx.sight)
    query = head(traversal, predicates) + cypher.DISTANCES
    values = parameters(traversal) | predicates.parameters
    found = await tx.rows(query, limit=traversal.budget, **values)
    reached = {ref: distance for row in found for ref, distance in row["hits"]}
    check_levels(traversal, max(reached.values(), default=None))
    return reached


async def step(
    tx: Statements, traversal: Traversal, refs: Collection[Ref], direction: Direction
) -> dict[Ref, Sequence[Ref]]:
    """Return, for each of these, the entities one matching link away."""
    predicates = Predicates(tx.sight)
    where = step_predicate(traversal, predicates, "o")
    query = cypher.STEP_OUT if direction is Direction.OUT else cypher.STEP_IN
    found = await tx.packed(
        query.format(types=relation_types(traversal.relations), where=where),
        refs=list(refs),
        **predicates.parameters,
    )
    return dict(found)


async def expandable(tx: Statements, traversal: Traversal, refs: Collection[Ref]) -> set[Ref]:
    """Which of these a walk goes on from: starts, and what matches `through`."""
    if traversal.through == ALL:
        return set(refs)
    predicates = Predicates(tx.sight)
    among = Compare("ref", Op.IN, tuple(refs))
    where = f"{predicates.entity(among, 'e')} AND {predicates.entity(traversal.through, 'e')}"
    found = await tx.rows(cypher.MATCHING_REFS.format(where=where), **predicates.parameters)
    return set(found[0]["refs"]) | (set(refs) & set(traversal.start))
