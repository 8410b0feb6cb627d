"""Small writes that wait for each other may be committed together: each is one of its own all the same."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from graph_api.access.audit import Attempt, Outcome, Verification
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.ref import Ref
from graph_api.planning.thread import in_thread
from graph_api.store.protocol import PageRequest, Store, WriteTransaction
from tests.catalogs import AT, as_planned, entity, link, ref, refs, sync_run, write
from tests.conftest import OpenStore, on_mirror_too

pytestmark = on_mirror_too

WRITERS = 20
EVERY = PageRequest(filter=ALL, sort=Sort(), limit=100)


class RefusedError(Exception):
    pass


async def put(store: Store, *rows: Entity, links: Sequence[Link] = (), removed: Sequence[Ref] = ()) -> int:
    """With an audit record; the catalog's revision afterwards."""

    async def work(transaction: WriteTransaction) -> int:
        changes = await as_planned(transaction, ChangeSet(entities=rows, links=links, removed=removed))
        run = sync_run(revision=transaction.revision + 1)
        revision = await transaction.apply(changes, run, AT)
        await transaction.record(Attempt(action="put").ended(Outcome.APPLIED, AT, revision=revision))
        return revision

    async with store.write(small=True) as transaction:
        return await in_thread(transaction, work)


async def names(store: Store) -> list[str]:
    return [row.name for row in (await store.page(EVERY)).entities]


async def check_audit(store: Store, records: int) -> None:
    head, found = await store.audit_head(), await store.audit(100)
    assert (head.sequence, len(found)) == (records, records)
    chain = Verification(head)
    assert (chain.breach(found), chain.end()) == (None, None)


async def test_each_has_a_revision_a_run_and_a_record_of_its_own(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    revisions = await asyncio.gather(
        *(put(store if number % 4 else other, entity(f"n{number:02}")) for number in range(WRITERS))
    )
    assert sorted(revisions) == list(range(1, WRITERS + 1))
    assert await names(store) == [f"n{number:02}" for number in range(WRITERS)]
    assert {run.revision for run in await store.syncs(None, 99)} == set(revisions)
    assert [(change.revision, change.ref) for change in await store.changes(0, 99)] == sorted(
        (revision, ref(f"n{number:02}")) for number, revision in enumerate(revisions)
    )
    await check_audit(store, WRITERS)


async def test_each_sees_what_those_before_it_have_written(store: Store) -> None:
    await write(store, ChangeSet(entities=[entity("a", title="0")]))

    async def increase(transaction: WriteTransaction) -> None:
        row = (await transaction.entities(refs("a")))[ref("a")]
        assert row.revision == transaction.revision
        more = replace(row, title=str(int(row.title or "0") + 1))
        await transaction.apply(ChangeSet(entities=[more]), sync_run(revision=row.revision + 1), AT)

    async def take_turn() -> None:
        async with store.write(small=True) as transaction:
            await in_thread(transaction, increase)

    await asyncio.gather(*(take_turn() for _ in range(WRITERS)))
    row = (await store.entities(refs("a")))[ref("a")]
    assert (row.title, row.revision, row.created_revision) == (str(WRITERS), WRITERS + 1, 1)


async def test_what_is_made_moved_and_removed_one_after_the_other_is_as_if_alone(store: Store) -> None:
    await asyncio.gather(
        put(store, entity("a"), entity("b", title="one"), links=[link("a", "b")]),
        put(store, entity("b", title="two"), entity("c"), links=[link("b", "c")]),
        put(store, entity("b", title="three"), links=[link("a", "b", observed_at=AT)]),
        put(store, removed=refs("c")),
        put(store, entity("c", title="again")),
    )
    rows = (await store.page(EVERY)).entities
    assert [(row.name, row.title, row.created_revision, row.revision) for row in rows] == [
        ("a", None, 1, 1),
        ("b", "three", 1, 3),
        ("c", "again", 5, 5),
    ]


async def test_one_that_is_refused_takes_nothing_of_the_others_with_it(store: Store) -> None:
    async def refuse(*, late: bool) -> None:
        async with store.write(small=True) as transaction:
            if late:
                await transaction.apply(ChangeSet(entities=[entity("never")]), sync_run(revision=9), AT)
            raise RefusedError

    answers = await asyncio.gather(
        put(store, entity("a")),
        refuse(late=False),
        put(store, entity("b")),
        refuse(late=True),
        put(store, entity("c")),
        return_exceptions=True,
    )
    assert [*answers[::2]] == [1, 2, 3]
    assert [type(answer) for answer in answers[1::2]] == [RefusedError, RefusedError]
    assert await names(store) == ["a", "b", "c"]
    await check_audit(store, 3)


async def test_one_that_is_cancelled_takes_nothing_of_the_others_with_it(store: Store) -> None:
    begun = asyncio.Event()

    async def never_end() -> None:
        async with store.write(small=True) as transaction:
            await transaction.apply(ChangeSet(entities=[entity("never")]), sync_run(revision=9), AT)
            begun.set()
            await asyncio.Event().wait()

    before = asyncio.create_task(put(store, entity("a")))
    await asyncio.sleep(0)
    endless = asyncio.create_task(never_end())
    await asyncio.sleep(0)
    waiting, behind = (asyncio.create_task(put(store, entity(name))) for name in ("w", "b"))
    await begun.wait()
    waiting.cancel()
    endless.cancel()
    async with asyncio.timeout(30):
        assert (await before, await behind) == (1, 2)
    for cancelled in (waiting, endless):
        with pytest.raises(asyncio.CancelledError):
            await cancelled
    assert await names(store) == ["a", "b"]
    await check_audit(store, 2)


@pytest.mark.parametrize("smaller", [True, False])
async def test_all_others_take_their_turn_between_them(store: Store, *, smaller: bool) -> None:
    async def put_large(name: str) -> int:
        return await write(store, ChangeSet(entities=[entity(f"{name}{number:03}") for number in range(300)]))

    writes = [put(store, entity("a")), put_large("m"), put(store, entity("z")), put_large("n")]
    revisions = await asyncio.gather(*(writes if smaller else reversed(writes)))
    assert revisions == [1, 2, 3, 4]
    assert await store.count(ALL) == 602
