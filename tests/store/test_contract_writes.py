"""What every store does on a write: revisions, removals, runs, and all or nothing; each name is a rule."""

from dataclasses import replace
from typing import Any

import pytest

from graph_api.catalog.changes import Change, ChangeOperation, ChangeSet, Counts, SyncStatus
from graph_api.catalog.entity import Owner, OwnerHow, unresolved
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.catalog.traversal import Traversal, WalkRequest
from graph_api.planning.thread import in_thread
from graph_api.store.lookups import Referenced
from graph_api.store.protocol import PageRequest, Store, WriteTransaction
from tests.catalogs import AT, as_planned, entity, link, links, ref, refs, sync_run, with_ends, write
from tests.conftest import OpenStore

IN, OUT = Direction.IN, Direction.OUT
LATER = "2026-02-01T00:00:00.000Z"
TEAM = Ref("group:default/team")


def entities(names: str) -> ChangeSet:
    return ChangeSet(entities=[entity(name) for name in names.split()])


async def names(store: Store) -> str:
    page = await store.page(PageRequest(filter=ALL, sort=Sort(), limit=100))
    return " ".join(entity.name for entity in page.entities)


async def test_each_write_gets_the_next_revision(store: Store) -> None:
    assert await write(store, entities("a b"), at=AT) == 1
    old = (await store.entities(refs("a")))[ref("a")]
    assert await write(store, ChangeSet(entities=[replace(old, title="A"), entity("c")]), at=LATER) == 2
    assert await store.revision() == 2
    rows = await store.entities(refs("a b c"))
    stamps = [(row.name, row.revision, row.created_revision, row.updated_at) for row in rows.values()]
    assert sorted(stamps) == [("a", 2, 1, LATER), ("b", 1, 1, AT), ("c", 2, 2, LATER)]


async def test_an_empty_write_leaves_a_run_and_no_revision(store: Store) -> None:
    await write(store, entities("a"))
    assert await write(store, ChangeSet(), at=LATER, status=SyncStatus.UNCHANGED) == 1
    assert await store.revision() == 1
    assert [run.status for run in await store.syncs(None, 9)] == [SyncStatus.UNCHANGED, SyncStatus.APPLIED]
    assert (await store.entities(refs("a")))[ref("a")].updated_at == AT


async def test_a_row_is_replaced_as_a_whole(store: Store) -> None:
    full = entity("a", title="A", tier=1, tags=("x",), labels={"k": "v"}, identifiers=("i",), sources=("files", "api"))
    await write(store, with_ends([link("a", "b", properties={"p": 1}, confidence=0.5)], full))
    await write(store, with_ends([link("a", "b")], replace(unresolved(ref("a")), created_revision=1)))
    assert (await store.entities(refs("a")))[ref("a")] == replace(
        unresolved(ref("a")), revision=2, created_revision=1, updated_at=AT
    )
    (neighbour,) = (await store.neighbours(refs("a"), OUT, ["DEPENDS_ON"]))[ref("a")]
    assert neighbour.link == replace(link("a", "b"), revision=2)
    assert await store.resolve(["i"]) == {}


async def test_what_is_removed_is_gone_from_every_answer(store: Store) -> None:
    rows = [*links("a>b b>a c>b"), link("c", "b", environment="prod")]
    await write(store, with_ends(rows, entity("a", identifiers=("i",), title="unique")))
    changes = ChangeSet(removed=refs("a"), removed_links=[row.key for row in rows[:3]])
    assert await write(store, changes) == 2
    assert await names(store) == "b c"
    assert await store.entities(refs("a")) == {}
    assert await store.resolve(["i"]) == {}
    assert await store.search("unique", ALL) == []
    assert await store.cycles(["DEPENDS_ON"], deadline=30) == []
    assert await store.neighbour_counts(refs("b"), OUT, ["DEPENDS_ON"]) == {ref("b"): 0}
    (left,) = (await store.neighbours(refs("b"), IN, ["DEPENDS_ON"]))[ref("b")]
    assert left.link.key == rows[3].key, "a link with another environment is another link"
    walk = WalkRequest(traversal=Traversal(start=(ref("b"),), direction=IN), limit=9)
    assert [hit.entity.name for hit in (await store.walk(walk, deadline=30)).hits] == ["c"]


