"""How far a traversal reaches: one statement gives every reached entity with its distance and what is asked of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graph_api.catalog.entity import Criticality
from graph_api.catalog.filters import ALL, Compare, Filter, LinkAnd, LinkCompare, LinkFilter, Op
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Traversal
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.database import Statements
from graph_api.store.neo4j.filters import TRUE, Predicates, relation_types

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
MAX_LEVELS = 10_000
"""Of a walk of several starts without max_depth; its time grows with their square, so a deadline comes first."""
_HARD = LinkCompare("criticality", Op.EQ, Criticality.HARD.value)


@dataclass(frozen=True, slots=True)
class Reached:
    """Rows [ref, distance, *columns] in the order (distance, ref), cut to the budget; `more` was reachable."""

    rows: Sequence[list[Any]]
    more: bool


async def reach(tx: Statements, traversal: Traversal, columns: Sequence[tuple[str, Filter | None]] = ()) -> Reached:
    """Everything reached within the budget. A column is a Cypher expression on `e`, or a filter that `e` matches.

    With one start, a small budget ends the walk early."""
    predicates = Predicates()
    expressions = [
        text if filter_ is None else f"coalesce({predicates.entity(filter_, 'e')}, false)" for text, filter_ in columns
    ]
    rows = await _rows(tx, traversal, predicates, cypher.REACHED_FIRST, expressions, limit=traversal.budget + 1)
    return Reached(rows[: traversal.budget], len(rows) > traversal.budget)


async def first_reached(tx: Statements, traversal: Traversal, limit: int) -> list[list[Any]]:
    """The first rows [ref, distance] only: with one start, the walk stops early."""
    return await _rows(tx, traversal, Predicates(), cypher.REACHED_FIRST, (), limit=limit)


async def all_refs(tx: Statements, traversal: Traversal) -> set[Ref]:
    """Everything that is reached, whatever the budget."""
    return {row[0] for row in await _rows(tx, traversal, Predicates(), cypher.REACHED, ())}


async def _rows(
    tx: Statements, traversal: Traversal, predicates: Predicates, tail: str, expressions: Sequence[str], **values: Any
) -> list[list[Any]]:
    head, slots = _head(traversal, predicates)
    query = (head + tail).format(
        types=relation_types(traversal.relations),
        columns="".join(f", {expression}" for expression in expressions),
        **slots,
    )
    levels = traversal.max_depth or MAX_LEVELS
    found = await tx.rows(query, starts=traversal.start, levels=levels, **values, **predicates.parameters)
    rows = [hit for row in found for hit in row["hits"]]
    if len(traversal.start) > 1 and traversal.max_depth is None and rows and rows[-1][1] == MAX_LEVELS:
        raise CatalogError(ErrorCode.TOO_LARGE, f"walks of several starts go at most {MAX_LEVELS:,} links deep")
    return rows


def _head(traversal: Traversal, predicates: Predicates) -> tuple[str, dict[str, str]]:
    """The skeleton that walks, and the texts of its slots."""
    link = TRUE if traversal.link_where is None else predicates.link(traversal.link_where, "r")
    through = TRUE if traversal.through == ALL else predicates.entity(traversal.through, "n")
    if len(traversal.start) > 1:
        return _by_direction(traversal, cypher.FROM_MANY_OUT, cypher.FROM_MANY_IN), {"link": link, "through": through}
    where = "" if link == TRUE else f" AND all(r IN rs WHERE {link})"
    if through != TRUE:
        # A predicate on relationships keeps the breadth-first plan; a slice of the nodes would lose it.
        near = "startNode(r)" if traversal.direction is Direction.OUT else "endNode(r)"
        where += f" AND all(r IN rs WHERE {near} = s OR any(n IN [{near}] WHERE {through}))"
    return _by_direction(traversal, cypher.FROM_ONE_OUT, cypher.FROM_ONE_IN), {
        "depth": depth_text(traversal),
        "where": where,
    }


def _by_direction(traversal: Traversal, out: str, in_: str) -> str:
    return out if traversal.direction is Direction.OUT else in_


def depth_text(traversal: Traversal) -> str:
    return "" if traversal.max_depth is None else str(int(traversal.max_depth))


def hard_only(traversal: Traversal) -> Traversal:
    return replace(traversal, link_where=_both(traversal.link_where, _HARD))


def _both(first: LinkFilter | None, second: LinkFilter) -> LinkFilter:
    return second if first is None else LinkAnd((first, second))


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
