"""Large syncs, here those of more than ten changes: made in parts, and otherwise as any other."""

import asyncio
import zlib
from dataclasses import replace

import pytest

from graph_api.access.audit import LOCAL_SYNC, Attempt
from graph_api.access.authorize import Reach
from graph_api.access.idempotency import Idempotency
from graph_api.catalog.changes import ChangeSet, SyncStatus
from graph_api.catalog.filters import ALL
from graph_api.catalog.merge import Priority, SourceOrder
from graph_api.errors import CatalogError, ErrorCode
from graph_api.idempotency import ReplayedError
from graph_api.large import Sizes
from graph_api.store.protocol import Store
from graph_api.sync import confirm_sync, known_of, sync
from tests.catalogs import link, ref, refs, write
from tests.conftest import OpenStore, on_mirror_too
from tests.store.large import EVERY, ORDER, snapshot, titles

pytestmark = on_mirror_too

SIZES = Sizes(whole=10, part=5)


async def test_it_is_one_change(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    report = await sync(store, snapshot("old"), ORDER, sizes=SIZES)
    assert (report.run.status, report.run.revision, report.run.counts.entities_added) == (SyncStatus.APPLIED, 1, 12)
    await sync(other, snapshot("new"), ORDER, sizes=SIZES)
    for one in (store, other):
        assert await titles(one) == ["new"] * 12
        assert await one.revision() == 2
        assert {change.revision for change in await one.changes(0, 100)} == {2}
        assert [run.revision for run in await one.syncs("many", 10)] == [2, 1]
        (source,) = await one.sources()
        assert (source.entities, source.links) == (12, 11)
        records = await one.audit(10)
        assert [(row.event.revision, row.event.counts) for row in records] == [
            (2, {"entities_changed": 12}),
            (1, {"entities_added": 12, "links_added": 11}),
        ]
    assert (await sync(store, snapshot("new"), ORDER, sizes=SIZES)).run.status is SyncStatus.UNCHANGED


async def test_a_dry_run_leaves_nothing(store: Store) -> None:
    report = await sync(store, snapshot("a"), ORDER, sizes=SIZES, dry_run=True)
    assert (report.run.counts.links_added, len(report.changes.entities)) == (11, 12)
    assert (await store.count(ALL), await store.revision(), await store.sources()) == (0, 0, [])
    assert (await sync(store, snapshot("a", 2), ORDER)).run.revision == 1, "others write as before"


async def test_one_that_is_held_is_confirmed_in_parts(store: Store) -> None:
    await sync(store, snapshot("a", 40), ORDER, sizes=SIZES)
    held = await sync(store, snapshot("a", 2), ORDER, sizes=SIZES)
    assert (held.run.status, await store.count(ALL)) == (SyncStatus.HELD, 40)
    done = await confirm_sync(store, held.run.id, ORDER, sizes=SIZES)
    assert (done.run.status, done.run.revision, await store.revision()) == (SyncStatus.CONFIRMED, 2, 2)
    assert [row.ref for row in (await store.page(EVERY)).entities] == refs("n0000 n0001")
    assert len([change for change in await store.changes(1, 100) if change.operation == "REMOVED"]) == 38


async def test_one_that_another_version_has_held_is_synced_again(store: Store) -> None:
    await write(store, ChangeSet(), id="older", status=SyncStatus.HELD, payload=zlib.compress(b"{}"))
    with pytest.raises(CatalogError, match="sync the source again") as refused:
        await confirm_sync(store, "older", ORDER)
    assert refused.value.code is ErrorCode.CONFLICT


async def test_it_supersedes_one_that_is_held(store: Store) -> None:
    await sync(store, snapshot("a", 40), ORDER, sizes=SIZES)
    held = await sync(store, snapshot("a", 2), ORDER, sizes=SIZES)
    await sync(store, snapshot("b", 40), ORDER, sizes=SIZES)
    statuses = {run.id: run.status for run in await store.syncs("many", 10)}
    assert statuses[held.run.id] is SyncStatus.SUPERSEDED


async def test_it_is_done_once_under_a_key(store: Store) -> None:
    by = replace(LOCAL_SYNC, idempotency=Idempotency("ann\nkey", "digest"))
    report = await sync(store, snapshot("a"), ORDER, by=by, sizes=SIZES)
    with pytest.raises(ReplayedError) as replayed:
        await sync(store, snapshot("a"), ORDER, by=by, sizes=SIZES)
    assert replayed.value.told["run"] == report.told()["run"]
    assert await store.revision() == 1


async def test_who_may_change_only_some_is_refused(store: Store) -> None:
    by = Attempt(action="syncSource", reach=Reach.OWNED)
    with pytest.raises(CatalogError) as refused:
        await sync(store, snapshot("a"), ORDER, by=by, sizes=SIZES)
    assert (refused.value.code, await store.count(ALL)) == (ErrorCode.TOO_LARGE, 0)


async def test_one_that_was_overtaken_writes_nothing(store: Store) -> None:
    known = await known_of(store)
    await sync(store, snapshot("a", 2), ORDER)
    with pytest.raises(CatalogError) as overtaken:
        await sync(store, snapshot("b"), ORDER, known=known, sizes=SIZES)
    assert (overtaken.value.code, await titles(store)) == (ErrorCode.CONFLICT, ["a", "a"])


class Failing(SourceOrder):
    """Who states the owners of what nobody declares is asked late: parts have been written by then."""

    def __call__(self, source: str) -> Priority:
        raise RuntimeError(source)


async def test_one_that_fails_between_its_parts_writes_nothing(store: Store) -> None:
    await sync(store, snapshot("old"), ORDER, sizes=SIZES)
    said = snapshot("new")
    owned = link("n0011-undeclared", "group:default/team", "OWNED_BY").statements["files"][0]
    with pytest.raises(RuntimeError):
        await sync(store, replace(said, links={**said.links, owned.key: owned}), Failing(), sizes=SIZES)
    assert (set(await titles(store)), await store.revision()) == ({"old"}, 1)
    assert (await sync(store, said, ORDER, sizes=SIZES)).run.revision == 2


async def test_readers_see_all_or_nothing(store: Store, open_store: OpenStore) -> None:
    """Or they are told when to ask again."""
    reader = await open_store()
    await sync(store, snapshot("old"), ORDER)
    done = asyncio.Event()

    async def write_sides() -> None:
        for title in ("new", "old", "new"):
            await sync(store, snapshot(title), ORDER, sizes=SIZES)
        done.set()

    async def read() -> None:
        while not done.is_set():
            try:
                answers.append(set(await titles(reader)))
            except CatalogError as error:
                refusals.append((error.code, error.details.get("retryAfter")))
            await asyncio.sleep(0)

    answers: list[set[str | None]] = []
    refusals: list[tuple[ErrorCode, int | None]] = []
    await asyncio.gather(read(), write_sides())
    assert all(len(answer) == 1 for answer in answers)
    assert set(refusals) <= {(ErrorCode.UNAVAILABLE, 5)}
    assert answers
    assert await titles(reader) == ["new"] * 12
    assert ref("n0000") in await reader.entities(refs("n0000"))