async def test_changes_tell_the_latest_of_each_entity(store: Store) -> None:
    await write(store, entities("a b c d"), at=AT)
    await write(store, ChangeSet(entities=[replace(entity("b"), created_revision=1)], removed=refs("c d")), at=LATER)
    await write(store, entities("d"), at=LATER)

    async def changes(since: int, limit: int = 9, after: tuple[int, Ref] | None = None) -> str:
        found = await store.changes(since, limit, after)
        return " ".join(f"{change.ref[-1]}{change.revision}{change.operation[0]}" for change in found)

    assert await changes(0) == "a1C b2U c2R d3C"
    assert await changes(1) == "b2U c2R d3C"
    assert await changes(2) == "d3C"
    assert await changes(3) == ""
    assert await changes(0, 2) == "a1C b2U"
    assert await changes(0, 2, (2, ref("b"))) == "c2R d3C"
    assert await store.changes(1, 1) == [Change(ref=ref("b"), operation=ChangeOperation.UPDATED, revision=2, at=LATER)]


PROBLEM = Problem(
    code=ProblemCode.BAD_REF, severity=Severity.WARNING, message="ß", path="a.yaml", line=3, ref=Ref("api:d/a")
)


async def test_a_run_is_read_back_with_its_payload_only_where_asked_for(store: Store) -> None:
    run = sync_run(
        id="held",
        status=SyncStatus.HELD,
        finished_at=LATER,
        counts=Counts(entities_removed=5, links_changed=1),
        problems=(PROBLEM, replace(PROBLEM, line=None, ref=None)),
        message="too much",
        plan_digest="abc",
        payload=b"\x00\xff payload",
    )
    async with store.write() as transaction:
        assert await transaction.apply(ChangeSet(), run, AT) == 0
    bare = replace(run, payload=None)
    assert await store.syncs(None, 9) == [bare]
    assert [info.last_run for info in await store.sources()] == [bare]
    async with store.write() as transaction:
        assert await transaction.run("held") == run
        assert await transaction.run("other") is None
        assert await transaction.held_runs("files") == [bare]
        assert await transaction.held_runs("other") == []
        assert await transaction.last_seen_at("files") is None
        assert await transaction.sources() == ["files"]
        assert [await transaction.connector(name) for name in ("files", "other")] == ["files", None]


async def test_a_run_replaces_the_one_with_its_id(store: Store) -> None:
    held = sync_run(id="one", status=SyncStatus.HELD, payload=b"snapshot", message="too much")
    confirmed = replace(held, status=SyncStatus.CONFIRMED, payload=None, message=None, revision=1)
    async with store.write() as transaction:
        await transaction.apply(ChangeSet(), held, AT)
    async with store.write() as transaction:
        assert await transaction.apply(entities("a"), confirmed, AT) == 1
    assert await store.syncs(None, 9) == [confirmed]
    async with store.write() as transaction:
        assert await transaction.run("one") == confirmed


async def test_runs_are_listed_newest_first_and_page_by_start_and_id(store: Store) -> None:
    starts = {"r1": AT, "r4": LATER, "r2": AT, "r3": LATER}
    for id_, start in starts.items():
        source = "api" if id_ == "r2" else "files"
        await write(store, ChangeSet(), id=id_, started_at=start, source=source)

    async def ids(source: str | None, limit: int, after: tuple[str, str] | None = None) -> str:
        return " ".join(run.id for run in await store.syncs(source, limit, after))

    assert await ids(None, 9) == "r4 r3 r2 r1"
    assert await ids(None, 2) == "r4 r3"
    assert await ids(None, 2, (LATER, "r3")) == "r2 r1"
    assert await ids("files", 9) == "r4 r3 r1"
    assert await ids("files", 1, (LATER, "r3")) == "r1"
    assert await ids("unknown", 9) == ""


