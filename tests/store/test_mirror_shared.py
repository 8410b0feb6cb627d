"""The processes of one server share one copy of what is in Neo4j: one makes it, all write to it and read it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import neo4j
import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError, ErrorCode
from graph_api.planning.thread import in_thread
from graph_api.store.embedded.following import Written
from graph_api.store.mirror import mirror
from graph_api.store.mirror.folder import Folder
from graph_api.store.mirror.store import MirroredStore
from graph_api.store.neo4j import deltas
from graph_api.store.neo4j.copied import Copy
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import Store, WriteTransaction
from tests.catalogs import AT, entity, link, links, ref, refs, sync_run, with_ends, write
from tests.conftest import Run, until_current, wipe
from tests.store.test_mirror import A_LOOK, all_mirrored, be_patient_with_neo4j, counted, names

OpenOne = Callable[[], Awaitable[MirroredStore]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def neo4j_store(
    neo4j_driver: neo4j.Driver, neo4j_uri: str, neo4j_auth: tuple[str, str] | None
) -> Callable[[], Neo4jStore]:
    wipe(neo4j_driver)
    user, password = neo4j_auth or (None, None)
    return lambda: Neo4jStore(neo4j_uri, user=user, password=password)


@pytest.fixture
def open_one(
    neo4j_store: Callable[[], Neo4jStore], folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenOne]:
    """A store as one of the processes has it, current."""
    be_patient_with_neo4j(monkeypatch)
    opened: list[MirroredStore] = []

    async def open_() -> MirroredStore:
        opened.append(MirroredStore(neo4j_store(), folder=Folder(folder, lasting=False)))
        await opened[-1].open()
        await until_current(opened[-1])
        return opened[-1]

    yield open_
    for store in opened:
        run(store.close())


@pytest.fixture
def plain(neo4j_store: Callable[[], Neo4jStore], run: Run) -> Iterator[Neo4jStore]:
    """The same database as another server has it."""
    store = neo4j_store()
    run(store.open())
    yield store
    run(store.close())


def copies(folder: Path) -> set[str]:
    """By name; SQLite and the graph have files beside each."""
    return {"-".join(path.name.split("-")[:2]) for path in folder.glob("copy-*")}


async def test_one_makes_it_for_all(open_one: OpenOne, folder: Path) -> None:
    first = await open_one()
    await write(first, with_ends(links("a>b b>c")))
    (made,) = copies(folder)
    second = await open_one()
    assert copies(folder) == {made}

    async with all_mirrored():
        assert await names(first) == await names(second) == ["a", "b", "c"]
        asked = refs("a b"), Direction.OUT, ["DEPENDS_ON"]
        assert await second.neighbour_counts(*asked) == {ref("a"): 1, ref("b"): 1}


async def test_what_one_writes_the_other_need_not_read_from_neo4j(open_one: OpenOne) -> None:
    first, second = await open_one(), await open_one()
    written: list[str] = []
    for number, (writer, reader) in enumerate([(first, second), (second, first)] * 4):
        written.append(f"n{number}")
        await write(writer, ChangeSet(entities=[entity(written[-1])], links=[link(written[-1], "n0")]))
        async with all_mirrored():
            assert await names(writer) == written  # Others may have to look twice until then.
            before = reader._store.round_trips  # its own: the other one may look as well
            await names(reader)
            assert reader._store.round_trips - before <= A_LOOK
            assert await names(reader) == written
        found = await reader.neighbour_counts(refs("n0"), Direction.IN, ["DEPENDS_ON"])
        assert found == {ref("n0"): len(written)}


async def test_what_another_server_writes_both_follow_at_once(open_one: OpenOne, plain: Neo4jStore) -> None:
    stores: list[Store] = [await open_one(), await open_one(), plain]

    async def work(number: int) -> None:
        store = stores[number % 3]
        for turn in range(4):
            name = f"n{number}-{turn}"
            await write(store, ChangeSet(entities=[entity(name)]))
            for reader in stores[:2]:
                assert name in await names(reader)

    before = counted("loads_total", reason="untold")
    await asyncio.gather(*map(work, range(6)))
    async with all_mirrored():
        assert await names(stores[0]) == await names(stores[1]) == await names(plain)
    assert counted("loads_total", reason="untold") == before


async def test_a_copy_that_is_given_up_is_made_anew_once_for_all(
    open_one: OpenOne, neo4j_driver: neo4j.Driver, folder: Path
) -> None:
    first, second = await open_one(), await open_one()
    await write(first, with_ends(links("a>b")))
    before = copies(folder)

    neo4j_driver.execute_query("MATCH (e:Entity {name: 'a'}) SET e.title = 'Changed'")
    for store in (second, first):
        assert (await store.entities(refs("a")))[ref("a")].title == "Changed"
    for store in (first, second):
        await until_current(store)
    async with all_mirrored():
        for store in (first, second):
            assert (await store.entities(refs("a")))[ref("a")].title == "Changed"
    assert len(copies(folder)) == 1
    assert not copies(folder) & before


async def test_one_that_alone_cannot_read_its_copy_makes_a_new_one_that_all_take(
    open_one: OpenOne, folder: Path
) -> None:
    first, second = await open_one(), await open_one()
    await write(first, with_ends(links("a>b")))
    before = copies(folder)

    replica = await first.mirror.newest()
    assert replica
    await replica.store.close()
    assert await names(first) == ["a", "b"]
    await until_current(first)
    (made,) = copies(folder) - before
    async with asyncio.timeout(60):
        while not (taken := await second.mirror.newest()) or taken.name != made:
            assert await names(second) == ["a", "b"]
            await asyncio.sleep(0.05)
    await write(second, ChangeSet(entities=[entity("c")]))
    async with all_mirrored():
        assert await names(first) == await names(second) == ["a", "b", "c"]


async def test_a_write_that_fails_is_seen_by_nobody(open_one: OpenOne) -> None:
    first, second = await open_one(), await open_one()
    await write(first, with_ends(links("a>b")))

    async def fail(transaction: WriteTransaction) -> None:
        await transaction.apply(ChangeSet(entities=[entity("c")]), sync_run(), AT)
        assert [*await transaction.entities(refs("c"))] == refs("c")  # By now it is in the file.
        raise ValueError("in the end")

    async def write_in_vain() -> None:
        async with first.write() as transaction:
            await in_thread(transaction, fail)

    with pytest.raises(ValueError, match="in the end"):
        await write_in_vain()
    async with all_mirrored():
        assert await names(second) == ["a", "b"]
        await write(second, ChangeSet(entities=[entity("d")]))
        assert await names(first) == await names(second) == ["a", "b", "d"]


async def test_a_large_write_of_another_server_makes_all_load_anew(
    open_one: OpenOne, plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await open_one(), await open_one()
    monkeypatch.setattr(deltas, "LARGEST", 3)

    await write(plain, with_ends(links("a>b b>c")))
    for store in (first, second):
        assert await names(store) == ["a", "b", "c"]
        await until_current(store)
    async with all_mirrored():
        assert await names(first) == await names(second) == ["a", "b", "c"]


async def test_while_somebody_else_writes_to_the_copy_neo4j_answers(
    open_one: OpenOne, plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await open_one(), await open_one()
    replica = await second.mirror.newest()
    assert replica
    await write(plain, with_ends(links("a>b")))
    monkeypatch.setattr(mirror, "PATIENCE", 0.1)
    async with replica.writing(5):
        assert await names(first) == ["a", "b"]
        await write(first, ChangeSet(entities=[entity("c")]))
        assert await names(first) == ["a", "b", "c"]
    monkeypatch.setattr(mirror, "PATIENCE", 20.0)
    async with all_mirrored():
        assert await names(first) == await names(second) == ["a", "b", "c"]


async def test_a_plan_that_goes_on_after_its_request_is_gone_writes_nothing(
    open_one: OpenOne, plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cancelled while its thread brings the copy to what the write before has written."""
    first, second = await open_one(), await open_one()
    began, is_over = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    take = Copy._take

    def take_slowly(copy: Copy) -> list[Written]:
        loop.call_soon_threadsafe(began.set)
        is_over.wait(60)
        return take(copy)

    async def put(name: str) -> None:
        async def work(transaction: WriteTransaction) -> None:
            await transaction.entities(refs(f"a {name}"))
            await transaction.apply(ChangeSet(entities=[entity(name)], links=[link(name, "a")]), sync_run(), AT)

        async with first.write(small=True) as transaction:
            await in_thread(transaction, work)

    await write(first, ChangeSet(entities=[entity("a")]))
    for turn in range(5):
        began.clear()
        is_over.clear()
        monkeypatch.setattr(Copy, "_take", take_slowly)
        writing = {name: asyncio.create_task(put(f"{name}{turn}")) for name in ("good", "gone", "later")}
        await began.wait()
        monkeypatch.setattr(Copy, "_take", take)
        writing["gone"].cancel()
        await asyncio.wait([writing["gone"]])
        await asyncio.sleep(0.01 * turn)
        is_over.set()
        await asyncio.gather(writing["good"], writing["later"])
        expected = ["a", *sorted(f"{name}{number}" for name in ("good", "later") for number in range(turn + 1))]
        assert await names(plain) == await names(first) == await names(second) == expected
        assert await plain.revision() == await first.revision() == 1 + 2 * (turn + 1)


async def test_a_copy_that_cannot_be_finished_leaves_nothing(
    neo4j_store: Callable[[], Neo4jStore], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def fail(_store: Neo4jStore) -> int:
        failed.set()
        raise CatalogError(ErrorCode.UNAVAILABLE, "not now")

    monkeypatch.setattr(Neo4jStore, "revision", fail)
    store = MirroredStore(neo4j_store(), folder=Folder(folder, lasting=False))
    await store.open()
    await asyncio.wait_for(failed.wait(), 60)
    await store.close()
    assert copies(folder) == set()


async def test_who_makes_a_copy_keeps_others_from_making_one(folder: Path) -> None:
    order: list[str] = []

    async def take(name: str) -> None:
        async with Folder(folder, lasting=False).turn():
            order.append(name)
            await asyncio.sleep(0.2)
            order.append(name)

    await asyncio.gather(*map(take, "abc"))
    assert sorted(order) == list("aabbcc")
    assert order[::2] == order[1::2]
