"""Each literal is held to its plan, on a database that holds the demo organization: no notification, no full walk."""

from collections.abc import Iterator
from typing import Any, LiteralString, cast

import neo4j
import pytest

from graph_api.catalog.drift import DriftKind, DriftQuestion
from graph_api.catalog.filters import Compare, Op
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import IMPACT_RELATIONS, RELATIONS, Direction
from graph_api.catalog.traversal import FACET_FIELDS, Traversal, WalkRequest
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.drift import statement as drift_statement
from graph_api.store.neo4j.filters import Predicates, relation_types
from graph_api.store.neo4j.reach import hard_only, head
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.neo4j.walks import statement
from tests.conftest import Run, wipe
from tests.demo import load

TIER_1 = Compare("tier", Op.EQ, 1)
BFS, SEEK, INDEX = "VarLengthExpand(Pruning,BFS", "NodeUniqueIndexSeek", "IndexSeek"


def traversal(direction: Direction = Direction.IN, starts: int = 1, **parts: Any) -> Traversal:
    refs = tuple(Ref(f"component:more/n{n}") for n in range(1, 1 + starts))
    return Traversal(start=refs, relations=IMPACT_RELATIONS, direction=direction, **parts)


def walk(traversal: Traversal, **asked: Any) -> str:
    return statement(WalkRequest(traversal=traversal, limit=10, **asked), Predicates())


def drift(*kinds: DriftKind) -> str:
    return drift_statement(kinds, DriftQuestion(kinds=frozenset(kinds), filter=TIER_1, since=""), Predicates())


EVERYTHING: dict[str, Any] = {
    "facets": (*FACET_FIELDS,),
    "severity": True,
    "completeness": True,
    "total": True,
}


def ask(skeleton: str, **more: str) -> str:
    slots = {"key": "e.name_sort", "direction": "ASC", "ref_direction": "ASC", "limit": "LIMIT $limit", "order": "ASC"}
    return skeleton.format(types=relation_types(RELATIONS), **{"where": "true"} | slots | more)


PLANS: list[tuple[str, str, list[str]]] = [
    ("impact", walk(traversal()), [BFS, SEEK]),
    ("all of an impact", walk(traversal(), **EVERYTHING), [BFS, SEEK]),
    ("the last page", walk(traversal(), backward=True), [BFS, SEEK]),
    ("impact that keeps some", walk(traversal(keep=TIER_1), **EVERYTHING), [BFS, SEEK]),
    ("impact over hard links", walk(hard_only(traversal())), [BFS, SEEK]),
    ("impact through some", walk(traversal(through=TIER_1), **EVERYTHING), [BFS, SEEK]),
    ("impact to a depth", walk(traversal(max_depth=3), **EVERYTHING), [BFS, SEEK]),
    ("first page of impact", head(traversal(), Predicates()) + cypher.FIRST_HITS, [BFS, SEEK]),
    ("distances", head(traversal(), Predicates()) + cypher.DISTANCES, [BFS, SEEK]),
    ("dependencies", walk(traversal(Direction.OUT), **EVERYTHING), [BFS, SEEK]),
    ("impact of many", walk(traversal(starts=2), **EVERYTHING), [SEEK]),
    ("entities by ref", cypher.ENTITIES, [SEEK]),
    ("identifiers", cypher.RESOLVE, [SEEK]),
    ("a page by name", ask(cypher.PAGE.replace("{where}", "e.name_sort >= ''")), [INDEX]),
    ("links", ask(cypher.NEIGHBOURS_OUT), [SEEK]),
    ("links against the arrow", ask(cypher.NEIGHBOURS_IN), [SEEK]),
    ("links after a place", ask(cypher.NEIGHBOURS_IN, where=cypher.AFTER_LINK), [SEEK, "Top", "Expand(All)"]),
    ("links before a place", ask(cypher.NEIGHBOURS_OUT, where=cypher.BEFORE_LINK, order="DESC"), [SEEK, "Top"]),
    ("counts of links", ask(cypher.NEIGHBOUR_COUNTS_IN), [SEEK]),
    ("one step", ask(cypher.STEP_IN), [SEEK]),
    ("links between", ask(cypher.LINKS_BETWEEN), [SEEK]),
    ("subgroups", cypher.SUBGROUPS, [SEEK]),
    ("changes", cypher.CHANGES, [INDEX]),
    ("undeclared links", drift(DriftKind.UNDECLARED), ["DirectedRelationshipIndexSeek"]),
    ("unobserved links", drift(DriftKind.UNOBSERVED), [INDEX, "PartialTop"]),
    ("disputed owners", drift(DriftKind.OWNERS), [INDEX]),
    ("all drift", drift(*DriftKind), ["DirectedRelationshipIndexSeek", INDEX]),
    ("sources with their runs", cypher.SOURCES, [INDEX]),
    ("problems", ask(cypher.PROBLEMS), [INDEX]),
]

