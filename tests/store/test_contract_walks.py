"""What every store answers about walks, paths and cycles; each name is a rule."""

from typing import Any

import pytest

from graph_api.catalog.entity import unresolved
from graph_api.catalog.filters import Compare, LinkAnd, LinkCompare, LinkNot, Not, Op, Related
from graph_api.catalog.relations import IMPACT_RELATIONS, Direction
from graph_api.catalog.traversal import (
    Bucket,
    Completeness,
    Cycle,
    Facet,
    IncompleteReason,
    Path,
    Position,
    Step,
    Traversal,
    WalkAnswer,
    WalkRequest,
)
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.protocol import Store
from tests.catalogs import entity, link, links, ref, refs, with_ends, write
from tests.conftest import on_mirror_too

pytestmark = on_mirror_too

IN, OUT = Direction.IN, Direction.OUT
BUDGET, DEPTH, UNRESOLVED, _ = IncompleteReason
DEADLINE = 30.0


def traversal(start: str, direction: Direction = IN, **fields: Any) -> Traversal:
    return Traversal(start=tuple(refs(start)), direction=direction, **fields)


async def walk(store: Store, start: str, direction: Direction = IN, **fields: Any) -> WalkAnswer:
    """Everything that can be asked for."""
    parts = ("limit", "after", "before", "backward", "facets")
    request = WalkRequest(
        traversal=traversal(start, direction, **{name: value for name, value in fields.items() if name not in parts}),
        total=True,
        severity=True,
        completeness=True,
        **{"limit": 100} | {name: value for name, value in fields.items() if name in parts},
    )
    return await store.walk(request, deadline=DEADLINE)


def shown(answer: WalkAnswer) -> str:
    """Hits as name and distance, with ! where the severity is DOWN."""
    return " ".join(f"{hit.entity.name}{hit.distance}{'!' * (hit.severity == 'DOWN')}" for hit in answer.hits)


def among(names: str) -> Compare:
    return Compare("ref", Op.IN, tuple(refs(names)))


only = LinkCompare
HARD = only("criticality", Op.EQ, "HARD")
WALKS: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("impact runs against the arrows", "a>b b>c", "c", {}, "b1! a2!"),
    ("dependencies follow the arrows", "a>b b>c", "a", {"direction": OUT}, "b1! c2!"),
    ("order is distance, then ref", "x>z b>z a>x c>b", "z", {}, "b1! x1! a2! c2!"),
    ("distance is that of the shortest walk", "a>b b>c a>c", "c", {}, "a1! b1!"),
    ("cycles end", "a>b b>c c>a", "a", {}, "c1! b2!"),
    ("self links never matter", "a>a b>b b>a", "a", {}, "b1!"),
    ("no start is a hit, even of another start", "a>b b>c x>a", "b c", {}, "a1! x2!"),
    ("walks may pass through starts", "a>b b>c", "a c", {}, "b1!"),
    ("depth n means n", "a>b b>c c>d", "d", {"max_depth": 2}, "c1! b2!"),
    ("one soft link degrades what is behind it", "a>b b~c", "c", {}, "b1 a2"),
    ("a longer walk of hard links is still down", "a~c a>b b>c", "c", {}, "a1! b1!"),
    ("but not beyond the depth", "a~c a>b b>c", "c", {"max_depth": 1}, "a1 b1!"),
    ("a hard walk may be longer than the budget reaches", "a~d a>c c>b b>d", "d", {"budget": 1}, "a1!"),
    ("through stops at what does not match, which is a hit", "a>b b>c", "c", {"through": Not(among("b"))}, "b1!"),
    ("starts are expanded whatever through says", "a>b", "b", {"through": among("")}, "a1!"),
    ("through may look at neighbours", "a>b b>c", "c", {"through": Related(None, OUT, True, among("c"))}, "b1!"),
    ("keep hides hits but walks on", "a>b b>c", "c", {"keep": among("a")}, "a2!"),
    ("link_where holds for every link", "a>b b~c b>d", "c d", {"link_where": HARD}, "b1! a2!"),
    ("budget takes the first by distance and ref", "b>c a>c z>a", "c", {"budget": 2}, "a1! b1!"),
    ("budget counts before keep", "b>c a>c z>a", "c", {"budget": 2, "keep": among("b z")}, "b1!"),
    ("relations that are not asked for do not exist", "a>b b>c", "c", {"relations": ("CONSUMES_API",)}, ""),
]  # fmt: skip  # a table


