"""The answer to a COMMIT gets lost: the write is looked up, neither guessed nor done twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import neo4j
import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.filters import ALL
from graph_api.errors import CatalogError
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import StoredAnswer
from tests.catalogs import AT, entity, write
from tests.conftest import Run, wipe

COMMIT = b"\x00\x02\xb0\x12\x00\x00"
"""The message of Bolt, with its length and its end."""
ROUNDS = 10
ANSWER = StoredAnswer("key", "digest", b"body")


class Line:
    """Forwards connections to the database. Cuts the one on which the next COMMIT goes: before it arrives, or when its
    answer comes."""

    def __init__(self, uri: str) -> None:
        address = urlsplit(uri)
        self._target = address.hostname or "127.0.0.1", address.port or 7687
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cut: str | None = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(*self._target)
        lost = asyncio.Event()
        pumps = [
            asyncio.create_task(self._ask(client, to_server, lost)),
            asyncio.create_task(self._answer(server, to_client, lost)),
        ]
        self._tasks |= {*pumps}
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        to_client.transport.abort()
        to_server.transport.abort()

    async def _ask(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while data := await client.read(65_536):
            if COMMIT in data and self.cut:
                cut, self.cut = self.cut, None
                if cut == "before":
                    return
                lost.set()
            to_server.write(data)
            await to_server.drain()

    async def _answer(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while data := await server.read(65_536):
            if lost.is_set():
                return
            to_client.write(data)
            await to_client.drain()


@pytest.fixture
def empty(neo4j_driver: neo4j.Driver) -> Iterator[None]:
    wipe(neo4j_driver)
    yield
    wipe(neo4j_driver)


@pytest.mark.usefixtures("empty")
def test_a_commit_without_an_answer_is_done_once(neo4j_uri: str, neo4j_auth: tuple[str, str] | None, run: Run) -> None:
    run(lose_answers(neo4j_uri, neo4j_auth))


async def lose_answers(uri: str, auth: tuple[str, str] | None) -> None:
    line = Line(uri)
    async with line.listening():
        user, password = auth or (None, None)
        store = Neo4jStore(f"bolt://127.0.0.1:{line.port}", user=user, password=password)
        await store.open()
        try:
            for number in range(1, ROUNDS + 1):
                line.cut = "after"
                assert await write(store, ChangeSet(entities=[entity(f"n{number}")])) == number
                assert line.cut is None
                assert (await store.count(ALL), await store.revision()) == (number, number)
            line.cut = "before"
            with pytest.raises(CatalogError, match="try again"):
                await write(store, ChangeSet(entities=[entity("never")]))
            assert (await store.count(ALL), await store.revision()) == (ROUNDS, ROUNDS)
            assert len(await store.syncs(None, 99)) == ROUNDS
            line.cut = "after"
            async with store.write() as tx:
                await tx.apply_order(ChangeSet(), ("a", "b"), AT)
            assert line.cut is None
            assert await store.source_order() == ("a", "b")
            line.cut = "after"
            async with store.write() as tx:
                await tx.keep_answer(ANSWER, 60)
            async with store.write() as tx:
                assert await tx.answer_of(ANSWER.key) == ANSWER
            assert line.cut is None
        finally:
            await store.close()
