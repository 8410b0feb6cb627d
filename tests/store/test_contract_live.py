"""News of the catalog, whoever writes: one poller for all who listen."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

import pytest

from graph_api.catalog.changes import Change, ChangeSet
from graph_api.errors import CatalogError, ErrorCode
from graph_api.live import LiveChanges
from graph_api.store.protocol import Store
from tests.catalogs import entity, ref, write
from tests.conftest import OpenStore

SOON = 0.05


async def first(batches: AsyncGenerator[list[Change], None]) -> list[Change]:
    async with asyncio.timeout(60):
        return await anext(batches)


async def names(batches: AsyncGenerator[list[Change], None], count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        found += [row.ref.rpartition("/")[2] for row in await first(batches)]
    return found


def counted(store: Store, name: str) -> Callable[[], int]:
    """How often this method has answered from now on."""
    calls = 0
    method: Callable[..., Coroutine[Any, Any, Any]] = getattr(store, name)

    async def count(*arguments: Any) -> Any:
        nonlocal calls
        answer = await method(*arguments)
        calls += 1
        return answer

    setattr(store, name, count)
    return lambda: calls


async def test_writes_of_others_arrive_in_their_order(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    async with aclosing(LiveChanges(store, SOON).batches(store, 0)) as batches:
        listening = asyncio.create_task(first(batches))
        await write(other, ChangeSet(entities=[entity("b"), entity("a")]))
        assert [(row.ref, row.revision) for row in await listening] == [(ref("a"), 1), (ref("b"), 1)]
        await write(store, ChangeSet(entities=[entity("c")]))
        await write(other, ChangeSet(removed=[ref("a")]))
        assert await names(batches, 2) == ["c", "a"]


async def test_who_comes_late_gets_everything_once(store: Store) -> None:
    everything = [f"n{number:03}" for number in range(250)]
    await write(store, ChangeSet(entities=[entity(name) for name in everything]))
    live = LiveChanges(store, SOON)
    async with aclosing(live.batches(store, 0)) as batches:
        assert await names(batches, 250) == everything
        await write(store, ChangeSet(entities=[entity("z")]))
        assert await names(batches, 1) == ["z"]
    async with aclosing(live.batches(store, 1)) as batches:
        assert await names(batches, 1) == ["z"]


async def test_all_who_listen_share_one_poller_and_one_read(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    await write(other, ChangeSet(entities=[entity("a")]))
    live = LiveChanges(store, 60)
    reads, polls = counted(store, "changes"), counted(store, "revision")
    listeners = [live.batches(store, 1) for _ in range(30)]
    waiting = [asyncio.create_task(first(batches)) for batches in listeners]
    while not polls():  # noqa: ASYNC110 - the poller is another task
        await asyncio.sleep(0.01)
    await write(other, ChangeSet(entities=[entity("b")]))
    live.wake()
    assert [[row.ref for row in rows] for rows in await asyncio.gather(*waiting)] == [[ref("b")]] * 30
    assert (reads(), polls()) == (1, 2)
    for batches in listeners:
        await batches.aclose()
    live.wake()
    await asyncio.sleep(0.1)
    assert polls() == 2, "nobody listens"


async def test_a_listener_that_reads_slowly_reads_what_is_latest(store: Store) -> None:
    live = LiveChanges(store, SOON)
    async with aclosing(live.batches(store, 0)) as batches:
        for title in "abc":
            await write(store, ChangeSet(entities=[entity("slow", title=title)]))
        (row,) = await first(batches)
        assert row.revision == 3


async def test_it_ends_in_time_and_when_it_is_closed(store: Store) -> None:
    await write(store, ChangeSet(entities=[entity("a")]))
    live = LiveChanges(store, SOON)
    assert [rows async for rows in live.batches(store, 1, time.time() + 0.2)] == []
    batches = live.batches(store, 1)
    waiting = asyncio.create_task(first(batches))
    await asyncio.sleep(0)
    live.close()
    with pytest.raises(CatalogError) as refused:
        await waiting
    assert refused.value.code is ErrorCode.UNAVAILABLE


async def test_it_goes_on_when_the_store_is_back(store: Store) -> None:
    await write(store, ChangeSet(entities=[entity("a")]))
    revision, away = store.revision, True

    async def answer() -> int:
        if away:
            raise CatalogError(ErrorCode.UNAVAILABLE, "the database does not answer")
        return await revision()

    store.revision = answer  # type: ignore[method-assign]
    async with aclosing(LiveChanges(store, SOON).batches(store, 0)) as batches:
        waiting = asyncio.create_task(first(batches))
        await asyncio.sleep(0.2)
        away = False
        assert [row.ref for row in await waiting] == [ref("a")]
