"""A server that is started again goes on from the copy that was made before, unless it is of no use."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import neo4j
import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.relations import Direction
from graph_api.store.mirror import folder as folders
from graph_api.store.mirror.folder import Folder
from graph_api.store.mirror.store import MirroredStore
from graph_api.store.neo4j import deltas
from graph_api.store.neo4j.store import Neo4jStore
from tests.catalogs import entity, link, links, ref, refs, with_ends, write
from tests.conftest import until_current, wipe
from tests.store.test_mirror import all_mirrored, be_patient_with_neo4j, names
from tests.store.test_mirror_shared import copies

OpenStore = Callable[[], Neo4jStore]
WRITE = """
import asyncio, sys
from itertools import count
from pathlib import Path
from graph_api.catalog.changes import ChangeSet
from graph_api.store.mirror.folder import Folder
from graph_api.store.mirror.store import MirroredStore
from graph_api.store.neo4j.store import Neo4jStore
from tests.catalogs import entity, write
from tests.conftest import until_current

async def main(folder, uri, user=None, password=None):
    store = MirroredStore(Neo4jStore(uri, user=user, password=password), folder=Folder(Path(folder), lasting=True))
    await store.open()
    await until_current(store)
    for number in count():
        await write(store, ChangeSet(entities=[entity(f"n{number:04}")]))
        print(number, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


# As of a backup of the database itself that was made before there was anything: its counts are those of then.
PUT_BACK = """
MATCH (c:Catalog) SET c.revision = 0, c.writes = c.writes + 1 WITH c
MATCH (n:Entity|Delta|Identifier|Source|Sync) DETACH DELETE n
"""
LATER = "2026-02-01T00:00:00.000Z"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient_with_neo4j(monkeypatch)


@pytest.fixture
def open_store(neo4j_driver: neo4j.Driver, neo4j_uri: str, neo4j_auth: tuple[str, str] | None) -> OpenStore:
    wipe(neo4j_driver)
    user, password = neo4j_auth or (None, None)
    return lambda: Neo4jStore(neo4j_uri, user=user, password=password)


@asynccontextmanager
async def server(open_store: OpenStore, folder: Path) -> AsyncIterator[MirroredStore]:
    """From its start, once its mirror is current, to its end, when it has what was written."""
    store = MirroredStore(open_store(), folder=Folder(folder, lasting=True))
    await store.open()
    await until_current(store)
    yield store
    await until_current(store)
    await store.close()


@asynccontextmanager
async def elsewhere(open_store: OpenStore) -> AsyncIterator[Neo4jStore]:
    """Another server, on another machine."""
    store = open_store()
    await store.open()
    yield store
    await store.close()


async def test_the_next_start_follows_what_was_written_meanwhile(open_store: OpenStore, tmp_path: Path) -> None:
    async with server(open_store, tmp_path) as store:
        await write(store, with_ends(links("a>b b>c")))
    (made,) = copies(tmp_path)
    async with elsewhere(open_store) as other:
        await write(other, ChangeSet(entities=[entity("d")], removed=[ref("c")]))
    async with server(open_store, tmp_path) as store, all_mirrored():
        assert copies(tmp_path) == {made}
        assert await names(store) == ["a", "b", "d"]
        await write(store, ChangeSet(entities=[entity("e")]))
        assert await names(store) == ["a", "b", "d", "e"]


async def test_what_is_too_much_at_once_is_followed_in_parts(
    open_store: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deltas, "LARGEST", 2)
    async with server(open_store, tmp_path):
        pass
    (made,) = copies(tmp_path)
    async with elsewhere(open_store) as other:
        for name in "abcde":
            await write(other, ChangeSet(entities=[entity(name)], links=[link(name, "a")]))
    async with server(open_store, tmp_path) as store, all_mirrored():
        assert copies(tmp_path) == {made}
        assert await names(store) == [*"abcde"]
        assert await store.neighbour_counts(refs("a"), Direction.IN, ["DEPENDS_ON"]) == {ref("a"): 5}


async def test_files_of_others_are_left_alone(open_store: OpenStore, tmp_path: Path) -> None:
    theirs = [tmp_path / "copy-of-contract", tmp_path / "notes"]
    for path in theirs:
        path.write_text("mine")
    for _ in range(2):
        async with server(open_store, tmp_path):
            pass
        (tmp_path / "published").unlink()
    assert [path.read_text() for path in theirs] == ["mine", "mine"]


@pytest.mark.parametrize(
    "why",
    [
        "a large write",
        "a foreign write",
        "another catalog",
        "another history",
        "another version",
        "cut off",
        "a spoilt file",
    ],
)
async def test_a_copy_of_no_use_is_made_anew(
    why: str, open_store: OpenStore, neo4j_driver: neo4j.Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(open_store, tmp_path) as store:
        await write(store, with_ends(links("a>b")))
    (made,) = copies(tmp_path)
    expected = ["a", "b"]
    if why == "a large write":
        monkeypatch.setattr(deltas, "LARGEST", 2)
        async with elsewhere(open_store) as other:
            await write(other, ChangeSet(entities=[entity(name) for name in "cde"]))
        expected = ["a", "b", "c", "d", "e"]
    elif why == "a foreign write":
        neo4j_driver.execute_query("MATCH (e:Entity {ref: $ref}) SET e.name = 'x', e.name_sort = 'x'", ref=ref("b"))
        expected = ["a", "x"]
    elif why == "another catalog":
        wipe(neo4j_driver)
        expected = []
    elif why == "another history":
        neo4j_driver.execute_query(PUT_BACK)
        async with elsewhere(open_store) as other:
            for name in "cd":
                await write(other, ChangeSet(entities=[entity(name)]), at=LATER)
        expected = ["c", "d"]
    elif why == "another version":
        monkeypatch.setattr(folders, "_VERSION", "2")
    elif why == "a spoilt file":
        (tmp_path / made).write_bytes(b"spoilt" * 1000)
    else:
        (tmp_path / "published").write_text("")
    async with server(open_store, tmp_path) as store:
        assert await names(store) == expected
        assert copies(tmp_path).isdisjoint({made})
        async with all_mirrored():
            assert await names(store) == expected


@pytest.mark.parametrize("writes", [1, 7, 20])
async def test_one_that_was_killed_left_a_copy_to_go_on_from(
    writes: int, open_store: OpenStore, neo4j_uri: str, neo4j_auth: tuple[str, str] | None, tmp_path: Path
) -> None:
    async with server(open_store, tmp_path):
        pass
    (made,) = copies(tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITE, tmp_path, neo4j_uri, *(neo4j_auth or ()), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    for _ in range(writes):
        assert await process.stdout.readline()
    process.kill()
    await process.wait()
    async with server(open_store, tmp_path) as store:
        assert copies(tmp_path) == {made}
        async with all_mirrored():
            found = await names(store)
        assert len(found) >= writes
        async with elsewhere(open_store) as other:
            assert await names(other) == found