async def test_problems_page_over_the_last_run_of_each_source(store: Store) -> None:
    async def fail(source: str, hour: int, *lines: int) -> None:
        found = tuple(replace(PROBLEM, line=line) for line in lines)
        await write(store, ChangeSet(), source=source, problems=found, started_at=AT.replace("T00", f"T{hour:02}"))

    await fail("one", 1, 90, 91)
    await fail("one", 2, *range(12))
    await fail("none", 1)
    await fail("two", 1, 20, 21)

    async def found(source: str | None, limit: int, **range_: Any) -> list[tuple[str, int, int | None]]:
        rows = await store.problems(source, limit, **range_)
        return [(row.source, row.place, row.problem.line) for row in rows]

    every = [*(("one", line, line) for line in range(12)), ("two", 0, 20), ("two", 1, 21)]
    assert await found(None, 99) == every
    assert (await store.problems("two", 9))[0].problem == replace(PROBLEM, line=20)
    assert await found("two", 99) == every[12:]
    assert await found(None, 3) == every[:3]
    assert await found(None, 3, after=("one", 10)) == every[11:]
    assert await found(None, 3, backward=True) == every[-3:]
    assert await found(None, 2, before=("two", 0), backward=True) == every[10:12]
    assert await found(None, 9, after=("one", 8), before=("one", 11)) == every[9:11]
    assert await found(None, 9, after=("nothing", 5)) == every[:9]
    assert await found("unknown", 9) == []
    counts = [await store.count_problems(source) for source in (None, "one", "none", "unknown")]
    assert counts == [14, 12, 0, 0]


async def test_a_source_counts_what_it_states_and_when_that_was_last_seen(store: Store) -> None:
    march, april = "2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z"

    async def sync(id_: str, changes: ChangeSet, at: str, **run_fields: Any) -> None:
        await write(store, changes, id=id_, started_at=at, finished_at=at, **run_fields)

    async def infos() -> list[tuple[str, str, str, str | None, int, int]]:
        found = await store.sources()
        return [
            (info.name, info.connector, info.last_run.id, info.last_applied_at, info.entities, info.links)
            for info in found
        ]

    await sync("r1", entities("a"), AT, counts=Counts(entities_added=5, links_added=3))
    await sync("r2", entities("b"), AT, counts=Counts(entities_added=1), source="api", connector="graphql")
    mixed = Counts(entities_added=1, entities_removed=2, entities_changed=2, links_removed=1)
    await sync("r3", entities("a"), LATER, counts=mixed)
    api = ("api", "graphql", "r2", AT, 1, 0)
    assert await infos() == [api, ("files", "files", "r3", LATER, 4, 2)]

    plan = Counts(entities_removed=3, links_added=9)
    await sync("r4", ChangeSet(), march, counts=plan, status=SyncStatus.HELD)
    assert await infos() == [api, ("files", "files", "r4", LATER, 4, 2)], "a held plan counts nothing"

    held = (await store.syncs("files", 1))[0]
    confirmed = replace(held, status=SyncStatus.CONFIRMED, finished_at=april)
    async with store.write() as transaction:
        await transaction.apply(await as_planned(transaction, entities("a")), confirmed, april)
    assert await infos() == [api, ("files", "files", "r4", april, 1, 11)]


async def test_a_source_that_never_applied_was_never_seen(store: Store) -> None:
    await write(store, ChangeSet(), status=SyncStatus.FAILED, message="no such folder")
    (info,) = await store.sources()
    assert (info.last_applied_at, info.entities, info.links) == (None, 0, 0)


async def test_a_writer_reads_what_keeps_entities_alive(store: Store) -> None:
    inferred = (Owner(ref=TEAM, role="OWNER", primary=True, how=OwnerHow.INFERRED),)
    declared = (Owner(ref=TEAM, role="OWNER", primary=True, how=OwnerHow.DECLARED),)
    repository = Ref("repository:default/shop")
    rows = [
        entity("a", owners=inferred, repository=repository),
        entity("b", owners=inferred * 2),
        entity("c", owners=declared),
        unresolved(TEAM),
        entity("repository:default/other"),
    ]
    await write(store, with_ends([*links("a>b c>b"), link("c", "c"), link("c", TEAM, "OWNED_BY")], *rows))
    async with store.write() as transaction:
        assert await transaction.referenced([TEAM, *refs("b c nowhere")]) == {
            TEAM: Referenced(links=1, inferred=2),
            ref("b"): Referenced(links=2, inferred=0),
            ref("c"): Referenced(links=3, inferred=0),
            ref("nowhere"): Referenced(links=0, inferred=0),
        }
        assert await transaction.in_repositories([repository]) == refs("a")
        assert await transaction.in_repositories(None) == refs("a repository:default/other")
        assert await transaction.in_repositories([Ref("repository:default/other")]) == []


