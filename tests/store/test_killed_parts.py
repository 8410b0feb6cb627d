"""A process that is killed in the middle of a sync in parts leaves what was before, or what others finish."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import neo4j
import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.errors import CatalogError, ErrorCode
from graph_api.large import Sizes
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.mirror.store import MirroredStore
from graph_api.store.neo4j.parts import LEASE_SECONDS
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.catalogs import entity, write
from tests.conftest import OpenStore, Run, until_current
from tests.store.large import ORDER, snapshot, titles

ENTITIES = 1_000
OLD, NEW = ["old"] * ENTITIES, ["new"] * ENTITIES
WRITER = """
import asyncio, sys
from graph_api.large import Sizes
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.neo4j import finishing, parts
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.sync import sync
from tests.store.large import ORDER, snapshot

def stand_still(owner, name, times):
    go_on, left = getattr(owner, name), times

    async def step(*arguments):
        nonlocal left
        left -= 1
        if not left:
            print("stands still", flush=True)
            await asyncio.Event().wait()
        return await go_on(*arguments)

    setattr(owner, name, step)

async def main(kind, place, user, password, at=""):
    if at == "logging":
        stand_still(parts.PartedWrite, "_log_part", 20)
    elif at == "applying":
        stand_still(finishing, "_apply_next", 50)
    if kind == "neo4j":
        store = Neo4jStore(place, user or None, password or None, page=10)
    else:
        store = EmbeddedStore(place)
    await store.open()
    print("ready", flush=True)
    await sync(store, snapshot("new", 1_000), ORDER, sizes=Sizes(whole=100, part=50))
    print("done", flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""
STATE = "MATCH (c:Catalog) RETURN c.applying IS NOT NULL AS applying, EXISTS { (:Part) } AS parts"
GONE = "MATCH (l:Lease {name: 'parts'}) SET l.until = 0"
"""As after so many seconds without a sign of life."""
SIZES = Sizes(whole=100, part=50)

on_neo4j = pytest.mark.parametrize("open_store", ["neo4j"], indirect=True)
on_mirror = pytest.mark.parametrize("open_store", ["mirror"], indirect=True)


@contextmanager
def killed(*arguments: str) -> Iterator[IO[str]]:
    """A writer, which lives until the end of the block."""
    command = [sys.executable, "-c", WRITER, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
        yield writer.stdout
        writer.kill()


@pytest.mark.parametrize("delay", [0.05, 0.2, 0.4, 0.6])
def test_a_file_holds_all_of_it_or_nothing(tmp_path: Path, run: Run, delay: float) -> None:
    file = tmp_path / "catalog.db"

    async def look(*, first: bool = False) -> tuple[list[str | None], int]:
        store = EmbeddedStore(file)
        await store.open()
        try:
            if first:
                await sync(store, snapshot("old", ENTITIES), ORDER)
            return await titles(store), await store.revision()
        finally:
            await store.close()

    assert run(look(first=True)) == (OLD, 1)
    with killed("embedded", str(file), "", ""):
        time.sleep(delay)  # the moment of the kill is what the test varies, nothing is waited for
    assert run(look()) in [(OLD, 1), (NEW, 2)]


@pytest.fixture
def kill_while(neo4j_uri: str, neo4j_auth: tuple[str, str] | None, neo4j_driver: neo4j.Driver) -> Callable[[str], None]:
    """Kill a writer while it is `logging` its parts, or `applying` them."""

    def kill(at: str) -> None:
        with killed("neo4j", neo4j_uri, *(neo4j_auth or ("", "")), at) as told:
            assert told.readline() == "stands still\n"
        (row,) = neo4j_driver.execute_query(STATE).records
        assert (row["applying"], row["parts"]) == (at == "applying", True)

    return kill


async def until_answered(store: Store) -> list[str | None]:
    """Asking again as long as one is told to."""
    async with asyncio.timeout(4 * LEASE_SECONDS):
        while True:
            try:
                return await titles(store)
            except CatalogError as error:
                if error.details != {"retryAfter": 5}:
                    raise
            await asyncio.sleep(0.1)


@on_neo4j
async def test_what_is_not_decided_is_not_done(
    store: Store, kill_while: Callable[[str], None], neo4j_driver: neo4j.Driver
) -> None:
    await sync(store, snapshot("old", ENTITIES), ORDER)
    await asyncio.to_thread(kill_while, "logging")
    assert (await titles(store), await store.revision()) == (OLD, 1)
    with pytest.raises(CatalogError) as refused:
        await write(store, ChangeSet(entities=[entity("a")]))
    assert refused.value.code is ErrorCode.UNAVAILABLE, "it may go on"
    neo4j_driver.execute_query(GONE)
    assert (await sync(store, snapshot("new", ENTITIES), ORDER, sizes=SIZES)).run.revision == 2
    assert await titles(store) == NEW
    assert not neo4j_driver.execute_query("MATCH (p:Part) RETURN p").records


@on_neo4j
async def test_what_is_decided_is_finished_by_readers(
    store: Store, open_store: OpenStore, kill_while: Callable[[str], None]
) -> None:
    await sync(store, snapshot("old", ENTITIES), ORDER)
    await asyncio.to_thread(kill_while, "applying")
    with pytest.raises(CatalogError, match="ask again"):
        await titles(await open_store())
    assert (await store.revision(), len(await store.syncs("many", 10))) == (1, 1)
    assert await until_answered(store) == NEW
    assert [run.revision for run in await store.syncs("many", 10)] == [2, 1]
    assert [record.event.revision for record in await store.audit(10)] == [2, 1]


@on_neo4j
async def test_what_is_decided_is_finished_by_the_next_writer(
    store: Store, kill_while: Callable[[str], None], neo4j_driver: neo4j.Driver
) -> None:
    await sync(store, snapshot("old", ENTITIES), ORDER)
    await asyncio.to_thread(kill_while, "applying")
    neo4j_driver.execute_query(GONE)
    assert await write(store, ChangeSet(entities=[entity("z", title="new")])) == 3
    assert await titles(store) == [*NEW, "new"]


@on_mirror
async def test_a_mirror_knows_it_from_writes_of_others(store: MirroredStore, caplog: pytest.LogCaptureFixture) -> None:
    for title in ("old", "new"):
        await sync(store, snapshot(title, 200), ORDER, sizes=SIZES)
        await until_current(store)
        assert await titles(store) == [title] * 200
    assert "somebody else" not in caplog.text


@on_mirror
async def test_a_mirror_answers_as_before_until_it_is_finished(
    store: MirroredStore, kill_while: Callable[[str], None]
) -> None:
    await sync(store, snapshot("old", ENTITIES), ORDER)
    assert await titles(store) == OLD
    await until_current(store)
    await asyncio.to_thread(kill_while, "applying")
    assert await titles(store) == OLD
    async with asyncio.timeout(4 * LEASE_SECONDS):
        while await store.revision() == 1:
            assert await until_answered(store) in (OLD, NEW)
            await asyncio.sleep(0.1)
    assert await until_answered(store) == NEW
