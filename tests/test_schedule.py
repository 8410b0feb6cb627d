"""The server runs what is due, one replica at a time, and stops when it is told to."""

import asyncio
import logging
import threading
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from graph_api import schedule
from graph_api.catalog.changes import ChangeSet, SyncRun, SyncStatus
from graph_api.catalog.filters import ALL
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.snapshot import Snapshot
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.catalogs import entity, write
from tests.conftest import OpenStore
from tests.feeding import write_services, zipkin
from tests.serving import runs_of, runs_when, serving
from tests.sources.connectors.loopback import TOKEN, Tool


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def folder(name: str, every: str | None = "1h", **more: Any) -> dict[str, Any]:
    return {"name": name, "paths": [str(write_services(Path(name), f"{name}-service"))], "every": every, **more}


def seconds_between(runs: list[SyncRun]) -> list[float]:
    begun = [datetime.fromisoformat(run.started_at) for run in runs]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(begun)]


async def test_a_source_runs_at_once_and_then_as_often_as_it_says(store: Store, open_store: OpenStore) -> None:
    watching = await open_store()
    async with serving(store, folder("often", "1s"), folder("rarely")):
        runs = await runs_when(watching, "often", lambda runs: len(runs) >= 3)
        assert [run.status for run in runs[:2]] == [SyncStatus.APPLIED, SyncStatus.UNCHANGED]
        assert min(seconds_between(runs)) > 0.8
        assert len(await runs_when(watching, "rarely", len)) == 1
    left = len(await runs_of(watching, "often"))
    await asyncio.sleep(1.5)
    assert len(await runs_of(watching, "often")) == left, "nothing runs after the end"


async def test_a_restart_runs_only_what_is_due(store: Store, open_store: OpenStore) -> None:
    second, watching = await open_store(), await open_store()
    async with serving(store, folder("known")):
        await runs_when(watching, "known", len)
    async with serving(second, folder("known"), folder("new")):
        await runs_when(watching, "new", len)
        await asyncio.sleep(0.5)
        assert len(await runs_of(watching, "known")) == 1


async def test_of_two_replicas_one_runs_it(store: Store, open_store: OpenStore) -> None:
    second, watching = await open_store(), await open_store()
    often = folder("often", "1s")
    async with serving(store, often), serving(second, often):
        runs = await runs_when(watching, "often", lambda runs: len(runs) >= 4)
    assert min(seconds_between(runs)) > 0.8


async def test_the_work_of_a_replica_that_died_is_taken_over(store: Store, open_store: OpenStore) -> None:
    watching = await open_store()
    assert await watching.lease("sync of shop", "a replica that died", 60)
    async with serving(store, folder("shop")):
        await asyncio.sleep(0.5)
        assert await runs_of(watching, "shop") == []
        assert await watching.lease("sync of shop", "a replica that died", 1)
        await runs_when(watching, "shop", len)


async def test_one_that_fails_is_recorded_and_withdraws_nothing(
    store: Store, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ZIPKIN_TOKEN", TOKEN)
    second, watching = await open_store(), await open_store()
    with zipkin().served() as url:
        traces = {"name": "traces", "connector": "zipkin", "url": url, "every": "1s"}
        async with serving(store, traces):
            await runs_when(watching, "zipkin:traces", len)
    assert await watching.count(ALL) == 2
    with zipkin(whole=False).served() as url:
        async with serving(second, traces | {"url": url}, folder("shop")):
            runs = await runs_when(watching, "zipkin:traces", lambda runs: runs[-1].status is SyncStatus.FAILED)
            await runs_when(watching, "shop", len)
    assert await watching.count(ALL) == 3
    assert TOKEN not in f"{caplog.text} {runs}"


class Slow(Tool):
    """Its answer is as old as the question."""

    def __init__(self) -> None:
        super().__init__(zipkin().answers)
        self.asking, self.may_answer = threading.Event(), threading.Event()

    async def answer(self, request: Request) -> Response:
        answer = await super().answer(request)
        self.asking.set()
        await asyncio.to_thread(self.may_answer.wait)
        return answer


async def test_what_was_read_before_another_replica_synced_is_not_written(
    store: Store, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a pause that is longer than the lease."""
    monkeypatch.setenv("ZIPKIN_TOKEN", TOKEN)
    other = await open_store()
    tool = Slow()
    with tool.served() as url:
        traces = {"name": "traces", "connector": "zipkin", "url": url}
        async with serving(store, traces | {"every": "1h"}), asyncio.timeout(60):
            assert await asyncio.to_thread(tool.asking.wait, 30)
            newer = await sync(other, Snapshot(source="zipkin:traces", connector="zipkin"), SourceOrder())
            tool.may_answer.set()
            while "another sync of zipkin:traces was applied" not in caplog.text:  # noqa: ASYNC110 - a log
                await asyncio.sleep(0.05)
    assert [run.id for run in await runs_of(other, "zipkin:traces")] == [newer.run.id]
    assert await other.count(ALL) == 0


class Silent(Tool):
    """Never answers."""

    def __init__(self) -> None:
        super().__init__({})
        self.asking = threading.Event()

    async def answer(self, request: Request) -> Response:
        self.asking.set()
        await request.body()
        await request.receive()  # that the client is gone
        return Response()


async def test_a_source_that_does_not_answer_keeps_nobody_waiting(
    store: Store, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZIPKIN_TOKEN", TOKEN)
    watching = await open_store()
    tool = Silent()
    with tool.served() as url:
        traces = {"name": "traces", "connector": "zipkin", "url": url, "every": "1s"}
        async with serving(store, traces, folder("shop")) as client:
            await runs_when(watching, "shop", len)
            assert await asyncio.to_thread(tool.asking.wait, 30)
            answer = await client.post("/graphql", json={"query": "{ sources { name } }"})
            assert answer.json()["data"] == {"sources": [{"name": "shop"}]}
            assert not await watching.lease("sync of traces", "another", 1)
            stopping = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - stopping < 20  # it never answers
    assert await runs_of(watching, "zipkin:traces") == []
    assert await watching.lease("sync of traces", "another", 1), "it was given back"


async def test_what_another_connector_feeds_is_tried_again_when_it_is_due_and_not_before(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schedule, "PAUSE", 0.0)
    await write(store, ChangeSet(entities=[entity("a")]), source="shop", connector="api")

    def told() -> list[str]:
        return [message for message in caplog.messages if message.startswith("shop: FAILED, nothing is withdrawn: ")]

    async with serving(store, folder("shop", connectors=["files"])):
        end = time.monotonic() + 60
        while not told():
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
    assert len(told()) == 1
