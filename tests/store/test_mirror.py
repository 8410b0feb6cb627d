"""The mirror of Neo4j: it answers what it surely knows, whoever writes, and notices what it cannot know."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import neo4j
import pytest

from graph_api.app import store_to_serve
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError, ErrorCode
from graph_api.planning.thread import in_thread
from graph_api.settings import Settings
from graph_api.store.mirror import mirror
from graph_api.store.mirror.mirror import State
from graph_api.store.mirror.store import MirroredStore
from graph_api.store.neo4j import cypher_small, database, deltas
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import PageRequest, Store, WriteTransaction
from graph_api.store.revisions import noting_revisions
from graph_api.telemetry.metrics import REGISTRY
from tests.catalogs import AT, entity, link, links, ref, refs, sync_run, with_ends, write
from tests.conftest import OpenStore, Run, until_current
from tests.lines import Cuttable, Line

A_LOOK = 2
"""Statements of a question that the copy answers, and of the look that its mirror may take meanwhile."""
PAGE = PageRequest(filter=ALL, sort=Sort("name"), limit=100)

pytestmark = pytest.mark.parametrize("open_store", ["mirror"], indirect=True)


@pytest.fixture
def mirrored(store: Store) -> MirroredStore:
    assert isinstance(store, MirroredStore)
    return store


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements that are new to Neo4j take longer than a question waits, and a busy Neo4j longer to open its gate."""
    be_patient_with_neo4j(monkeypatch)


def be_patient_with_neo4j(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mirror, "PATIENCE", 20.0)
    patch.setattr(database, "GATE_STUCK", 20.0)


@pytest.fixture
def plain(
    neo4j_uri: str,
    neo4j_auth: tuple[str, str] | None,
    mirrored: MirroredStore,  # noqa: ARG001 - it empties the database
    run: Run,
) -> Iterator[Neo4jStore]:
    """The same database without a mirror."""
    user, password = neo4j_auth or (None, None)
    store = Neo4jStore(neo4j_uri, user=user, password=password)
    run(store.open())
    yield store
    run(store.close())


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"graph_api_mirror_{name}", labels) or 0.0


@asynccontextmanager
async def all_mirrored() -> AsyncIterator[None]:
    """No question inside is answered by Neo4j."""
    before = counted("answers_total", by="neo4j")
    yield
    assert counted("answers_total", by="neo4j") == before


async def names(store: Store) -> list[str]:
    return [row.name for row in (await store.page(PAGE)).entities]


async def test_a_process_reads_its_own_writes_and_those_of_others(
    mirrored: MirroredStore, open_store: OpenStore, plain: Neo4jStore
) -> None:
    other = await open_store()
    written: list[str] = []
    async with all_mirrored():
        for number, store in enumerate([mirrored, other, plain] * 3):
            written.append(f"n{number}")
            revision = await write(store, ChangeSet(entities=[entity(written[-1])]))
            for reader in (mirrored, other):
                assert await names(reader) == written
                assert await reader.revision() == revision


async def test_its_answers_are_of_the_revision_that_the_database_has(
    mirrored: MirroredStore, plain: Neo4jStore
) -> None:
    await write(mirrored, ChangeSet(entities=[entity("a")]))
    await write(plain, ChangeSet(entities=[entity("b")]))
    async with all_mirrored():
        with noting_revisions() as noted:
            assert await names(mirrored) == ["a", "b"]
            await mirrored.entities(refs("a"))
    assert noted == {await plain.revision()}


async def test_removals_and_what_comes_back_are_followed(mirrored: MirroredStore, plain: Neo4jStore) -> None:
    await write(plain, with_ends(links("a>b b>c a~c")))
    async with all_mirrored():
        assert await mirrored.neighbour_counts(refs("a"), Direction.OUT, ["DEPENDS_ON"]) == {ref("a"): 2}
        gone = links("a>b b>c")
        await write(plain, ChangeSet(removed=refs("b"), removed_links=[row.key for row in gone]))
        assert await names(mirrored) == ["a", "c"]
        await write(plain, ChangeSet(entities=[entity("b", title="Again")], links=[link("b", "c")]))
        assert (await mirrored.entities(refs("b")))[ref("b")].title == "Again"
        assert await mirrored.neighbour_counts(refs("a b"), Direction.OUT, ["DEPENDS_ON"]) == {ref("a"): 1, ref("b"): 1}


async def test_writes_of_many_at_once_are_told_from_foreign_ones(
    mirrored: MirroredStore, open_store: OpenStore, plain: Neo4jStore, caplog: pytest.LogCaptureFixture
) -> None:
    stores = [mirrored, await open_store(), plain]

    async def work(number: int) -> None:
        store = stores[number % 3]
        for turn in range(4):
            await write(store, ChangeSet(entities=[entity(f"n{number}-{turn}")]))
            await store.lease(f"lease-{number % 2}", f"holder-{number}", 0.01)
            assert f"n{number}-{turn}" in await names(mirrored)

    with caplog.at_level(logging.WARNING):
        await asyncio.gather(*map(work, range(6)))
        await asyncio.sleep(0.2)
    assert len(await names(mirrored)) == 24
    assert caplog.messages == []
    async with all_mirrored():
        await names(mirrored)


