"""What a reader does not see is not there: where it would show beside its own row. Each name is a rule.

The random tests compare every question with a catalog without the hidden entities; these are the rare ones.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.changes import ChangeOperation, ChangeSet
from graph_api.catalog.drift import DriftKind, DriftQuestion
from graph_api.catalog.entity import Evidence, LinkOrigin, Owner, OwnerHow
from graph_api.catalog.filters import ALL, And, Compare, Filter, Not, Op, Related, Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Bucket
from graph_api.store.protocol import PageRequest, Reading, Store
from tests.catalogs import entity, link, links, ref, refs, with_ends, write
from tests.conftest import Run, on_mirror_too

pytestmark = on_mirror_too

IN, OUT = Direction.IN, Direction.OUT
TEAM, SECRET, SYSTEM = Ref("group:default/team"), Ref("group:default/secret"), Ref("system:default/secret")
NOBODY, VIEWER = Visibility(frozenset()), Visibility(frozenset({"role:viewer"}))


def owner(group: Ref, how: OwnerHow = OwnerHow.DECLARED, *through: Ref) -> Owner:
    evidence = Evidence("files", "secret.yaml:1", "2026-01-01T00:00:00.000Z")
    return Owner(ref=group, role="OWNER", primary=True, how=how, through=through, evidence=(evidence,))


async def found(store: Reading, filter_: Filter) -> str:
    """Names of the matching entities."""
    page = await store.page(PageRequest(filter=filter_, sort=Sort(), limit=100))
    assert await store.count(filter_) == len(page.entities)
    return " ".join(row.ref.rpartition("/")[2] for row in page.entities)


async def owned(store: Store) -> Reading:
    rows = [
        entity(SECRET, audience="nobody"),
        entity(SYSTEM, audience="nobody"),
        entity(TEAM),
        entity("a", owners=(owner(SECRET),), systems=(SYSTEM,), repository=SYSTEM),
        entity("b", owners=(owner(SECRET), owner(TEAM))),
        entity("c", owners=(owner(TEAM, OwnerHow.INHERITED, ref("c"), SYSTEM),)),
    ]
    await write(store, with_ends([link("a", SYSTEM, "PART_OF"), link("a", SECRET, "OWNED_BY")], *rows))
    return store.seen_by(NOBODY)


@pytest.mark.parametrize(
    ("condition", "everybody", "restricted"),
    [
        (Compare("owner", Op.EQ, SECRET), "a b", ""),
        (Compare("owner", Op.IN, (SECRET, TEAM)), "a b c", "b c"),
        (Compare("owner", Op.STARTS_WITH, "group:default/s"), "a b", ""),
        (Compare("declared_owner", Op.EQ, SECRET), "a b", ""),
        (And((Compare("kind", Op.EQ, "component"), Compare("owner", Op.EXISTS, True))), "a b c", "b c"),
        (And((Compare("kind", Op.EQ, "component"), Compare("owner", Op.EXISTS, False))), "", "a"),
        (And((Compare("kind", Op.EQ, "component"), Not(Compare("owner", Op.EXISTS, True)))), "", "a"),
        (Compare("system", Op.CONTAINS, "secret"), "a", ""),
        (Related(None, OUT, none=False, filter=ALL), "a", ""),
        (Related("OWNED_BY", OUT, none=False, filter=Compare("name", Op.EQ, "secret")), "a", ""),
        (And((Compare("kind", Op.EQ, "component"), Related("PART_OF", OUT, none=True, filter=ALL))), "b c", "a b c"),
    ],
)
async def test_a_filter_does_not_know_hidden_values_nor_neighbours(
    store: Store, condition: Filter, everybody: str, restricted: str
) -> None:
    reading = await owned(store)
    assert await found(store, condition) == everybody
    assert await found(reading, condition) == restricted


async def test_facets_do_not_name_hidden_owners(store: Store) -> None:
    reading = await owned(store)
    facets = await reading.facets(Compare("kind", Op.EQ, "component"), ["owner", "system"])
    assert facets["owner"].buckets == (Bucket(TEAM, 2), Bucket(None, 1))
    assert facets["system"].buckets == (Bucket(None, 3),)


async def test_an_entity_does_not_name_what_is_hidden(store: Store) -> None:
    rows = await (await owned(store)).entities(refs("a b c"))
    assert (rows[ref("a")].owners, rows[ref("a")].systems, rows[ref("a")].repository) == ((), (), None)
    assert [row.ref for row in rows[ref("b")].owners] == [TEAM]
    assert [(row.through, row.evidence) for row in rows[ref("c")].owners] == [((ref("c"),), ())]


@pytest.mark.parametrize("kind", ["system", "domain", "environment", "repository"])
async def test_nor_where_it_is_the_only_one(store: Store, kind: str) -> None:
    hidden, shown = Ref(f"{kind}:default/hidden"), Ref(f"{kind}:default/shown")
    named: dict[str, Any] = {"repository": hidden} if kind == "repository" else {f"{kind}s": (hidden, shown)}
    await write(store, ChangeSet(entities=[entity(hidden, audience="nobody"), entity(shown), entity("d", **named)]))
    field = next(iter(named))
    row = (await store.seen_by(NOBODY).entities([ref("d")]))[ref("d")]
    assert getattr(row, field) == (None if kind == "repository" else (shown,))
    assert getattr((await store.entities([ref("d")]))[ref("d")], field) == named[field]


async def test_what_one_reader_was_told_is_told_to_no_other(store: Store) -> None:
    reading = await owned(store)
    named = [ref("a"), SECRET]
    for _ in range(2):
        assert list(await store.entities(named)) == named
        assert list(await reading.entities(named)) == [ref("a")]
        for reader, ends in ((store, {SECRET, SYSTEM}), (reading, set[Ref]())):
            around = await reader.neighbours([ref("a")], OUT, ["PART_OF", "OWNED_BY"])
            assert {row.entity.ref for row in around[ref("a")]} == ends


async def test_groups_below_a_hidden_one_are_not_found_through_it(store: Store) -> None:
    groups = [Ref(f"group:default/{name}") for name in "abc"]
    a, b, c = groups
    await write(store, with_ends([link(b, a, "CHILD_OF"), link(c, b, "CHILD_OF")], entity(b, audience="nobody")))
    assert await store.subgroups([a]) == groups
    assert await store.seen_by(NOBODY).subgroups([a]) == [a]
    assert await store.seen_by(NOBODY).subgroups([b]) == [b]


async def test_drift_does_not_know_a_hidden_api(store: Store) -> None:
    api = Ref("api:default/hidden")
    observed = replace(link("a", "b"), origins=(LinkOrigin.OBSERVED,))
    stated = [link("a", api, "CONSUMES_API"), link(api, "b", "PROVIDED_BY")]
    await write(store, with_ends([observed, *stated], entity(api, audience="nobody")))
    question = DriftQuestion(kinds=frozenset({DriftKind.UNDECLARED}), filter=ALL, since="")
    assert await store.drift(question, 10) == []
    assert [row.links[0].key for row in await store.seen_by(NOBODY).drift(question, 10)] == [observed.key]
    assert await store.seen_by(NOBODY).count_drift(question) == 1


async def test_drift_does_not_know_a_hidden_provider(store: Store) -> None:
    api = Ref("api:default/open")
    told = [link("a", api, "CONSUMES_API"), link(api, "p", "PROVIDED_BY")]
    seen = [replace(link("a", end), origins=(LinkOrigin.OBSERVED,)) for end in ("p", "c")]
    await write(store, with_ends([*told, *seen], entity("p", audience="nobody"), entity(api)))
    question = DriftQuestion(kinds=frozenset({DriftKind.UNOBSERVED}), filter=ALL, since="")
    assert await store.drift(question, 10) == []
    assert [row.links[0].key for row in await store.seen_by(NOBODY).drift(question, 10)] == [told[0].key]


async def test_drift_does_not_know_that_a_hidden_entity_was_observed(store: Store) -> None:
    seen = replace(link("hidden", "a"), origins=(LinkOrigin.OBSERVED,))
    await write(store, with_ends([link("a", "b"), seen], entity("hidden", audience="nobody")))
    question = DriftQuestion(kinds=frozenset({DriftKind.UNOBSERVED}), filter=ALL, since="")
    assert len(await store.drift(question, 10)) == 1
    assert await store.seen_by(NOBODY).drift(question, 10) == []


async def test_sources_that_name_a_hidden_owner_do_not_disagree(store: Store) -> None:
    told = [link("a", TEAM, "OWNED_BY"), link("a", SECRET, "OWNED_BY", sources=("api",))]
    await write(store, with_ends(told, entity(SECRET, audience="nobody")))
    question = DriftQuestion(kinds=frozenset({DriftKind.OWNERS}), filter=ALL, since="")
    assert len(await store.drift(question, 10)) == 1
    assert await store.seen_by(NOBODY).drift(question, 10) == []


async def test_a_search_finds_what_is_seen(store: Store) -> None:
    rows = [entity("cart"), entity("cartridge", audience="role:viewer")]
    await write(store, ChangeSet(entities=rows))
    assert await store.search("cart", ALL) == refs("cart cartridge")
    assert await store.seen_by(VIEWER).search("cart", ALL) == refs("cart cartridge")
    assert await store.seen_by(NOBODY).search("cart", ALL) == refs("cart")
    assert await store.seen_by(NOBODY).search("cartridje", ALL) == [], "nor by likeness"


async def test_a_search_ranks_by_nothing_that_hidden_entities_have(store: Store) -> None:
    told = {"one": "rare common", "two": "common common rare", "three": "rare"}
    rows = [entity(name, description=text) for name, text in told.items()]
    await write(store, ChangeSet(entities=rows))
    before = await store.seen_by(NOBODY).search("rare", ALL)
    hidden = [entity(f"h{n}", description="rare " * n, audience="nobody") for n in range(1, 310)]
    await write(store, ChangeSet(entities=hidden))
    assert await store.seen_by(NOBODY).search("rare", ALL) == before == sorted(before)


async def test_a_removed_entity_stays_hidden(store: Store) -> None:
    await write(store, ChangeSet(entities=[entity("a", audience="role:viewer"), entity("b")]))
    await write(store, ChangeSet(removed=refs("a b")))
    told = [[row.ref for row in await store.seen_by(who).changes(0, 10)] for who in (EVERYTHING, VIEWER, NOBODY)]
    assert told == [refs("a b"), refs("a b"), refs("b")]


async def test_what_goes_out_of_sight_is_told_as_removed_to_who_saw_it(store: Store) -> None:
    await write(store, ChangeSet(entities=[entity("a"), entity("b", audience="role:viewer"), entity("c")]))
    await write(store, ChangeSet(entities=[entity("a", audience="role:viewer"), entity("b", audience="nobody")]))

    async def told(who: Visibility, since: int) -> list[tuple[str, str, int]]:
        changes = await store.seen_by(who).changes(since, 10)
        return [(change.ref, change.operation.value, change.revision) for change in changes]

    a, b, c = refs("a b c")
    assert await told(NOBODY, 1) == [(a, "REMOVED", 2)]
    assert await told(VIEWER, 1) == [(a, "UPDATED", 2), (b, "REMOVED", 2)]
    assert await told(EVERYTHING, 0) == [(c, "CREATED", 1), (a, "UPDATED", 2), (b, "UPDATED", 2)]
    await write(store, ChangeSet(entities=[entity("a", title="A", audience="role:viewer")], removed=[b]))
    assert await told(NOBODY, 2) == []
    assert await told(VIEWER, 2) == [(a, "UPDATED", 3)]
    assert await told(EVERYTHING, 1) == [(a, "UPDATED", 3), (b, "REMOVED", 3)]
    await write(store, ChangeSet(entities=[entity("a")]))
    assert await told(NOBODY, 1) == [(a, "UPDATED", 4)]


STEPS = st.tuples(st.sampled_from("abc"), st.sampled_from(["", "role:viewer", "nobody", None]))
"""An entity with an audience, or without it where it goes."""


@settings(max_examples=15)
@given(st.lists(st.lists(STEPS, min_size=1, unique_by=lambda step: step[0]), max_size=6), st.integers(1, 3))
def test_who_follows_the_changes_has_what_it_sees(
    run: Run, store: Store, writes: list[list[tuple[str, str | None]]], at_once: int
) -> None:
    run(_follow(store, writes, at_once))


async def _follow(store: Store, writes: list[list[tuple[str, str | None]]], at_once: int) -> None:
    """As somebody who asks after so many writes."""
    reading = store.seen_by(NOBODY)
    held, revision = set((await found(reading, ALL)).split()), await store.revision()
    for number, steps in enumerate(writes, start=1):
        known = await store.entities(refs("a b c"))
        rows = [
            replace(known.get(ref(name), entity(name)), title=str(number), audience=audience)
            for name, audience in steps
            if audience is not None
        ]
        gone = [ref(name) for name, audience in steps if audience is None and ref(name) in known]
        await write(store, ChangeSet(entities=rows, removed=gone))
        if number % at_once == 0 or number == len(writes):
            for change in await reading.changes(revision, 100):
                name, revision = change.ref.rpartition("/")[2], change.revision
                (held.discard if change.operation is ChangeOperation.REMOVED else held.add)(name)
            assert held == set((await found(reading, ALL)).split())


async def test_a_new_audience_holds_at_once(store: Store) -> None:
    await write(store, ChangeSet(entities=[entity("a"), entity("b", audience="nobody")]))
    assert await found(store.seen_by(VIEWER), ALL) == "a"
    await write(store, ChangeSet(entities=[entity("a", audience="nobody"), entity("b", audience="role:viewer")]))
    assert await found(store.seen_by(VIEWER), ALL) == "b"
    assert await found(store.seen_by(NOBODY), ALL) == ""


async def test_what_is_granted_is_seen_whatever_its_audience(store: Store) -> None:
    await write(store, with_ends(links("a>b b>c"), entity("b", audience="nobody"), entity("c", audience="nobody")))
    reading = store.seen_by(Visibility(frozenset(), frozenset(refs("b"))))
    assert await found(reading, ALL) == "a b"
    assert await reading.neighbour_counts(refs("a b"), OUT, ["DEPENDS_ON"]) == dict(
        zip(refs("a b"), (1, 0), strict=True)
    )


async def test_findings_affect_whoever_owns_what_has_them(store: Store) -> None:
    image, package = Ref("resource:image/i"), Ref("package:pypi/p")
    found, other, told = (Ref(f"vulnerability:default/{name}") for name in ("found", "other", "told"))
    chain = [
        link("a", image, "RUNS_IMAGE"),
        link(image, package, "CONTAINS"),
        link(package, found, "AFFECTED_BY"),
        link("b", other, "AFFECTED_BY"),
        link("a", told, "AFFECTED_BY"),
        link("a", "b", "DEPENDS_ON"),
    ]
    rows = [
        entity("a", owners=(owner(TEAM),)),
        entity("b", owners=(owner(SECRET),)),
        *(entity(name, audience="affected role:security") for name in (found, other)),
        entity(told, audience="role:security"),
    ]
    await write(store, with_ends(chain, *rows))
    assert await store.affecting([TEAM]) == {found}
    assert await store.affecting([TEAM, SECRET]) == {found, other}
    assert await store.affecting([]) == await store.affecting([Ref("group:default/none")]) == set()
