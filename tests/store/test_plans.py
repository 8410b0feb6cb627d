"""Each literal is held to its plan, on a database that holds the demo organization: no notification, no full walk."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, LiteralString, cast

import neo4j
import pytest

from graph_api.catalog.audience import Visibility
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.drift import DriftKind, DriftQuestion
from graph_api.catalog.filters import ALL, And, Compare, Filter, Op, Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import IMPACT_RELATIONS, RELATIONS, Direction
from graph_api.catalog.traversal import FACET_FIELDS, Traversal, WalkRequest
from graph_api.store.neo4j import cypher, cypher_small, mirror_cypher
from graph_api.store.neo4j.drift import statement as drift_statement
from graph_api.store.neo4j.filters import Predicates, relation_types
from graph_api.store.neo4j.lists import page_statement
from graph_api.store.neo4j.projection import WHOLE as WHOLE_ENTITY
from graph_api.store.neo4j.reach import hard_only, head
from graph_api.store.neo4j.reading import subgroups
from graph_api.store.neo4j.sight import WHOLE, Sight
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.neo4j.walks import statement
from graph_api.store.protocol import PageRequest, Place
from tests.catalogs import AT, entity, link, sync_run
from tests.conftest import Run, wipe
from tests.demo import load

TIER_1 = Compare("tier", Op.EQ, 1)
RESTRICTED = Sight(Visibility(frozenset()))
SIGHTS = {
    "who sees everything": WHOLE,
    "who does not": RESTRICTED,
    "whom owners are hidden from": replace(RESTRICTED, hidden=frozenset({Ref("group:more/n")})),
}
BFS, SEEK, INDEX = "VarLengthExpand(Pruning,BFS", "NodeUniqueIndexSeek", "IndexSeek"


def traversal(direction: Direction = Direction.IN, starts: int = 1, **parts: Any) -> Traversal:
    refs = tuple(Ref(f"component:more/n{n}") for n in range(1, 1 + starts))
    return Traversal(start=refs, relations=IMPACT_RELATIONS, direction=direction, **parts)


def walk(traversal: Traversal, *, sight: Sight, **asked: Any) -> str:
    return statement(WalkRequest(traversal=traversal, limit=10, **asked), Predicates(sight))


def drift(sight: Sight, *kinds: DriftKind) -> str:
    return drift_statement(kinds, DriftQuestion(kinds=frozenset(kinds), filter=TIER_1, since=""), Predicates(sight))


def page(sight: Sight, sort: Sort, filter_: Filter = ALL, after: Place | None = None) -> str:
    return page_statement(PageRequest(filter=filter_, sort=sort, limit=10, after=after), sight)[0]


COMPONENTS = And((Compare("kind", Op.EQ, "component"), Compare("declared", Op.EQ, True)))
AFTER = Place("n100", Ref("component:more/n100"))
EVERYTHING: dict[str, Any] = {
    "facets": (*FACET_FIELDS,),
    "severity": True,
    "completeness": True,
    "total": True,
}


def ask(skeleton: str, where: str = "true", **more: str) -> str:
    slots = {"key": "e.name_sort", "direction": "ASC", "ref_direction": "ASC", "limit": "LIMIT $limit", "order": "ASC"}
    slots |= {"entity": WHOLE_ENTITY.text, "link": WHOLE_ENTITY.link_text}
    return skeleton.format(types=relation_types(RELATIONS), **slots | {"where": where} | more)


def plans(sight: Sight) -> Iterator[tuple[str, str, list[str]]]:
    everything: Callable[[Traversal], str] = partial(walk, sight=sight, **EVERYTHING)
    yield "impact", walk(traversal(), sight=sight), [BFS, SEEK]
    yield "all of an impact", everything(traversal()), [BFS, SEEK]
    yield "the last page", walk(traversal(), sight=sight, backward=True), [BFS, SEEK]
    yield "impact that keeps some", everything(traversal(keep=TIER_1)), [BFS, SEEK]
    yield "impact over hard links", walk(hard_only(traversal()), sight=sight), [BFS, SEEK]
    yield "impact through some", everything(traversal(through=TIER_1)), [BFS, SEEK]
    yield "impact to a depth", everything(traversal(max_depth=3)), [BFS, SEEK]
    yield "first page of impact", head(traversal(), Predicates(sight)) + ask(cypher.FIRST_HITS), [BFS, SEEK]
    yield "distances", head(traversal(), Predicates(sight)) + cypher.DISTANCES, [BFS, SEEK]
    yield "dependencies", everything(traversal(Direction.OUT)), [BFS, SEEK]
    yield "impact of many", everything(traversal(starts=2)), [SEEK]
    entity, ends = sight.node("e"), f"{sight.node('s')} AND {sight.node('o')}"
    yield "entities by ref", ask(cypher.ENTITIES, entity), [SEEK]
    yield "identifiers", ask(cypher.RESOLVE, entity), [SEEK]
    for name, sort in (("", Sort("name")), (" backwards", Sort("name", descending=True))):
        yield f"a page by name{name}", page(sight, sort), [INDEX, "PartialTop"]
        yield f"a page of one kind by name{name}", page(sight, sort, COMPONENTS), [INDEX, "PartialTop"]
        yield f"a page after a place{name}", page(sight, sort, COMPONENTS, AFTER), [INDEX, "PartialTop"]
    yield "links", ask(cypher.NEIGHBOURS_OUT, ends), [SEEK]
    yield "links against the arrow", ask(cypher.NEIGHBOURS_IN, ends), [SEEK]
    after, before = (f"{ends} AND {place}" for place in (cypher.AFTER_LINK, cypher.BEFORE_LINK))
    yield "links after a place", ask(cypher.NEIGHBOURS_IN, after), [SEEK, "Top", "Expand(All)"]
    yield "links before a place", ask(cypher.NEIGHBOURS_OUT, before, order="DESC"), [SEEK, "Top"]
    yield "counts of links", ask(cypher.NEIGHBOUR_COUNTS_IN, ends), [SEEK]
    yield "one step", ask(cypher.STEP_IN, sight.node("o")), [SEEK]
    yield "subgroups", subgroups(sight), [SEEK]
    hidden = cypher.HIDDEN_CHANGES.format(where=sight.node("e"), told=sight.node("t"), gone=sight.node("x"))
    yield "changes", ask(cypher.CHANGES, entity, told=sight.node("t"), hidden=hidden), [INDEX]
    yield "undeclared links", drift(sight, DriftKind.UNDECLARED), ["DirectedRelationshipIndexSeek"]
    yield "unobserved links", drift(sight, DriftKind.UNOBSERVED), [INDEX, "PartialTop"]
    yield "disputed owners", drift(sight, DriftKind.OWNERS), [INDEX]
    yield "all drift", drift(sight, *DriftKind), ["DirectedRelationshipIndexSeek", INDEX]


PLANS: list[tuple[str, str, list[str]]] = [
    *((f"{name} for {who}", text, found) for who, sight in SIGHTS.items() for name, text, found in plans(sight)),
    ("links between", ask(cypher.LINKS_BETWEEN), [SEEK]),
    ("restricted names", cypher.RESTRICTED_NAMES, [INDEX]),
    ("sources with their runs", cypher.SOURCES, [INDEX]),
    ("problems", ask(cypher.PROBLEMS), [INDEX]),
    ("mark of a mirror", mirror_cypher.MARK, [SEEK]),
    ("size of a catalog", mirror_cypher.SIZE, ["NodeCountFromCountStore"]),
    ("sizes of deltas", mirror_cypher.DELTAS, ["NodeUniqueIndexSeekByRange"]),
    ("deltas", mirror_cypher.DELTAS_UNTIL, ["NodeUniqueIndexSeekByRange"]),
    ("small write", cypher_small.WRITE, ["Expand(Into)"]),
    ("rows of few deltas", mirror_cypher.FEW_ROWS, ["Expand(Into)"]),
]

LISTED_WHOLE = {
    "sources with their runs": {"NodeByLabelScan"},
    "problems": {"NodeByLabelScan"},
    "mark of a mirror": {"NodeByLabelScan"},
}
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
    "CALL db.prepareForReplanning(300)",
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
    "given": {},
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
    "until": 9,
    "after_revision": 0,
    "after_ref": "",
    "after_value": "",
    **{f"{side}_{part}": "" for side in ("after", "before") for part in ("ref", "relation", "environment")},
    **{f"f{n}": 1 for n in range(10)},
    "audiences": ["role:viewer"],
    "granted": [],
    "hidden": ["group:more/n"],
    "kinds": ["group"],
}


def test_a_small_write_is_planned_alike_in_an_empty_database(neo4j_driver: neo4j.Driver) -> None:
    """Its first plan is kept for good."""
    wipe(neo4j_driver)
    neo4j_driver.execute_query(FORGET_PLANS)
    text = f"EXPLAIN {cypher_small.WRITE}"
    summary = neo4j_driver.execute_query(text, PARAMETERS, result_transformer_=neo4j.Result.consume)
    found = list(_operators(cast("dict[str, Any]", summary.plan)))
    assert not any(operator in row for row in found for operator in ("AllNodesScan", "NodeByLabelScan")), found
    assert sum("Expand(Into)" in row for row in found) == 2, found


async def test_small_writes_of_any_size_are_planned_once(
    neo4j_uri: str, neo4j_driver: neo4j.Driver, neo4j_auth: tuple[str, str] | None
) -> None:
    user, password = neo4j_auth or (None, None)
    store = Neo4jStore(neo4j_uri, user=user, password=password)
    await store.open()
    try:
        await apply(store, ChangeSet(entities=[entity("a")]))
        neo4j_driver.execute_query(FORGET_PLANS)
        await apply(store, ChangeSet(entities=[entity("b")]))
        assert await store.revision() == 2  # and the gate is open again: that is a statement too
        (planned,) = neo4j_driver.execute_query(FORGET_PLANS).records
        for size in (2, 20, 200):
            rows = [entity(f"{size}-{number}") for number in range(size)]
            await apply(store, ChangeSet(entities=rows, links=[link(row.ref, "b") for row in rows[1:]]))
        assert await store.revision() == 5
        (planned_for_all,) = neo4j_driver.execute_query(FORGET_PLANS).records
        assert planned_for_all == planned
    finally:
        await store.close()
        wipe(neo4j_driver)


async def apply(store: Neo4jStore, changes: ChangeSet) -> None:
    async with store.write() as transaction:
        await transaction.apply(changes, sync_run(), AT)


FORGET_PLANS: LiteralString = "CALL db.clearQueryCaches()"
"""Tells how many there were."""


def _operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"]
    for child in plan.get("children", ()):
        yield from _operators(child)
