"""What several sources tell of one thing becomes one entity, whatever the order of syncs; and comes apart again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.catalog.changes import SyncStatus
from graph_api.catalog.correlation import Rules, Stated, correlate
from graph_api.catalog.entity import Criticality, EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.former_refs import FORMER_REFS
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import Ref, split_ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.snapshot import Snapshot
from graph_api.store.protocol import PageRequest, Store
from graph_api.sync import confirm_sync, sync
from tests.conftest import Run

SOURCES = ("x", "y", "z")
ORDER = SourceOrder(("y",))
REFS = [Ref(f"component:default/{name}") for name in "abcde"]
ORDERS = [
    ORDER,
    SourceOrder(("z",)),
    SourceOrder(("y",), Rules(separate=frozenset({frozenset(REFS[:2]), frozenset(REFS[1:3])}))),
]
NOTHING: Mapping[Ref, Collection[Ref]] = {}
NAMES = ["image:p", "image:q", "service.name:r", "service.name:s", "arn:t", "plain"]


def entity(ref: Ref, identifiers: list[str], former: Collection[Ref] = ()) -> EntityStatement:
    return EntityStatement(
        ref=ref,
        name=split_ref(ref).name,
        kind="Component",
        document="d",
        location="d:1",
        annotations={FORMER_REFS: ", ".join(former)} if former else {},
        identifiers=tuple(sorted({*identifiers, *former})),
    )


def link(source: Ref, target: Ref) -> LinkStatement:
    return LinkStatement(key=LinkKey(source, "DEPENDS_ON", target, None), document="d", location="d:2")


@st.composite
def snapshots(draw: st.DrawFn, source: str) -> Snapshot:
    said = draw(st.dictionaries(st.sampled_from(REFS), st.lists(st.sampled_from(NAMES), max_size=2), max_size=4))
    ends = st.sampled_from(sorted(said) or REFS)
    pairs = draw(st.sets(st.tuples(ends, st.sampled_from(REFS)), max_size=3))
    return _snapshot(source, said, pairs)


@st.composite
def fans(draw: st.DrawFn, source: str) -> Snapshot:
    """Many links leave few things, and things share names: links of one source become one, and come apart."""
    named = draw(st.dictionaries(st.sampled_from(NAMES[::2]), st.sampled_from(REFS), max_size=3))
    said = {ref: [name for name in named if named[name] == ref] for ref in named.values()}
    ends = st.sampled_from(sorted(said) or REFS)
    fan = draw(st.dictionaries(ends, st.sets(st.sampled_from(REFS), max_size=4), max_size=2))
    return _snapshot(source, said, {(start, end) for start, found in fan.items() for end in found})


@st.composite
def renamings(draw: st.DrawFn, source: str) -> Snapshot:
    """Few things that had several refs, which some of them have still, and many links to any of these."""
    former = draw(st.dictionaries(st.sampled_from(REFS), st.sets(st.sampled_from(REFS), max_size=2), max_size=3))
    said = {ref: draw(st.lists(st.sampled_from(NAMES[:2]), max_size=1)) for ref in former}
    ends = st.sampled_from(REFS)
    return _snapshot(source, said, draw(st.sets(st.tuples(ends, ends), max_size=4)), former)


def _snapshot(
    source: str,
    said: Mapping[Ref, list[str]],
    pairs: Collection[tuple[Ref, Ref]],
    former: Mapping[Ref, Collection[Ref]] = NOTHING,
) -> Snapshot:
    return Snapshot(
        source=source,
        connector="test",
        entities={ref: entity(ref, names, sorted(former.get(ref, ()))) for ref, names in sorted(said.items())},
        links={row.key: row for row in (link(*pair) for pair in sorted(pairs))},
    )


def runs(drawn: Callable[[str], st.SearchStrategy[Snapshot]]) -> st.SearchStrategy[list[tuple[Snapshot, SourceOrder]]]:
    run = st.tuples(st.sampled_from(SOURCES).flatmap(drawn), st.sampled_from(ORDERS))
    return st.lists(run, min_size=1, max_size=6)


@settings(max_examples=40)
@given(runs=runs(snapshots))
def test_the_catalog_depends_on_what_is_said_alone(
    store: Store, run: Run, runs: list[tuple[Snapshot, SourceOrder]]
) -> None:
    run(_check(store, runs))


@given(runs=runs(fans))
def test_links_that_become_one_come_apart_again(
    store: Store, run: Run, runs: list[tuple[Snapshot, SourceOrder]]
) -> None:
    run(_check(store, runs))


@settings(max_examples=60)
@given(runs=runs(renamings))
def test_what_names_a_former_ref_leads_to_what_alone_had_it(
    store: Store, run: Run, runs: list[tuple[Snapshot, SourceOrder]]
) -> None:
    run(_check(store, runs))


async def _check(store: Store, runs: Sequence[tuple[Snapshot, SourceOrder]]) -> None:
    for source in SOURCES:
        await _sync(store, Snapshot(source=source, connector="test"))
    latest: dict[str, Snapshot] = {}
    for snapshot, order in runs:
        await _sync(store, snapshot, order)
        latest[snapshot.source] = snapshot
        assert await _found(store, order) == _expected(latest, order)


async def _sync(store: Store, snapshot: Snapshot, order: SourceOrder = ORDER) -> None:
    report = await sync(store, snapshot, order)
    if report.run.status is SyncStatus.HELD:
        await confirm_sync(store, report.run.id, order)


def _expected(latest: Mapping[str, Snapshot], order: SourceOrder) -> dict[str, object]:
    said = {Stated(s.source, ref): row for s in latest.values() for ref, row in s.entities.items()}
    place: dict[str, str] = {}
    for group in correlate({stated: row.identifiers for stated, row in said.items()}, order.rules):
        first = min((order(stated.source), stated.ref) for stated in said if stated.ref in group)[1]
        place |= dict.fromkeys(group, first)
    for ref in set(REFS) - place.keys():
        claiming = {place[row.ref] for row in said.values() if ref in _former(row)}
        if len(claiming) == 1:
            place[ref] = claiming.pop()
    entities: dict[str, dict[str, str]] = {}
    for stated in said:
        entities.setdefault(place[stated.ref], {})[stated.source] = stated.ref
    links: dict[tuple[str, str], dict[str, list[LinkKey]]] = {}
    for snapshot in latest.values():
        for key in sorted(snapshot.links):
            ends = place.get(key.source, key.source), place.get(key.target, key.target)
            links.setdefault(ends, {}).setdefault(snapshot.source, []).append(key)
            for end in ends:
                entities.setdefault(end, {})
    return {"entities": entities, "links": links}


def _former(said: EntityStatement) -> list[str]:
    return said.annotations.get(FORMER_REFS, "").split(", ")


async def _found(store: Store, order: SourceOrder) -> dict[str, object]:
    rows = (await store.page(PageRequest(filter=ALL, sort=Sort("ref"), limit=100))).entities
    entities = {row.ref: {source: said.ref for source, said in row.statements.items()} for row in rows}
    neighbours = await store.neighbours([row.ref for row in rows], Direction.OUT, ("DEPENDS_ON",))
    found = [item.link for near in neighbours.values() for item in near]
    links = {
        (row.key.source, row.key.target): {source: [one.key for one in said] for source, said in row.statements.items()}
        for row in found
    }
    for statements in (*(row.statements for row in rows), *(row.statements for row in found)):
        assert list(statements) == sorted(statements, key=order)
    return {"entities": entities, "links": links}


def test_a_link_whose_one_end_is_joined_later_keeps_the_other_where_it_stands(store: Store, run: Run) -> None:
    a, b, c, d = REFS[:4]
    seen = Snapshot(
        source="x",
        connector="test",
        entities={b: entity(b, ["image:p"]), d: entity(d, ["image:q"])},
        links={link(b, d).key: link(b, d)},
    )
    declared = Snapshot(source="y", connector="test", entities={a: entity(a, ["image:p"]), c: entity(c, ["arn:t"])})
    between = Snapshot(source="z", connector="test", entities={REFS[4]: entity(REFS[4], ["arn:t", "image:q"])})
    run(_check(store, [(snapshot, ORDER) for snapshot in (declared, seen, between)]))


def test_two_links_of_a_source_are_one_while_their_ends_are(store: Store, run: Run) -> None:
    a, b, c, d = REFS[:4]
    hard = replace(link(a, c), criticality=Criticality.HARD)
    soft = replace(link(a, d), criticality=Criticality.SOFT)
    joining = Snapshot(source="y", connector="test", entities={b: entity(b, ["image:p", "image:q"])})
    apart = replace(joining, entities={b: entity(b, ["image:p"])})
    ends = [
        Snapshot(source="w", connector="test", entities={c: entity(c, ["image:p"])}),
        Snapshot(source="z", connector="test", entities={d: entity(d, ["image:q"])}),
    ]
    both = Snapshot(source="x", connector="test", entities={a: entity(a, [])}, links={soft.key: soft, hard.key: hard})

    async def needs(*snapshots: Snapshot) -> dict[Ref, Criticality]:
        for snapshot in snapshots:
            await _sync(store, snapshot)
        found = await store.neighbours([a], Direction.OUT, ("DEPENDS_ON",))
        return {item.entity.ref: item.link.criticality for item in found[a]}

    async def check() -> None:
        assert await needs(joining, *ends, both) == {b: Criticality.HARD}, "the first by what was said"
        assert await needs(apart) == {b: Criticality.HARD, d: Criticality.SOFT}
        assert await needs(joining) == {b: Criticality.HARD}
        assert await needs(replace(both, links={soft.key: soft})) == {b: Criticality.SOFT}

    run(check())