async def test_what_others_write_into_the_database_is_noticed_at_once(
    mirrored: MirroredStore, neo4j_driver: neo4j.Driver, caplog: pytest.LogCaptureFixture
) -> None:
    await write(mirrored, with_ends(links("a>b")))
    loads = counted("loads_total", reason="foreign")
    assert await names(mirrored) == ["a", "b"]
    with caplog.at_level(logging.WARNING):
        neo4j_driver.execute_query("MATCH (e:Entity {name: 'a'}) SET e.title = 'Changed'")
        assert (await mirrored.entities(refs("a")))[ref("a")].title == "Changed"
        await until_current(mirrored)
    assert (await mirrored.entities(refs("a")))[ref("a")].title == "Changed"
    assert counted("loads_total", reason="foreign") == loads + 1
    assert any("somebody else than graph-api" in message for message in caplog.messages)


async def test_a_large_write_makes_it_load_anew(
    mirrored: MirroredStore, plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deltas, "LARGEST", 3)
    loads = counted("loads_total", reason="untold")
    await write(plain, with_ends(links("a>b b>c")))
    assert await names(mirrored) == ["a", "b", "c"]
    await until_current(mirrored)
    async with all_mirrored():
        assert await names(mirrored) == ["a", "b", "c"]
        page = await mirrored.page(PageRequest(filter=ALL, sort=Sort("name"), limit=1))
        assert page.revision == await plain.revision()
    assert counted("loads_total", reason="untold") == loads + 1


async def test_a_write_of_a_version_that_leaves_no_delta(
    mirrored: MirroredStore, plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = cypher_small.WRITE.replace("MERGE (d:Delta {revision: row.revision}) SET d = row", "")
    monkeypatch.setattr(cypher_small, "WRITE", text)
    await write(plain, ChangeSet(entities=[entity("a")]))
    assert await names(mirrored) == ["a"]
    monkeypatch.undo()
    await write(plain, ChangeSet(entities=[entity("b")]))
    await until_current(mirrored)
    async with all_mirrored():
        assert await names(mirrored) == ["a", "b"]


async def test_another_catalog_in_the_database_is_noticed(mirrored: MirroredStore, plain: Neo4jStore) -> None:
    await write(mirrored, ChangeSet(entities=[entity("before")]))
    batches = [batch async for batch in plain.dump()]
    await write(mirrored, ChangeSet(entities=[entity("later")]))
    assert await names(mirrored) == ["before", "later"]
    async with plain.restore(replace=True) as restoring:
        for batch in batches:
            await restoring.add(batch)
    assert await names(mirrored) == ["before"]
    await until_current(mirrored)
    assert await names(mirrored) == ["before"]


async def test_it_is_loaded_beside_a_writer(mirrored: MirroredStore, open_store: OpenStore, plain: Neo4jStore) -> None:
    await write(mirrored, ChangeSet(entities=[entity(f"old{number:03}") for number in range(100)]))
    done = asyncio.Event()

    async def write_on() -> int:
        # Not without an end: where a write takes all the time there is, the newest is never there to be seen.
        for number in range(300):
            rows = ChangeSet(entities=[entity(f"n{number}")], links=[link(f"n{number}", "old007")])
            await write(plain, rows)
            if done.is_set():
                break
        return number + 1

    writing = asyncio.create_task(write_on())
    other = await open_store()
    done.set()
    count = await writing
    assert await other.count(ALL) == 100 + count == await plain.count(ALL)
    asked = refs("old007"), Direction.IN, ["DEPENDS_ON"]
    async with all_mirrored():
        assert await other.neighbours(*asked) == await plain.neighbours(*asked)


def settings(uri: str, auth: tuple[str, str] | None, **chosen: object) -> Settings:
    user, password = auth or ("neo4j", None)
    return Settings.model_validate({"store": uri, "neo4j_user": user, "neo4j_password": password, **chosen})


async def asked_with(settings: Settings, question: Callable[[Store], Awaitable[None]]) -> None:
    store = store_to_serve(settings)
    await store.open()
    try:
        await question(store)
    finally:
        await store.close()


async def test_a_catalog_that_is_too_large_is_answered_by_neo4j(
    mirrored: MirroredStore, neo4j_uri: str, neo4j_auth: tuple[str, str] | None
) -> None:
    await write(mirrored, with_ends(links("a>b")))

    async def question(store: Store) -> None:
        assert isinstance(store, MirroredStore)
        async with asyncio.timeout(60):
            while store.mirror.state is not State.TOO_LARGE:  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0.01)
        assert await names(store) == ["a", "b"]
        assert await store.mirror.newest() is None

    await asked_with(settings(neo4j_uri, neo4j_auth, mirror_max_entities=1), question)


