"""What one commit of several small writes costs on Neo4j, and what becomes of them when it fails."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import neo4j
import pytest

from graph_api.access.audit import LOCAL_SYNC, Outcome
from graph_api.backup.run import back_up, restore
from graph_api.catalog.changes import ChangeSet, Counts
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.errors import CatalogError, ErrorCode, ReplacedError
from graph_api.large import Sizes
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.neo4j import changes, cypher_small, database, group_commit, writes
from graph_api.store.neo4j.database import Database
from graph_api.store.neo4j.parts import PartedWrite
from graph_api.store.neo4j.statements import Row, Statements
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import PageRequest, Store
from graph_api.sync import sync
from tests.catalogs import AT, entity, link, refs, sync_run, write
from tests.conftest import OpenStore
from tests.lines import Cuttable, Line
from tests.store.large import ORDER, snapshot

pytestmark = pytest.mark.parametrize("open_store", ["neo4j"], indirect=True)


@pytest.fixture
def plain(store: Store, monkeypatch: pytest.MonkeyPatch) -> Neo4jStore:
    """However busy the machine is, those that wait are committed together."""
    monkeypatch.setattr(group_commit, "LONGEST", 60.0)
    assert isinstance(store, Neo4jStore)
    return store


async def test_a_large_write_into_a_catalog_that_was_restored_meanwhile_is_undone(
    plain: Neo4jStore, open_store: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where that is at the same revision."""
    other = EmbeddedStore(None)
    await other.open()
    await write(other, ChangeSet(entities=[entity("theirs")]))
    await back_up(other, tmp_path / "other")
    await other.close()
    await put(plain, "mine")
    admin, decide = await open_store(), PartedWrite.decide

    async def restored_first(parted: PartedWrite) -> None:
        await restore(admin, tmp_path / "other", replace=True)
        await decide(parted)

    monkeypatch.setattr(PartedWrite, "decide", restored_first)
    with pytest.raises(ReplacedError):
        await sync(plain, snapshot("a"), ORDER, sizes=Sizes(whole=10, part=5))
    assert (await admin.revision(), await admin.count(ALL)) == (1, 1)


class RefusedError(Exception):
    pass


async def put(store: Neo4jStore, name: str, error: Exception | None = None) -> int:
    async with store.write(small=True) as transaction:
        revision = await transaction.apply(ChangeSet(entities=[entity(name)]), sync_run(), AT)
        if error:
            raise error
        return revision


