"""Many writers and readers at once: writers take turns, readers never see half of a write."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Traversal, WalkRequest
from graph_api.store.protocol import PageRequest, Store
from tests.catalogs import AT, as_planned, entity, link, links, ref, refs, sync_run, with_ends, write
from tests.conftest import OpenStore, on_mirror_too

pytestmark = on_mirror_too

WRITERS = 20
EVERY = PageRequest(filter=ALL, sort=Sort(), limit=100)


async def test_writers_that_add_all_get_a_revision_of_their_own(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    await write(store, ChangeSet(entities=[entity("hub")]))

    async def add(number: int) -> int:
        target = store if number % 2 else other
        return await write(target, ChangeSet(entities=[entity(f"n{number}")], links=[link(f"n{number}", "hub")]))

    revisions = await asyncio.gather(*(add(number) for number in range(WRITERS)))
    assert sorted(revisions) == list(range(2, WRITERS + 2))
    assert await store.neighbour_counts(refs("hub"), Direction.IN, ["DEPENDS_ON"]) == {ref("hub"): WRITERS}
    assert await store.count(ALL) == WRITERS + 1


async def test_writers_that_edit_one_entity_lose_no_edit(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    await write(store, ChangeSet(entities=[entity("a", title="0")]))

    async def increase(number: int) -> None:
        async with (store if number % 2 else other).write() as transaction:
            row = (await transaction.entities(refs("a")))[ref("a")]
            assert row.revision == transaction.revision
            more = replace(row, title=str(int(row.title or "0") + 1))
            await transaction.apply(ChangeSet(entities=[more]), sync_run(revision=row.revision + 1), AT)

    await asyncio.gather(*(increase(number) for number in range(WRITERS)))
    row = (await store.entities(refs("a")))[ref("a")]
    assert (row.title, row.revision, row.created_revision) == (str(WRITERS), WRITERS + 1, 1)


SIDES = ("even", "odd")
CHAIN = links(" ".join(f"n{number}>n{number + 1}" for number in range(9)))


def side(revision: int) -> ChangeSet:
    """The whole catalog as it is at this revision: at odd ones with a further entity that depends on all."""
    rows = [entity(f"n{number}", title=SIDES[revision % 2]) for number in range(10)]
    extra = entity("extra", title="odd")
    keys = [link("extra", f"n{number}") for number in range(10)]
    if revision % 2:
        return ChangeSet(entities=[*rows, extra], links=[*CHAIN, *keys])
    return ChangeSet(entities=rows, removed=[extra.ref], links=CHAIN, removed_links=[row.key for row in keys])


def check_side(revision: int, rows: list[Entity], everything: set[Ref]) -> None:
    assert {row.title for row in rows} == {SIDES[revision % 2]}
    assert {row.ref for row in rows} == everything | ({ref("extra")} if revision % 2 else set())


async def test_readers_never_see_half_of_a_write(store: Store) -> None:
    await write(store, side(1))
    nodes = {ref(f"n{number}") for number in range(10)}
    impact = WalkRequest(traversal=Traversal(start=(ref("n9"),), direction=Direction.IN), limit=100, total=True)
    done = asyncio.Event()

    async def write_both_sides() -> None:
        for revision in range(2, 16):
            assert await write(store, side(revision)) == revision
        done.set()

    async def page() -> None:
        found = await store.page(EVERY)
        check_side(found.revision, list(found.entities), nodes)

    async def walk() -> None:
        answer = await store.walk(impact, deadline=30)
        check_side(answer.revision, [hit.entity for hit in answer.hits], nodes - {ref("n9")})
        assert answer.total == len(answer.hits)

    async def facets() -> None:
        found = (await store.facets(ALL, ["kind"]))["kind"]
        assert [bucket.count for bucket in found.buckets] in ([10], [11])

    async def neighbours() -> None:
        found = await store.neighbours(sorted(nodes), Direction.IN, ["DEPENDS_ON"])
        titles = {item.entity.title for items in found.values() for item in items}
        assert (len(titles), sum(map(len, found.values()))) in ((1, 9), (1, 19))

    async def keep(read: Callable[[], Awaitable[None]]) -> int:
        reads = 0
        while not done.is_set():
            await read()
            await asyncio.sleep(0)  # what is in memory is answered at once
            reads += 1
        return reads

    _, *reads = await asyncio.gather(write_both_sides(), *(keep(read) for read in (page, walk, facets, neighbours)))
    assert all(reads)


async def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    await write(store, ChangeSet(entities=[entity("a")]))
    async with asyncio.timeout(30), store.write() as transaction:
        changes = await as_planned(transaction, with_ends(links("b>a"), entity("a", title="new")))
        await transaction.apply(changes, sync_run(revision=2), AT)
        page = await store.page(EVERY)
        assert [(row.name, row.title) for row in page.entities] == [("a", None)]
        assert await store.revision() == 1


async def test_a_cancelled_writer_writes_nothing_and_gives_up_its_turn(store: Store) -> None:
    applied = asyncio.Event()

    async def never_end() -> None:
        async with store.write() as transaction:
            await transaction.apply(ChangeSet(entities=[entity("a")]), sync_run(revision=1), AT)
            applied.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(never_end())
    await applied.wait()
    waiting = asyncio.create_task(write(store, ChangeSet(entities=[entity("b")])))
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    async with asyncio.timeout(30):
        assert await waiting == 1
    assert [row.name for row in (await store.page(EVERY)).entities] == ["b"]


async def test_a_cancelled_read_leaves_the_store_usable(store: Store) -> None:
    await write(store, ChangeSet(entities=[entity(f"n{number}") for number in range(50)]))
    for _ in range(5):
        reads = [asyncio.create_task(store.page(EVERY)) for _ in range(10)]
        await asyncio.sleep(0)
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
    assert await store.count(ALL) == 50
    assert await write(store, ChangeSet(entities=[entity("last")])) == 2


async def test_many_may_open_one_database_at_once(open_store: OpenStore) -> None:
    stores = await asyncio.gather(*(open_store() for _ in range(5)))
    await write(stores[0], ChangeSet(entities=[entity("a")]))
    assert await asyncio.gather(*(store.count(ALL) for store in stores)) == [1] * 5


async def test_who_asks_for_much_is_answered_beside_a_writer_who_never_pauses(
    store: Store, open_store: OpenStore
) -> None:
    other = await open_store()
    await write(store, ChangeSet(entities=[entity(f"old{number:04}") for number in range(2_000)]))
    done = asyncio.Event()

    async def write_on() -> None:
        number = 0
        while not done.is_set():
            await write(store, ChangeSet(entities=[entity(f"new{number}")]))
            number += 1

    writing = asyncio.create_task(write_on())
    try:
        async with asyncio.timeout(60):
            page = await other.page(PageRequest(filter=ALL, sort=Sort(), limit=3_000))
    finally:
        done.set()
        await writing
    assert len(page.entities) >= 2_000