async def test_it_can_be_switched_off(
    mirrored: MirroredStore, neo4j_uri: str, neo4j_auth: tuple[str, str] | None
) -> None:
    await write(mirrored, with_ends(links("a>b")))

    async def question(store: Store) -> None:
        assert isinstance(store, Neo4jStore)
        assert await names(store) == ["a", "b"]

    await asked_with(settings(neo4j_uri, neo4j_auth, mirror="off"), question)


async def test_nothing_is_answered_while_neo4j_does_not_answer(
    mirrored: MirroredStore, neo4j_uri: str, neo4j_auth: tuple[str, str] | None
) -> None:
    address = urlsplit(neo4j_uri)
    line = Cuttable(address.hostname or "127.0.0.1", address.port or 7687)
    await write(mirrored, with_ends(links("a>b")))

    async def question(store: Store) -> None:
        assert isinstance(store, MirroredStore)
        await until_current(store)
        assert await names(store) == ["a", "b"]
        line.set(Line.DOWN)
        with pytest.raises(CatalogError) as caught:
            await names(store)
        assert caught.value.code is ErrorCode.UNAVAILABLE
        await write(mirrored, ChangeSet(entities=[entity("c")]))
        line.set(Line.UP)
        async with all_mirrored():
            assert await names(store) == ["a", "b", "c"]

    async with line.listening():
        await asked_with(settings(f"bolt://127.0.0.1:{line.port}", neo4j_auth), question)


async def test_a_copy_that_cannot_be_read_is_made_anew(mirrored: MirroredStore) -> None:
    await write(mirrored, with_ends(links("a>b")))
    replica = await mirrored.mirror.newest()
    assert replica
    await replica.store.close()
    assert await names(mirrored) == ["a", "b"]
    await until_current(mirrored)
    async with all_mirrored():
        assert await names(mirrored) == ["a", "b"]


async def test_a_write_is_in_the_copy_before_anybody_asks(mirrored: MirroredStore, plain: Neo4jStore) -> None:
    await write(plain, with_ends(links("a>b")))
    await names(mirrored)
    for turn in range(5):
        await write(mirrored, ChangeSet(entities=[entity(f"c{turn}")]))
        assert await statements(lambda: names(mirrored)) <= A_LOOK
    assert await names(mirrored) == ["a", "b", *(f"c{turn}" for turn in range(5))]


async def test_a_write_asks_neo4j_as_often_however_large_it_is(mirrored: MirroredStore, plain: Neo4jStore) -> None:
    await write(plain, with_ends(links("a>b b>c a~c")))
    await names(mirrored)

    async def put(*names: str) -> None:
        changes = ChangeSet(entities=[entity(name) for name in names], links=[link(name, "a") for name in names])
        await write(mirrored, changes)

    few = await statements(lambda: put("d"))
    many = await statements(lambda: put(*(f"n{number}" for number in range(50))))
    assert many <= few + A_LOOK
    assert few <= 10


async def test_a_write_that_fails_leaves_the_copy_as_it_was(mirrored: MirroredStore, plain: Neo4jStore) -> None:
    await write(plain, with_ends(links("a>b")))
    await names(mirrored)

    async def work(transaction: WriteTransaction) -> None:
        await transaction.apply(ChangeSet(entities=[entity("c")]), sync_run(), AT)
        assert [*await transaction.entities(refs("c"))] == refs("c")
        raise ValueError("in the end")

    with pytest.raises(ValueError, match="in the end"):
        async with mirrored.write() as transaction:
            await in_thread(transaction, work)
    async with all_mirrored():
        assert await names(mirrored) == ["a", "b"]
        await write(mirrored, ChangeSet(entities=[entity("d")]))
        assert await names(mirrored) == ["a", "b", "d"]


async def statements(work: Callable[[], Awaitable[object]]) -> float:
    """How many were sent meanwhile."""
    before = REGISTRY.get_sample_value("graph_api_database_round_trips_total") or 0.0
    await work()
    return (REGISTRY.get_sample_value("graph_api_database_round_trips_total") or 0.0) - before


async def test_a_constraint_that_is_gone_stops_writers(mirrored: MirroredStore, neo4j_driver: neo4j.Driver) -> None:
    await write(mirrored, ChangeSet(entities=[entity("a")]))
    neo4j_driver.execute_query("DROP CONSTRAINT entity_ref")
    with pytest.raises(CatalogError, match="lost its constraint entity_ref"):
        await write(mirrored, ChangeSet(entities=[entity("b")]))
    await mirrored.open()
    await write(mirrored, ChangeSet(entities=[entity("b")]))
    assert await names(mirrored) == ["a", "b"]