async def test_many_cost_little_more_than_one(plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(plain, "first")
    before = plain.round_trips
    await put(plain, "alone")
    alone = plain.round_trips - before
    slow_down(monkeypatch)
    before = plain.round_trips
    assert await asyncio.gather(*(put(plain, f"n{number}") for number in range(10))) == [*range(3, 13)]
    # What is written while the server works on the first one goes with one statement.
    assert plain.round_trips - before == alone + 1


def slow_down(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The server takes long to write, so that what comes meanwhile waits. How many writes each statement is of."""
    rows, sent = Statements._rows, []

    async def slow(statements: Statements, query: str, parameters: Row) -> list[Row]:
        if query is cypher_small.WRITE:
            sent.append(len(parameters["given"]["deltas"]))
            await asyncio.sleep(0.2)
        return await rows(statements, query, parameters)

    monkeypatch.setattr(Statements, "_rows", slow)
    return sent


def known(name: str, created: int, **fields: Any) -> Entity:
    return entity(name, created_revision=created, revision=created, **fields)


WRITES = [
    ChangeSet(entities=[entity("a"), entity("b")], links=[link("a", "b")]),
    ChangeSet(entities=[entity("c", identifiers=("see",))], links=[link("b", "c"), link("a", "c")]),
    ChangeSet(entities=[known("a", 1, title="new", identifiers=("x",))]),
    ChangeSet(entities=[known("c", 2, identifiers=("x", "y"))], links=[link("a", "b", revision=1, observed_at=AT)]),
    ChangeSet(links=[link("a", "b", "OWNED_BY")], removed_links=[link("b", "c").key]),
    ChangeSet(removed=refs("c"), removed_links=[link("a", "c").key]),
    ChangeSet(entities=[known("a", 1, title="newer")]),
    ChangeSet(entities=[entity("c", title="again", identifiers=("y",))], links=[link("a", "c")]),
    ChangeSet(entities=[known("b", 1, identifiers=("x",))], removed_links=[link("a", "b").key]),
    ChangeSet(removed=refs("c"), removed_links=[link("a", "c").key]),
    ChangeSet(entities=[entity("d"), entity("e")], links=[link("d", "e"), link("e", "a")]),
]
"""Some touch what others touch."""


async def apply_all(store: Store, *, at_once: bool) -> None:
    async def apply(changes: ChangeSet, number: int) -> None:
        async with store.write(small=True) as transaction:
            counts = Counts(entities_added=number)
            run = sync_run(id=f"run{number:02}", revision=number, counts=counts)
            assert await transaction.apply(changes, run, AT) == number
            await transaction.record(LOCAL_SYNC.ended(Outcome.APPLIED, AT, revision=number))

    writes = [apply(changes, number) for number, changes in enumerate(WRITES, 1)]
    if at_once:
        await asyncio.gather(*writes)
    else:
        for write in writes:
            await write


async def everything(store: Store) -> list[object]:
    every = PageRequest(filter=ALL, sort=Sort(), limit=100)
    async with store.write() as transaction:
        names = await transaction.resolve(["see", "x", "y"])
        links = await transaction.links_at(refs("a b c d e"), tuple(RELATIONS), Direction.OUT)
    return [
        (await store.page(every)).entities,
        sorted(links, key=lambda row: row.key[:3]),
        names,
        await store.changes(0, 99),
        await store.syncs(None, 99),
        await store.sources(),
        await store.audit(99),
    ]


async def check_written(plain: Neo4jStore, folder: Path) -> None:
    """All at once, against one after the other in another store."""
    await apply_all(plain, at_once=True)
    other = EmbeddedStore(folder / "other.db")
    await other.open()
    try:
        await apply_all(other, at_once=False)
        assert await everything(plain) == await everything(other)
    finally:
        await other.close()


async def test_many_in_one_statement_are_as_one_after_the_other(
    plain: Neo4jStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = slow_down(monkeypatch)
    await check_written(plain, tmp_path)
    assert sum(sent) == len(WRITES) > len(sent)


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row of a write goes with a statement of its own."""
    monkeypatch.setattr(writes, "AT_ONCE", 0)
    monkeypatch.setattr(changes, "ENTITIES_AT_ONCE", 1)
    monkeypatch.setattr(changes, "LINKS_AT_ONCE", 1)


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("slow", [True, False])
async def test_writes_in_several_statements_are_as_in_one(
    plain: Neo4jStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, slow: bool
) -> None:
    """Also where the server is slow, and pieces of several writes go together again."""
    if slow:
        slow_down(monkeypatch)
    await check_written(plain, tmp_path)


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("error", [RefusedError, asyncio.CancelledError])
async def test_a_write_that_ends_between_its_statements_leaves_nothing(
    plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    await put(plain, "first")
    written, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    whole = changes.small_changes

    def two_and_no_more(*given: Any) -> Iterator[dict[str, Any]]:
        yield from islice(whole(*given), 2)
        loop.call_soon_threadsafe(written.set)
        go_on.wait(30)
        raise RefusedError

    with monkeypatch.context() as patch:
        patch.setattr(writes, "small_changes", two_and_no_more)
        three = ChangeSet(entities=[entity("a"), entity("b"), entity("c")])
        ending = asyncio.create_task(apply(plain, three))
        await written.wait()
        if error is asyncio.CancelledError:
            ending.cancel()
        else:
            go_on.set()
        with pytest.raises(error):
            await ending
        go_on.set()
    assert await put(plain, "next") == 2
    every = PageRequest(filter=ALL, sort=Sort(), limit=10)
    assert [row.ref for row in (await plain.page(every)).entities] == refs("first next")


async def apply(store: Store, changes: ChangeSet) -> None:
    async with store.write() as transaction:
        await transaction.apply(changes, sync_run(), AT)


async def test_a_commit_that_fails_is_told_to_all_of_them(plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_database: Database, _statements: Statements, *, seen: bool) -> None:  # noqa: ARG001 - as it is there
        raise CatalogError(ErrorCode.UNAVAILABLE, "the database does not answer")

    refused = CatalogError(ErrorCode.CONFLICT, "it is at the revision of another")
    with monkeypatch.context() as patch:
        patch.setattr(Database, "commit", fail)
        errors = await asyncio.gather(
            put(plain, "a"), put(plain, "b", refused), put(plain, "c"), return_exceptions=True
        )
    # What the second one has seen never was.
    assert [str(error) for error in errors] == ["the database does not answer"] * 3
    assert await plain.revision() == 0
    assert await put(plain, "a") == 1


async def test_one_whose_statement_is_given_up_takes_those_before_it_along_and_they_are_told(plain: Neo4jStore) -> None:
    asked = asyncio.Event()

    async def ask_for_ever() -> None:
        async with plain.write(small=True) as transaction:
            while True:
                await transaction.sources()
                asked.set()

    before = asyncio.create_task(put(plain, "before"))
    await asyncio.sleep(0)
    endless = asyncio.create_task(ask_for_ever())
    await asyncio.sleep(0)
    behind = asyncio.create_task(put(plain, "behind"))
    await asked.wait()
    endless.cancel()
    with suppress(asyncio.CancelledError):
        await endless
    with pytest.raises(CatalogError, match="nothing is written; try again"):
        await before
    assert await behind == 1


async def test_who_waits_too_long_is_told_and_the_next_one_is_not_kept(
    plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with plain.write() as transaction:
        with monkeypatch.context() as patch:
            patch.setattr(group_commit, "LOCK_TIMEOUT", 0.2)
            with pytest.raises(CatalogError, match="another write is running; try again"):
                await put(plain, "late")
        await transaction.apply(ChangeSet(entities=[entity("long")]), sync_run(), AT)
    assert await put(plain, "next") == 2


async def test_who_is_locked_out_by_another_process_is_told_so(
    plain: Neo4jStore, neo4j_driver: neo4j.Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(plain, "first")
    with neo4j_driver.session() as session, session.begin_transaction() as other:
        other.run("MATCH (c:Catalog) SET c.locked = true").consume()
        with monkeypatch.context() as patch:
            patch.setattr(database, "LOCK_TIMEOUT", 0.5)
            answers = await asyncio.gather(put(plain, "a"), put(plain, "b"), return_exceptions=True)
        assert [str(answer) for answer in answers] == ["another write is running; try again when it is done"] * 2
    assert await put(plain, "c") == 2


async def test_a_database_that_is_gone_is_told_to_all_who_wait(
    plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = 0

    async def begin(_database: Database, _stack: object) -> Statements:
        nonlocal attempts
        attempts += 1
        raise CatalogError(ErrorCode.UNAVAILABLE, "the database does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "_begin_write", begin)
        answers = await asyncio.gather(*(put(plain, f"n{number}") for number in range(5)), return_exceptions=True)
    assert {str(answer) for answer in answers} == {"the database does not answer"}
    assert attempts == 1
    assert await put(plain, "a") == 1


@pytest.mark.parametrize("step", ["_forget_parts", "decide"])
async def test_a_sync_in_parts_lets_others_of_its_process_leave_records(
    plain: Neo4jStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    go_on = getattr(PartedWrite, step)

    async def record_first(parts: PartedWrite) -> None:
        async with asyncio.timeout(30), plain.write(small=True) as transaction:
            await transaction.record(LOCAL_SYNC.ended(Outcome.REFUSED, AT))
        await go_on(parts)

    monkeypatch.setattr(PartedWrite, step, record_first)
    await sync(plain, snapshot("new"), ORDER, sizes=Sizes(whole=10, part=5))
    assert [row.event.outcome for row in await plain.audit(10)] == [Outcome.APPLIED, Outcome.REFUSED]


async def test_a_database_that_goes_away_while_a_write_asks_is_told_as_such(
    neo4j_uri: str, neo4j_auth: tuple[str, str] | None, plain: Neo4jStore
) -> None:
    address, (user, password) = urlsplit(neo4j_uri), neo4j_auth or (None, None)
    cuttable = Cuttable(address.hostname or "127.0.0.1", address.port or 7687)
    async with cuttable.listening():
        far = Neo4jStore(f"bolt://127.0.0.1:{cuttable.port}", user=user, password=password)
        await far.open()

        async def ask_after_the_cut() -> None:
            async with far.write(small=True) as transaction:
                cuttable.set(Line.DOWN)
                await transaction.sources()

        with pytest.raises(CatalogError, match="the database does not answer") as told:
            await ask_after_the_cut()
        assert told.value.code is ErrorCode.UNAVAILABLE
        cuttable.set(Line.UP)
        assert await put(far, "a") == 1
        await far.close()
    assert await plain.revision() == 1


async def test_one_that_is_cancelled_while_its_rows_are_sent_leaves_the_others_their_answers(plain: Neo4jStore) -> None:
    async def refuse() -> None:
        async with plain.write(small=True):
            raise RefusedError

    async def remove(name: str) -> None:
        async with plain.write(small=True) as transaction:
            removing.set()
            await transaction.apply(ChangeSet(removed=refs(name)), sync_run(), AT)

    for turns_of_the_loop in range(12):
        await put(plain, f"n{turns_of_the_loop}")
        removing = asyncio.Event()
        refused = asyncio.create_task(refuse())
        await asyncio.sleep(0)
        remover = asyncio.create_task(remove(f"n{turns_of_the_loop}"))
        await removing.wait()
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        remover.cancel()
        with pytest.raises(RefusedError):
            await refused
        await asyncio.gather(remover, return_exceptions=True)


async def test_a_store_that_is_closed_keeps_nobody_waiting(plain: Neo4jStore) -> None:
    begun = asyncio.Event()

    async def never_end() -> None:
        async with plain.write():
            begun.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(never_end())
    await begun.wait()
    waiting = asyncio.create_task(put(plain, "waits"))
    await asyncio.sleep(0)
    await plain.close()
    with pytest.raises(CatalogError, match="closed"):
        await waiting
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