async def test_a_transaction_may_apply_twice(store: Store) -> None:
    await write(store, ChangeSet(), id="old", status=SyncStatus.HELD)
    async with store.write() as transaction:
        (old,) = await transaction.held_runs("files")
        superseded = replace(old, status=SyncStatus.SUPERSEDED)
        assert await transaction.apply(ChangeSet(), superseded, AT) == 0
        assert await transaction.apply(entities("a"), sync_run(id="new", started_at=LATER, revision=1), LATER) == 1
    assert [(run.id, run.status) for run in await store.syncs("files", 9)] == [
        ("new", SyncStatus.APPLIED),
        ("old", SyncStatus.SUPERSEDED),
    ]


async def test_a_body_that_raises_writes_nothing(store: Store) -> None:
    await write(store, entities("a"))

    async def fail() -> None:
        async with store.write() as transaction:
            changes = await as_planned(transaction, with_ends(links("b>a")))
            assert await transaction.apply(changes, sync_run(), LATER) == 2
            raise LookupError("the body fails")

    await _check_nothing_is_written(store, fail, LookupError)


async def test_an_apply_that_raises_writes_nothing(store: Store) -> None:
    await write(store, entities("a"))

    async def fail() -> None:
        unwritable = link("b", "a", properties={"text": object()})
        async with store.write() as transaction:
            changes = await as_planned(transaction, with_ends([*links("c>a"), unwritable]))
            await transaction.apply(changes, sync_run(), LATER)

    await _check_nothing_is_written(store, fail, TypeError)


async def _check_nothing_is_written(store: Store, fail: Any, error: type[Exception]) -> None:
    before = (await store.changes(0, 99), await store.syncs(None, 99), await store.sources())
    with pytest.raises(error):
        await fail()
    assert await store.revision() == 1
    assert (await store.changes(0, 99), await store.syncs(None, 99), await store.sources()) == before
    assert await names(store) == "a"
    assert await store.neighbour_counts(refs("a"), IN, ["DEPENDS_ON"]) == {ref("a"): 0}
    assert await store.search("b", ALL) == []
    assert await write(store, entities("d")) == 2, "the next writer gets its turn"


async def test_a_transaction_that_applies_nothing_changes_nothing(store: Store) -> None:
    await write(store, entities("a"))
    async with store.write() as transaction:
        assert transaction.revision == 1
    assert (await store.revision(), len(await store.syncs(None, 9))) == (1, 1)


async def test_a_further_store_on_the_database_sees_every_write_at_once(store: Store, open_store: OpenStore) -> None:
    await write(store, with_ends(links("a>b")))
    other = await open_store()
    assert await names(other) == "a b"
    walk = WalkRequest(traversal=Traversal(start=(ref("b"),), direction=IN), total=True)
    for number in range(3):
        assert await write(store, with_ends(links(f"n{number}>b"), entity("b"))) == 2 * number + 2
        assert (await other.walk(walk, deadline=30)).total == 2 * number + 2
        assert await write(other, with_ends(links(f"m{number}>b"), entity("b"))) == 2 * number + 3
        assert (await store.walk(walk, deadline=30)).total == 2 * number + 3


async def test_what_a_plan_has_read_is_read_anew_once_it_has_written(store: Store) -> None:
    await write(store, with_ends([link("a", "b")]))
    gone = link("a", "b").key

    async def work(transaction: WriteTransaction) -> None:
        async def look() -> tuple[Any, ...]:
            found = await transaction.entities(refs("a c"))
            named = await transaction.resolve(["i"])
            return sorted(found), named, [link.key for link in (await transaction.links([gone])).values()]

        before = await look()
        assert before == await look() == ([ref("a")], {}, [gone])
        changes = ChangeSet(entities=[entity("c", identifiers=("i",))], removed_links=[gone])
        await transaction.apply(changes, sync_run(revision=2), AT)
        assert await look() == ([ref("a"), ref("c")], {"i": [ref("c")]}, [])

    async with store.write() as transaction:
        await in_thread(transaction, work)
