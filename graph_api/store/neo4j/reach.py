"""How far a traversal reaches: one statement gives every reached entity with its distance and what is asked of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graph_api.catalog.entity import Criticality
from graph_api.catalog.filters import ALL, Compare, Filter, LinkAnd, LinkCompare, LinkFilter, Op, Refs
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Traversal
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.database import Statements
from graph_api.store.neo4j.filters import TRUE, Predicates, has_related, relation_types

FACET_COLUMNS = {
    "owner": "e.owners",
    "system": "e.systems",
    "domain": "e.domains",
    "environment": "e.environments",
    "tags": "e.tags",
    "source": "e.sources",
    "kind": "e.kind",
    "type": "e.type",
    "tier": "e.tier",
    "lifecycle": "e.lifecycle",
    "namespace": "e.namespace",
}
_HARD = LinkCompare("criticality", Op.EQ, Criticality.HARD.value)


@dataclass(frozen=True, slots=True)
class Reached:
    """Rows [ref, distance, *columns] in the order (distance, ref), cut to the budget; `more` was reachable."""

    rows: Sequence[list[Any]]
    more: bool


async def reach(tx: Statements, traversal: Traversal, columns: Sequence[tuple[str, Filter | None]] = ()) -> Reached:
    """Everything reached within the budget. A column is a Cypher expression on `e`, or a filter that `e` matches."""
    predicates, where = await walk_where(tx, traversal)
    expressions = [
        text if filter_ is None else f"coalesce({predicates.entity(filter_, 'e')}, false)" for text, filter_ in columns
    ]
    query = _by_direction(traversal, cypher.REACH_OUT, cypher.REACH_IN).format(
        types=relation_types(traversal.relations),
        depth=depth_text(traversal),
        where=where,
        columns="".join(f", {expression}" for expression in expressions),
    )
    found = await tx.rows(query, starts=traversal.start, **predicates.parameters)
    rows = sorted(found[0]["hits"], key=_order)
    return Reached(rows[: traversal.budget], len(rows) > traversal.budget)


async def first_reached(tx: Statements, traversal: Traversal, limit: int) -> list[list[Any]]:
    """The first rows [ref, distance] only: with one start, the walk stops early."""
    predicates, where = await walk_where(tx, traversal)
    query = _by_direction(traversal, cypher.FIRST_OUT, cypher.FIRST_IN).format(
        types=relation_types(traversal.relations), depth=depth_text(traversal), where=where
    )
    found = await tx.rows(query, starts=traversal.start, limit=limit, **predicates.parameters)
    hits: list[list[Any]] = found[0]["hits"]
    return hits


def _order(row: list[Any]) -> tuple[int, str]:
    return row[1], row[0]


def _by_direction(traversal: Traversal, out: str, in_: str) -> str:
    return out if traversal.direction is Direction.OUT else in_


def depth_text(traversal: Traversal) -> str:
    return "" if traversal.max_depth is None else str(int(traversal.max_depth))


def hard_only(traversal: Traversal) -> Traversal:
    return replace(traversal, link_where=_both(traversal.link_where, _HARD))


def _both(first: LinkFilter | None, second: LinkFilter) -> LinkFilter:
    return second if first is None else LinkAnd((first, second))


async def walk_where(tx: Statements, traversal: Traversal) -> tuple[Predicates, str]:
    """The predicate of a walk: on its links, and on the entities that it is expanded from.

    Both are predicates on relationships, which keep the breadth-first plan; a slice of the nodes would lose it.
    """
    predicates = Predicates()
    parts = []
    if traversal.link_where is not None:
        parts.append(f"all(r IN rs WHERE {predicates.link(traversal.link_where, 'r')})")
    if traversal.through != ALL:
        through = await without_patterns(tx, traversal.through)
        near = "startNode(r)" if traversal.direction is Direction.OUT else "endNode(r)"
        expanded = predicates.entity(through, near)
        parts.append(f"all(r IN rs WHERE {near}.ref IN $starts OR coalesce({expanded}, false))")
    return predicates, " AND ".join(parts) or TRUE


async def without_patterns(tx: Statements, filter_: Filter) -> Filter:
    """The same filter as a closed set of refs where it looks at neighbours: such a predicate needs a variable."""
    if not has_related(filter_):
        return filter_
    predicates = Predicates()
    where = predicates.entity(filter_, "e")
    found = await tx.rows(cypher.MATCHING_REFS.format(where=where), **predicates.parameters)
    return Refs(frozenset(found[0]["refs"]))


async def step(
    tx: Statements, traversal: Traversal, refs: Collection[Ref], direction: Direction, *, expanded: bool = False
) -> dict[Ref, list[Ref]]:
    """The entities one matching link away; with `expanded` only of refs that match `through`."""
    predicates = Predicates()
    parts = [predicates.link(traversal.link_where, "r")] if traversal.link_where is not None else []
    if expanded and traversal.through != ALL:
        parts.append(predicates.entity(traversal.through, "e"))
    query = cypher.STEP_OUT if direction is Direction.OUT else cypher.STEP_IN
    found = await tx.rows(
        query.format(types=relation_types(traversal.relations), where=" AND ".join(parts) or TRUE),
        refs=list(refs),
        **predicates.parameters,
    )
    return {row["ref"]: row["others"] for row in found}


async def expandable(tx: Statements, traversal: Traversal, refs: Collection[Ref]) -> set[Ref]:
    """Which of these a walk goes on from: starts, and what matches `through`."""
    if traversal.through == ALL:
        return set(refs)
    predicates = Predicates()
    among = Compare("ref", Op.IN, tuple(refs))
    where = f"{predicates.entity(among, 'e')} AND {predicates.entity(traversal.through, 'e')}"
    found = await tx.rows(cypher.MATCHING_REFS.format(where=where), **predicates.parameters)
    return set(found[0]["refs"]) | (set(refs) & set(traversal.start))