@pytest.mark.parametrize(("rule", "graph", "start", "fields", "expected"), WALKS, ids=[row[0] for row in WALKS])
async def test_walk(store: Store, rule: str, graph: str, start: str, fields: dict[str, Any], expected: str) -> None:
    await write(store, with_ends(links(graph)))
    answer = await walk(store, start, **fields)
    assert shown(answer) == expected, rule
    assert answer.total == len(answer.hits)
    assert answer.revision == 1


async def test_structural_relations_carry_no_impact_unless_asked_for(store: Store) -> None:
    rows = [*links("a>b", "PART_OF"), *links("a>c", "OWNED_BY"), *links("a>d", "WRITTEN_BY")]
    await write(store, with_ends(rows))
    assert shown(await walk(store, "a", OUT)) == "d1!"
    assert shown(await walk(store, "a", OUT, relations=("PART_OF", "OWNED_BY"))) == "b1! c1!"


PARALLEL = [
    link("a", "b", environment="prod", confidence=0.5, properties={"port": 80}, sources=("files",)),
    *links("a~b", environment="test", properties={"port": "80", "secure": True}, sources=("api",)),
    *links("a~c"),
]


@pytest.mark.parametrize(
    ("rule", "link_where", "expected"),
    [
        ("hard if any matching link is", None, "b1! c1"),
        ("soft if only the soft one matches", only("environment", Op.EQ, "test"), "b1"),
        ("without an environment", only("environment", Op.EXISTS, False), "c1"),
        ("not of a missing value is true", LinkNot(only("environment", Op.EQ, "prod")), "b1 c1"),
        ("unset is hard", HARD, "b1!"),
        ("unset confidence is 1", only("confidence", Op.GTE, 1), "b1 c1"),
        ("properties compare as texts", only("property", Op.EQ, "80", "port"), "b1!"),
        ("booleans are true and false", only("property", Op.EQ, "true", "secure"), "b1"),
        ("missing matches nothing but exists", only("property", Op.CONTAINS, "", "secure"), "b1"),
        ("source", only("source", Op.EQ, "api"), "b1"),
        ("one link must match all", LinkAnd((only("source", Op.EQ, "api"), only("environment", Op.EQ, "prod"))), ""),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
async def test_parallel_links(store: Store, rule: str, link_where: Any, expected: str) -> None:
    await write(store, with_ends(PARALLEL))
    assert shown(await walk(store, "a", OUT, link_where=link_where)) == expected, rule


CHAIN = "a>b b>c c>d d>e"
GAPS: list[tuple[str, str, str, dict[str, Any], tuple[IncompleteReason, ...], int]] = [
    ("complete", CHAIN, "e", {}, (), 0),
    ("the depth hides something", CHAIN, "e", {"max_depth": 2}, (DEPTH,), 1),
    ("nothing lies beyond the depth", CHAIN, "e", {"max_depth": 4}, (), 0),
    ("only links back lie beyond the depth", "a>b b>c c>a c>b", "c", {"max_depth": 2}, (), 0),
    ("the budget hides something", CHAIN, "e", {"budget": 2}, (BUDGET,), 1),
    ("the budget is just enough", CHAIN, "e", {"budget": 4}, (), 0),
    ("budget and depth", "a>x b>x c>a d>b", "x", {"budget": 1, "max_depth": 1}, (BUDGET, DEPTH), 1),
    ("what fails through is no gap", CHAIN, "e", {"max_depth": 1, "through": among("")}, (), 0),
    ("what fails keep is no gap", CHAIN, "e", {"keep": among("")}, (), 0),
    ("links that do not match are no gap", "a~b b>c", "c", {"max_depth": 1, "link_where": HARD}, (), 0),
    ("an undeclared hit", "u>b", "b", {}, (UNRESOLVED,), 0),
    ("an undeclared entity that keep hides", "u>b a>u", "b", {"keep": among("a")}, (UNRESOLVED,), 0),
    ("an undeclared start is none", "a>u", "u", {}, (), 0),
    ("depth and undeclared", "u>b a>u c>u d>b", "b", {"max_depth": 1, "budget": 2}, (DEPTH, UNRESOLVED), 1),
]  # fmt: skip  # a table


@pytest.mark.parametrize(
    ("rule", "graph", "start", "fields", "reasons", "unexplored"), GAPS, ids=[row[0] for row in GAPS]
)
async def test_completeness(  # one row is one answer
    store: Store,
    rule: str,
    graph: str,
    start: str,
    fields: dict[str, Any],
    reasons: tuple[IncompleteReason, ...],
    unexplored: int,
) -> None:
    placeholders = [unresolved(ref("u"))] if "u" in graph else []
    await write(store, with_ends(links(graph), *placeholders))
    assert (await walk(store, start, **fields)).completeness == Completeness(reasons, unexplored), rule


STAR = "a>z b>z c>z d>a e>a"


@pytest.mark.parametrize(
    ("rule", "fields", "expected", "more"),
    [
        ("first", {"limit": 2}, "a1! b1!", (False, True)),
        ("last", {"limit": 2, "backward": True}, "d2! e2!", (True, False)),
        ("after is exclusive", {"limit": 2, "after": Position(1, ref("b"))}, "c1! d2!", (True, True)),
        ("before is exclusive", {"limit": 2, "before": Position(2, ref("d"))}, "a1! b1!", (False, True)),
        ("before, backward", {"limit": 2, "before": Position(2, ref("d")), "backward": True}, "b1! c1!", (True, True)),
        ("a place that is gone", {"limit": 9, "after": Position(1, ref("bb"))}, "c1! d2! e2!", (True, False)),
        ("past the end", {"limit": 9, "after": Position(2, ref("e"))}, "", (True, False)),
        ("pages do not see what keep hides", {"limit": 1, "keep": among("a")}, "a1!", (False, False)),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
async def test_pages_of_hits(
    store: Store, rule: str, fields: dict[str, Any], expected: str, more: tuple[bool, bool]
) -> None:
    await write(store, with_ends(links(STAR)))
    answer = await walk(store, "z", **fields)
    assert (shown(answer), (answer.more_before, answer.more_after)) == (expected, more), rule
    assert answer.total == (1 if "keep" in fields else 5), "the total does not depend on the page"


async def test_facets_of_a_walk_are_taken_after_keep_and_budget(store: Store) -> None:
    rows = [entity("a", tier=1), entity("b", tier=1), entity("c"), unresolved(ref("d")), entity("e", tier=2)]
    await write(store, with_ends(links("a>z b~z c>z d>a e>d"), *rows))
    answer = await walk(store, "z", facets=("tier", "severity", "source"), budget=4, keep=Not(among("c")), limit=1)
    assert dict(answer.facets) == {
        "tier": Facet("tier", (Bucket("1", 2), Bucket(None, 1)), False),
        "severity": Facet("severity", (Bucket("DOWN", 2), Bucket("DEGRADED", 1)), False),
        "source": Facet("source", (Bucket("files", 2), Bucket(None, 1)), True),
    }


async def test_nothing_is_computed_that_is_not_asked_for(store: Store) -> None:
    await write(store, with_ends(links("a>b")))
    answer = await store.walk(WalkRequest(traversal=traversal("b"), limit=1), deadline=DEADLINE)
    assert [(hit.distance, hit.severity) for hit in answer.hits] == [(1, None)]
    assert (answer.total, dict(answer.facets), answer.completeness) == (None, {}, None)


async def test_via_holds_all_links_between_each_pair_in_walking_order(store: Store) -> None:
    rows = [*links("a>b", environment="prod"), *links("a~b"), *links("a>b", "CONSUMES_API"), *links("b>c")]
    await write(store, with_ends(rows))
    found = await store.via(traversal("c"), refs("a b x"), hard_only=False, deadline=DEADLINE)
    assert found.keys() == set(refs("a b"))
    assert found[ref("a")].refs == tuple(refs("c b a"))
    assert [(step.from_, step.to) for step in found[ref("a")].steps] == [tuple(refs("c b")), tuple(refs("b a"))]
    keys = [(link.key.relation, link.key.environment) for link in found[ref("a")].steps[1].links]
    assert keys == [("CONSUMES_API", None), ("DEPENDS_ON", None), ("DEPENDS_ON", "prod")]


async def test_via_over_hard_links_may_be_longer(store: Store) -> None:
    await write(store, with_ends(links("a~d a>b b>c c>d e~d")))
    hits = refs("a e")
    soft = await store.via(traversal("d"), hits, hard_only=False, deadline=DEADLINE)
    hard = await store.via(traversal("d"), hits, hard_only=True, deadline=DEADLINE)
    assert {ref: path.refs for ref, path in soft.items()} == {
        ref("a"): tuple(refs("d a")),
        ref("e"): tuple(refs("d e")),
    }
    assert {ref: path.refs for ref, path in hard.items()} == {ref("a"): tuple(refs("d c b a"))}


PATHS: list[tuple[str, str, str, dict[str, Any], int, str, bool]] = [
    ("all shortest ones, by their refs", "a>c c>d a>b b>d a>x x>y y>d", "a d", {}, 9, "abd acd", False),
    ("cut", "a>c c>d a>b b>d", "a d", {}, 1, "abd", True),
    ("from is to", "a>b b>a", "a a", {}, 9, "", False),
    ("only along dependencies", "a>b", "b a", {}, 9, "", False),
    ("not beyond the depth", "a>b b>c", "a c", {"max_depth": 1}, 9, "", False),
    ("through holds between the ends", "a>b b>d a>c c>d", "a d", {"through": among("c")}, 9, "acd", False),
    ("link_where holds", "a~b b>d a>c c>d", "a d", {"link_where": HARD}, 9, "acd", False),
    ("a detour around what does not match", "a~d a>b b>d", "a d", {"link_where": HARD}, 9, "abd", False),
]  # fmt: skip  # a table


@pytest.mark.parametrize(
    ("rule", "graph", "ends", "fields", "first", "expected", "more"), PATHS, ids=[row[0] for row in PATHS]
)
async def test_paths(  # one row is one answer
    store: Store, rule: str, graph: str, ends: str, fields: dict[str, Any], first: int, expected: str, more: bool
) -> None:
    await write(store, with_ends(links(graph)))
    from_, to = refs(ends)
    answer = await store.paths(from_, to, traversal(from_, OUT, **fields), first, deadline=DEADLINE)
    found = ["".join(ref[-1] for ref in path.refs) for path in answer.paths]
    assert (found, answer.more) == (expected.split(), more), rule


async def test_parallel_links_are_one_step_of_a_path(store: Store) -> None:
    rows = [*links("a>b", environment="prod"), *links("a~b")]
    await write(store, with_ends(rows))
    answer = await store.paths(ref("a"), ref("b"), traversal("a", OUT), 9, deadline=DEADLINE)
    (neighbours,) = (await store.neighbours(refs("a"), OUT, IMPACT_RELATIONS)).values()
    assert answer.paths == (
        Path(tuple(refs("a b")), (Step(ref("a"), ref("b"), tuple(item.link for item in neighbours)),)),
    )


async def test_paths_stay_cheap_where_there_are_exponentially_many(store: Store) -> None:
    layers = 30
    ladder = " ".join(f"{side}{n:02}>{other}{n + 1:02}" for n in range(layers) for side in "ab" for other in "ab")
    await write(store, with_ends(links(ladder)))
    last = ref(f"b{layers:02}")
    answer = await store.paths(ref("a00"), last, traversal("a00", OUT), 3, deadline=DEADLINE)
    assert answer.more
    start = [f"a{n:02}" for n in range(layers - 2)]
    assert [path.refs for path in answer.paths] == [
        tuple(ref(name) for name in (*start, *end, "b30")) for end in (("a28", "a29"), ("a28", "b29"), ("b28", "a29"))
    ]


CYCLES = [
    ("none in a diamond", "a>b a>c b>d c>d", []),
    ("a self link", "a>a a>b", [("a", "aa")]),
    ("two components, by their first member", "x>y y>x b>c c>b c>x", [("bc", "bcb"), ("xy", "xyx")]),
    ("the shortest one, from its smallest member", "a>b b>c c>a c>d d>c", [("abcd", "cdc")]),
    ("a self link is the shortest", "a>b b>a b>b", [("ab", "bb")]),
]


@pytest.mark.parametrize(("rule", "graph", "expected"), CYCLES, ids=[row[0] for row in CYCLES])
async def test_cycles(store: Store, rule: str, graph: str, expected: list[tuple[str, str]]) -> None:
    await write(store, with_ends([*links(graph), *links(graph, "READS_FROM"), *links("p>q q>p", "PART_OF")]))
    found = await store.cycles(IMPACT_RELATIONS, deadline=DEADLINE)
    assert found == [
        Cycle(tuple(refs(" ".join(members))), tuple(refs(" ".join(path)))) for members, path in expected
    ], rule


async def test_an_answer_that_takes_longer_than_the_deadline_is_an_error(store: Store) -> None:
    await write(store, with_ends(links(CHAIN)))
    request = WalkRequest(traversal=traversal("e"), limit=9, total=True)
    for ask in (
        lambda: store.walk(request, deadline=0),
        lambda: store.via(traversal("e"), refs("a"), hard_only=False, deadline=0),
        lambda: store.paths(ref("a"), ref("e"), traversal("a", OUT), 9, deadline=0),
        lambda: store.cycles(IMPACT_RELATIONS, deadline=0),
    ):
        with pytest.raises(CatalogError) as caught:
            await ask()
        assert caught.value.code is ErrorCode.DEADLINE_EXCEEDED
    assert (await store.walk(request, deadline=DEADLINE)).total == 4
