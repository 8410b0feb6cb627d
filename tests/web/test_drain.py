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
SECONDS = 1.0
SEEN = [{"parent": "web", "child": "cart", "callCount": 3}]


class Slow(EmbeddedStore):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._asked = threading.Semaphore(0)

    def wait_until_asked(self, times: int) -> None:
        for _ in range(times):
            assert self._asked.acquire(timeout=20)

    async def count(self, filter_: Filter) -> int:
        self._asked.release()
        await asyncio.sleep(SECONDS)
        return await super().count(filter_)


class Running:
    def __init__(self, store: Slow, **settings: Any) -> None:
        self._settings = Settings(**settings)
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
        assert self._started.wait(10)

    def end(self) -> None:
        self._server.handle_exit(signal.SIGTERM, None)

    def seconds_to_end(self) -> float:
        begun = time.monotonic()
        self._thread.join(20)
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
        asked = [pool.submit(httpx.post, f"{server.url}/graphql", json=COUNT, timeout=10) for _ in range(5)]
        store.wait_until_asked(5)
        assert httpx.get(f"{server.admin}/readyz").status_code == 200
        server.end()
        time.sleep(0.2)  # less than the answers take
        ready = httpx.get(f"{server.admin}/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (503, "The server is about to end.")
        assert [one.result().json()["data"] for one in asked] == [{"entities": {"totalCount": 0}}] * 5
        assert server.seconds_to_end() < 3


def test_it_takes_new_requests_until_load_balancers_have_noticed(tmp_path: Path) -> None:
    with running(tmp_path, drain_delay=1) as (server, _):
        server.end()
        time.sleep(0.2)  # less than the delay
        assert httpx.get(f"{server.url}/readyz").status_code == 503
        assert httpx.post(f"{server.url}/graphql", json={"query": "{ __typename }"}).status_code == 200
        assert 0.3 < server.seconds_to_end() < 3


def test_what_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.web.test_drain.SECONDS", 30)
    with running(tmp_path, drain_seconds=1) as (server, store), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f"{server.url}/graphql", json=COUNT, timeout=10)
        store.wait_until_asked(1)
        server.end()
        assert server.seconds_to_end() < 5
        answer = asked.result()
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")


class SlowTool(Tool):
    """Takes its time for each answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__({DEPENDENCIES: lambda _: SEEN, SERVICES: lambda _: ["web", "cart"]})
        self.asking = threading.Event()
        self._seconds = seconds

    async def answer(self, request: Request) -> Response:
        self.asking.set()
        await asyncio.sleep(self._seconds)
        return await super().answer(request)


@pytest.mark.parametrize(("takes", "may_take", "runs"), [(0.5, 10, ["APPLIED"]), (5, 0.5, [])])
async def test_a_sync_that_runs_ends_well_or_is_undone_and_none_begins(
    store: Store,
    open_store: OpenStore,
    monkeypatch: pytest.MonkeyPatch,
    takes: float,
    may_take: float,
    runs: list[str],
) -> None:
    monkeypatch.setenv("ZIPKIN_TOKEN", TOKEN)
    watching = await open_store()
    tool = SlowTool(takes)
    with tool.served() as url:
        traces = {"name": "traces", "connector": "zipkin", "url": url, "every": "1s"}
        app = create_app(load_settings(chosen={"sources": [traces]}), store)
        async with app.router.lifespan_context(app):
            assert await asyncio.to_thread(tool.asking.wait, 10)
            app.lifecycle.drain(may_take)
            begun = time.monotonic()
        assert time.monotonic() - begun < may_take + 3
    assert [run.status for run in await runs_of(watching, "zipkin:traces")] == runs
    assert await watching.lease("sync of traces", "another", 1), "it was given back"
