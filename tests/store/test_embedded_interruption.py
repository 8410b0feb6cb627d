"""Expensive questions end at their deadline, when nobody waits for them, and when the store closes."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api.app import source_order
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.filters import ALL, Compare, Filter, Op, Or, Sort
from graph_api.catalog.relations import Direction
from graph_api.catalog.snapshot import Snapshot
from graph_api.catalog.traversal import Traversal, WalkRequest
from graph_api.errors import CatalogError, ErrorCode
from graph_api.settings import Settings
from graph_api.store.embedded.connections import READERS
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import PageRequest
from graph_api.sync import sync
from tests.catalogs import entity, ref, write
from tests.store.opening import opened

NEEDLE = "a" * 10_000 + "b"
EXPENSIVE = Or((Compare("description", Op.CONTAINS, NEEDLE),) * 100)
"""Takes minutes on ENTITIES: each place of each text is compared with the whole needle."""
ENTITIES = [
    EntityStatement(
        ref=ref(f"n{number}"),
        name=f"n{number}",
        kind="Component",
        document="a",
        location="a:1",
        description="a" * 30_000,
    )
    for number in range(200)
]
SOON = 20.0
"""Seconds; far less than the question takes, far more than its end may take on a busy machine."""

Question = Callable[[EmbeddedStore], Coroutine[Any, Any, object]]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("expensive") / "catalog.db"

    async def fill() -> None:
        async with opened(path) as store:
            said = {statement.ref: statement for statement in ENTITIES}
            await sync(store, Snapshot(source="many", connector="test", entities=said), source_order(Settings()))

    asyncio.run(fill())
    return path


def a_walk(filter_: Filter) -> WalkRequest:
    return WalkRequest(traversal=Traversal(start=(ref("n0"),), direction=Direction.IN, keep=filter_), total=True)


QUESTIONS: dict[str, Question] = {
    "count": lambda store: store.count(EXPENSIVE),
    "page": lambda store: store.page(PageRequest(filter=EXPENSIVE, sort=Sort(), limit=10)),
    "facets": lambda store: store.facets(EXPENSIVE, ["kind"]),
    "search": lambda store: store.search("n1", EXPENSIVE),
    "walk": lambda store: store.walk(a_walk(EXPENSIVE), deadline=0.2),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
async def test_a_deadline_ends_the_question_and_frees_its_thread(catalog: Path, question: Question) -> None:
    async with opened(catalog, read_seconds=0.2) as store:
        started = time.monotonic()
        for _ in range(2):
            asked = [question(store) for _ in range(READERS)]
            for late in await asyncio.gather(*asked, return_exceptions=True):
                assert isinstance(late, CatalogError), late
                assert late.code is ErrorCode.DEADLINE_EXCEEDED
        assert await cheap_count(store, started + SOON) == len(ENTITIES)


async def cheap_count(store: EmbeddedStore, until: float) -> int:
    """Even this may miss a deadline of 0.2 s on a busy machine."""
    while True:
        try:
            return await store.count(ALL)
        except CatalogError:
            assert time.monotonic() < until


async def test_a_question_that_nobody_waits_for_ends(catalog: Path) -> None:
    async with opened(catalog) as store:
        asked = [asyncio.create_task(store.count(EXPENSIVE)) for _ in range(2 * READERS)]
        await asyncio.wait(asked, timeout=0.2)
        for task in asked:
            task.cancel()
        started = time.monotonic()
        assert await store.count(ALL) == len(ENTITIES)
        assert time.monotonic() - started < SOON
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*asked, return_exceptions=True)
        )


async def test_closing_ends_what_is_running(catalog: Path) -> None:
    async with opened(catalog) as store:
        asked = [asyncio.create_task(store.count(EXPENSIVE)) for _ in range(2 * READERS)]
        await asyncio.wait(asked, timeout=0.2)
        started = time.monotonic()
        await store.close()
        assert time.monotonic() - started < SOON
        for end in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(end, CatalogError), end
            assert end.code is ErrorCode.UNAVAILABLE


async def test_a_cancelled_write_is_interrupted_and_undone(tmp_path: Path) -> None:
    async with opened(tmp_path / "catalog.db") as store:
        first = asyncio.create_task(
            write(store, ChangeSet(entities=[entity(f"n{number}") for number in range(50_000)]))
        )
        await asyncio.wait([first], timeout=0.5)
        first.cancel()
        started = time.monotonic()
        assert await write(store, ChangeSet(entities=[entity("other")])) == 1
        assert time.monotonic() - started < SOON
        assert await store.count(ALL) == 1


def test_a_server_ends_soon_while_it_answers_an_expensive_question(catalog: Path) -> None:
    command = [sys.executable, "-c", "from graph_api.cli import main; main()", "serve", "--insecure-anonymous"]
    command += ["--port", "0", "--store", f"embedded:{catalog}", "--deadline", "30", "--request-deadline", "60"]
    command += ["--drain-seconds", "2"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout
        try:
            found = next(filter(None, (re.search(r"http://\S+/graphql", line) for line in server.stdout)), None)
            assert found
            asyncio.run(end_while_asking(server, found[0]))
        finally:
            server.kill()


async def end_while_asking(server: subprocess.Popen[str], url: str) -> None:
    needles = {f"needle{number}": f"{'a' * 9_000}{number}" for number in range(100)}
    declared = ", ".join(f"${name}: String!" for name in needles)
    conditions = ", ".join(f"{{description: {{contains: ${name}}}}}" for name in needles)
    query = f"query({declared}) {{ entities(filter: {{or: [{conditions}]}}) {{ totalCount }} }}"
    body = {"query": query, "variables": needles}
    async with httpx.AsyncClient(timeout=30) as client:
        asked = asyncio.create_task(client.post(url, json=body))
        done, _ = await asyncio.wait([asked], timeout=1)
        assert not done, "the question is not expensive"
        server.send_signal(signal.SIGTERM)
        started = time.monotonic()
        assert await asyncio.to_thread(server.wait, 60) == 0
        assert time.monotonic() - started < SOON
        with contextlib.suppress(httpx.HTTPError):
            await asked
