"""A server that is told to end: not ready at once, and what has begun is finished."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from graph_api.app import create_app
from graph_api.catalog.filters import Filter
from graph_api.cli.servers import ClientServer, admin_serving
from graph_api.settings import Settings, load_settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import Store
from tests.conftest import OpenStore
from tests.feeding import DEPENDENCIES, SERVICES
from tests.serving import everybody, runs_of
from tests.sources.connectors.loopback import TOKEN, Tool

COUNT = {"query": "{ entities { totalCount } }"}
SOON = 20.0
"""Seconds; longer than a busy machine may take, and far less than what is not to be waited for."""
FOR_EVER = 120.0
SEEN = [{"parent": "web", "child": "cart", "callCount": 3}]


class Slow(EmbeddedStore):
    """Counts nothing until it may."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._asked = threading.Semaphore(0)
        self._may_count = asyncio.Event()

    def wait_until_asked(self, times: int) -> None:
        for _ in range(times):
            assert self._asked.acquire(timeout=30)

    def go_on(self) -> None:
        self._loop.call_soon_threadsafe(self._may_count.set)

    async def count(self, filter_: Filter) -> int:
        self._loop = asyncio.get_running_loop()
        self._asked.release()
        await self._may_count.wait()
        return await super().count(filter_)


class Running:
    def __init__(self, store: Slow, **settings: Any) -> None:
        self._settings = Settings(**{"request_deadline": FOR_EVER, "drain_seconds": FOR_EVER, **settings})
        self._store = store
        self._started = threading.Event()
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.url, self.admin = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in self._listeners)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        app = create_app(everybody(self._settings), self._store)
        clients, operators = self._listeners
        async with admin_serving(app, self._settings, operators):
            self._server = ClientServer(app, self._settings, self._tell)
            await self._server.serve(sockets=[clients])

    async def _tell(self) -> None:
        self._started.set()

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(30)

    def end(self) -> None:
        self._server.handle_exit(signal.SIGTERM, None)

    def seconds_to_end(self) -> float:
        begun = time.monotonic()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return time.monotonic() - begun


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[tuple[Running, Slow]]:
    store = Slow(folder / "catalog.db")
    server = Running(store, **settings)
    server.start()
    try:
        yield server, store
    finally:
        server.end()
        server.seconds_to_end()


def test_it_is_not_ready_at_once_and_finishes_what_has_begun(tmp_path: Path) -> None:
    with running(tmp_path) as (server, store), ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(httpx.post, f"{server.url}/graphql", json=COUNT) for _ in range(5)]
        store.wait_until_asked(5)
        assert httpx.get(f"{server.admin}/readyz").status_code == 200
        server.end()
        assert until_not_ready(server.admin) == "The server is about to end."
        assert not any(one.done() for one in asked)
        store.go_on()
        assert [one.result().json()["data"] for one in asked] == [{"entities": {"totalCount": 0}}] * 5
        assert server.seconds_to_end() < SOON


def until_not_ready(url: str) -> str:
    """Why it is not."""
    end = time.monotonic() + 30
    while (ready := httpx.get(f"{url}/readyz")).status_code == 200:
        assert time.monotonic() < end
    reason: str = ready.json()["reason"]
    return reason


def test_it_takes_new_requests_until_load_balancers_have_noticed(tmp_path: Path) -> None:
    delay = 8  # longer than a busy machine may take over the requests
    with running(tmp_path, drain_delay=delay) as (server, _):
        begun = time.monotonic()
        server.end()
        until_not_ready(server.url)
        assert httpx.post(f"{server.url}/graphql", json={"query": "{ __typename }"}).status_code == 200
        assert server.seconds_to_end() < SOON
        assert time.monotonic() - begun > delay - 0.1


def test_what_does_not_end_is_ended(tmp_path: Path) -> None:
    with running(tmp_path, drain_seconds=1) as (server, store), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f"{server.url}/graphql", json=COUNT)
        store.wait_until_asked(1)
        server.end()
        assert server.seconds_to_end() < SOON
        answer = asked.result()
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")


class SlowTool(Tool):
    """Answers nothing until it may."""

    def __init__(self) -> None:
        super().__init__({DEPENDENCIES: lambda _: SEEN, SERVICES: lambda _: ["web", "cart"]})
        self.asking, self.may_answer = threading.Event(), threading.Event()

    async def answer(self, request: Request) -> Response:
        self.asking.set()
        await asyncio.to_thread(self.may_answer.wait, FOR_EVER)
        return await super().answer(request)


@pytest.mark.parametrize(("answers", "may_take", "runs"), [(True, FOR_EVER, ["APPLIED"]), (False, 0.5, [])])
async def test_a_sync_that_runs_ends_well_or_is_undone_and_none_begins(
    store: Store,
    open_store: OpenStore,
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
    may_take: float,
    runs: list[str],
) -> None:
    monkeypatch.setenv("ZIPKIN_TOKEN", TOKEN)
    watching = await open_store()
    tool = SlowTool()
    with tool.served() as url:
        traces = {"name": "traces", "connector": "zipkin", "url": url, "every": "1s"}
        app = create_app(load_settings(chosen={"sources": [traces]}), store)
        async with app.router.lifespan_context(app):
            assert await asyncio.to_thread(tool.asking.wait, 30)
            app.lifecycle.drain(may_take)
            begun = time.monotonic()
            if answers:
                tool.may_answer.set()
        assert time.monotonic() - begun < SOON
        tool.may_answer.set()
    assert [run.status for run in await runs_of(watching, "zipkin:traces")] == runs
    assert await watching.lease("sync of traces", "another", 1), "it was given back"
