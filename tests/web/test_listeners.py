"""Many who listen: they look for what concerns them in turns."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from graph_api.store.embedded.reading import EmbeddedReading
from graph_api.store.protocol import Page, PageRequest
from tests.web.live import serving, socket


def looked_at(monkeypatch: pytest.MonkeyPatch, look: Callable[[], Awaitable[None]]) -> None:
    """`look` comes before each question of a listener to the store."""
    asked = EmbeddedReading.page

    async def page(self: EmbeddedReading, request: PageRequest) -> Page:
        if request.sort.field == "ref":  # as no question of the server's start
            await look()
        return await asked(self, request)

    monkeypatch.setattr(EmbeddedReading, "page", page)


def test_few_look_for_what_concerns_them_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looking, are_many = [0], asyncio.Event()

    async def look() -> None:
        looking.append(looking[-1] + 1)
        if looking[-1] == 3:
            are_many.set()
        await are_many.wait()
        await asyncio.sleep(0.01)  # for more to come, if they may
        looking.append(looking[-1] - 1)

    looked_at(monkeypatch, look)
    monkeypatch.setattr("graph_api.live.AT_ONCE", 3)
    monkeypatch.setattr("graph_api.live.TURN", 60)
    ids = {str(number) for number in range(15)}
    with serving(tmp_path) as server, socket(server.url) as client:
        client.begin()
        for id_ in ids:
            client.subscribe(id_, since=0, filter={"title": {"eq": id_}})
        server.put_all(*({"kind": "component", "name": f"c{id_}", "title": id_} for id_ in ids))
        assert {client.read()["id"] for _ in ids} == ids
    assert max(looking) == 3


def test_who_waits_for_the_store_keeps_no_other_listener_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, are_many, go_on = [0], threading.Event(), asyncio.Event()

    async def look() -> None:
        waiting[0] += 1
        if waiting[0] == 5:
            are_many.set()
        await go_on.wait()

    looked_at(monkeypatch, look)
    monkeypatch.setattr("graph_api.live.AT_ONCE", 2)
    with serving(tmp_path) as server, socket(server.url) as slow, socket(server.url) as client:
        slow.begin()
        for number in range(5):
            slow.subscribe(str(number), filter={"title": {"eq": "x"}}, since=0)
        server.put("a")
        assert are_many.wait(30)
        client.begin().subscribe(since=0)
        assert client.event()["ref"] == "component:default/a"
        go_on.set()
