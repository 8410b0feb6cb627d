"""How much of the past every store keeps; each name is a rule."""

import pytest

from graph_api.catalog.changes import ChangeSet, SyncStatus
from graph_api.catalog.filters import ALL
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.protocol import Store
from graph_api.store.retention import Retention
from tests.catalogs import AT, entity, refs, sync_run, write
from tests.conftest import OpenStore, Run


@pytest.fixture
def few(open_store: OpenStore, run: Run) -> Store:
    """Keeps three runs of each source, and two removals."""
    opened: Store = run(open_store(Retention(runs=3, removed=2)))
    return opened


def at(hour: int) -> str:
    return AT.replace("T00", f"T{hour:02}")


async def ids(store: Store, source: str | None = None) -> str:
    return " ".join(run.id for run in await store.syncs(source, 99))


async def test_the_newest_runs_of_each_source_stay(few: Store) -> None:
    for hour in range(1, 6):
        await write(few, ChangeSet(), id=f"f{hour}", started_at=at(hour))
        await write(few, ChangeSet(), id=f"g{hour}", started_at=at(hour), source="other" if hour < 3 else "more")
    assert await ids(few, "files") == "f5 f4 f3"
    assert await ids(few, "other") == "g2 g1"
    assert await ids(few, "more") == "g5 g4 g3"
    assert [info.last_run.id for info in await few.sources()] == ["f5", "g5", "g2"]


async def test_held_runs_stay_until_they_are_not_held_any_more(few: Store) -> None:
    held = sync_run(id="held", status=SyncStatus.HELD, started_at=at(1), payload=b"snapshot")
    async with few.write() as transaction:
        await transaction.apply(ChangeSet(), held, AT)
    for hour in range(2, 7):
        await write(few, ChangeSet(), id=f"f{hour}", started_at=at(hour), status=SyncStatus.FAILED)
    assert await ids(few) == "f6 f5 f4 held"
    async with few.write() as transaction:
        assert await transaction.run("held") == held
        await transaction.apply(ChangeSet(), sync_run(id="held", started_at=at(1)), AT)
    assert await ids(few) == "f6 f5 f4 held", "what has just been written stays, however old"
    await write(few, ChangeSet(), id="f7", started_at=at(7))
    assert await ids(few) == "f7 f6 f5"


async def test_when_a_source_was_last_seen_outlives_the_run(few: Store) -> None:
    await write(few, ChangeSet(), started_at=at(1), finished_at=at(2))
    for hour in range(3, 9):
        await write(few, ChangeSet(), started_at=at(hour), finished_at=at(hour), status=SyncStatus.FAILED)
    (info,) = await few.sources()
    assert info.last_applied_at == at(2)
    async with few.write() as transaction:
        assert await transaction.last_seen_at("files") == at(2)


async def remove(store: Store, *names: str) -> int:
    return await write(store, ChangeSet(removed=[ref for name in names for ref in refs(name)]))


async def changes(store: Store, since: int, after: tuple[int, Ref] | None = None) -> str:
    found = await store.changes(since, 99, after)
    return " ".join(f"{change.ref[-1]}{change.revision}{change.operation[0]}" for change in found)


async def test_changes_since_before_what_is_remembered_are_refused(few: Store) -> None:
    assert await write(few, ChangeSet(entities=[entity(name) for name in "abcdef"])) == 1
    for number, name in enumerate("abcd", start=2):
        assert await remove(few, name) == number
    assert await changes(few, 3) == "c4R d5R"
    for since in (1, 2):
        with pytest.raises(CatalogError) as refused:
            await changes(few, since)
        assert (refused.value.code, refused.value.details) == (ErrorCode.TOO_OLD, {"horizon": 3})
    assert await changes(few, 0) == "e1C f1C c4R d5R", "from the beginning no earlier removal matters"
    assert await changes(few, 3, (4, refs("c")[0])) == "d5R"


async def test_a_write_never_forgets_its_own_removals(few: Store) -> None:
    await write(few, ChangeSet(entities=[entity(name) for name in "abcdef"]))
    await remove(few, *"abcd")
    assert await changes(few, 1) == "a2R b2R c2R d2R"
    await remove(few, "e")
    assert await changes(few, 2) == "e3R"
    with pytest.raises(CatalogError, match="up to revision 2"):
        await changes(few, 1)


async def test_what_comes_back_after_it_was_forgotten_is_new(few: Store, open_store: OpenStore) -> None:
    other = await open_store()
    await write(few, ChangeSet(entities=[entity(name) for name in "abcdef"]))
    assert await counts(other) == {"component": 6}
    for name in "abcde":
        await remove(few, name)
    assert await write(few, ChangeSet(entities=[entity("a"), entity("z")])) == 7
    assert await changes(few, 4) == "d5R e6R a7C z7C"
    assert await counts(other) == {"component": 3}, "who was behind has caught up"


async def counts(store: Store) -> dict[str | None, int]:
    walked = await store.facets(ALL, ["kind"])
    return {bucket.value: bucket.count for bucket in walked["kind"].buckets}