LISTED_WHOLE = {"sources with their runs": {"NodeByLabelScan"}, "problems": {"NodeByLabelScan"}}
"""They look at every node of a label that counts tens."""


# A planner takes any way through a small database; this one is large enough to matter.
MORE: tuple[LiteralString, ...] = (
    "CREATE (:Removed {ref: 'component:default/gone', revision: 1, at: ''})",
    "UNWIND range(1, 20000) AS n CREATE (:Entity {ref: 'component:more/n' + n, name: 'n' + n, name_sort: 'n' + n, "
    "kind: 'component', revision: n})",
    "UNWIND range(1, 20000) AS n MATCH (a:Entity {ref: 'component:more/n' + n}) "
    "MATCH (b:Entity {ref: 'component:more/n' + (1 + n / 7)}) CREATE (a)-[:DEPENDS_ON {criticality: 'HARD'}]->(b) "
    "CREATE (:Identifier {value: 'n' + n})-[:NAMES]->(a)",
    "MATCH (a:Entity {ref: 'component:more/n1'}) MATCH (b:Entity {ref: 'component:more/n2'}) UNWIND $relations AS type "
    "CREATE (a)-[:$(type)]->(b)",
    "MATCH (a:Entity)-[:DEPENDS_ON]->(b:Entity) WHERE a.ref STARTS WITH 'component:more/' WITH a, b LIMIT 500 "
    "CREATE (b)-[:DEPENDS_ON {origin: 'OBSERVED', origins: ['OBSERVED'], observed_at: '', sources: ['t']}]->(a)",
    "UNWIND range(1, 2000) AS n CREATE (:Sync {id: 'n' + n, source: 's' + n, started_at: '', body: ''})",
    "CALL db.resampleOutdatedIndexes()",
)


@pytest.fixture(scope="module")
def filled(
    neo4j_uri: str, neo4j_driver: neo4j.Driver, neo4j_auth: tuple[str, str] | None, run: Run
) -> Iterator[neo4j.Driver]:
    user, password = neo4j_auth or (None, None)
    store = Neo4jStore(neo4j_uri, user=user, password=password)
    run(store.open())
    run(load(store))
    run(store.close())
    for text in MORE:
        neo4j_driver.execute_query(text, relations=list(RELATIONS))
    yield neo4j_driver
    wipe(neo4j_driver)


@pytest.mark.parametrize(("name", "text", "operators"), PLANS, ids=[row[0] for row in PLANS])
def test_plan(filled: neo4j.Driver, name: str, text: str, operators: list[str]) -> None:
    summary = filled.execute_query(f"EXPLAIN {text}", PARAMETERS, result_transformer_=neo4j.Result.consume)
    found = list(_operators(cast("dict[str, Any]", summary.plan)))
    for operator in operators:
        assert any(operator in row for row in found), (name, found)
    refused = {"AllNodesScan", "NodeByLabelScan", "ShortestPath"} - LISTED_WHOLE.get(name, set())
    assert not any(operator in row for row in found for operator in refused), (name, found)
    assert [row.status_description for row in summary.gql_status_objects if row.is_notification] == []


PARAMETERS: dict[str, Any] = {
    "starts": ["component:more/n1", "component:more/n2"],
    "refs": ["component:default/identity"],
    "identifiers": ["x"],
    "pairs": [["a", "b"]],
    "limit": 10,
    "page": 10,
    "depth": 3,
    "source": None,
    "after": ["", "", "", ""],
    "before": None,
    "levels": 5,
    "since": 0,
    "after_revision": 0,
    "after_ref": "",
    **{f"{side}_{part}": "" for side in ("after", "before") for part in ("ref", "relation", "environment")},
    **{f"f{n}": 1 for n in range(10)},
}


def _operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"]
    for child in plan.get("children", ()):
        yield from _operators(child)
