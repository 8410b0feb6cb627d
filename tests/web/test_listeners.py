"""Many who listen: they look for what concerns them in turns."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api.access.keys import new_key
from graph_api.access.principal import Role
from graph_api.catalog.changes import Change
from graph_api.catalog.ref import Ref
from graph_api.graphql import execution
from graph_api.store.embedded.reading import EmbeddedReading
from graph_api.store.protocol import Page, PageRequest
from tests.web.live import Server, put_key, serving, socket


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


@contextmanager
def writing_while_it_reads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, str, int]]:
    """With the token of a reader whose team owns something, and the revision of that: when changes are read for the
    first time, what the team may see is known already, and then it becomes more.
    """
    token, key = new_key("ann", Role.VIEWER, int(time.time()), 1, groups=(Ref("group:default/shop"),))
    admin, admins = new_key("bob", Role.ADMIN, int(time.time()), 1)
    for one in (key, admins):
        put_key(folder, one)
    read, waiting = EmbeddedReading.changes, [1]

    async def changes(self: EmbeddedReading, since: int, limit: int, after: Any = None) -> list[Change]:
        if waiting:
            waiting.pop()
            finding = {"kind": "vulnerability", "name": "cve-1", "spec": {"affects": ["component:till"]}}
            await asyncio.to_thread(server.put_all, finding)
            await asyncio.to_thread(server.put, "b")
        return await read(self, since, limit, after)

    with serving(folder, insecure_anonymous=False) as server:
        server.token = admin
        since = server.put_all({"kind": "component", "name": "till", "spec": {"owner": "shop"}})
        monkeypatch.setattr(EmbeddedReading, "changes", changes)
        yield server, token, since


def test_a_listener_is_told_what_it_may_see_by_a_write_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writing_while_it_reads(tmp_path, monkeypatch) as (server, token, since), socket(server.url) as client:
        client.begin(authorization=f"Bearer {token}").subscribe(since=since)
        server.put("a")
        told = [client.event()["ref"] for _ in range(3)]
    assert told == ["component:default/a", "component:default/till", "vulnerability:default/cve-1"]


@pytest.mark.parametrize("tries", [1, execution.TRIES], ids=["read once", "read anew"])
@pytest.mark.parametrize("selection", ["revision nodes { ref }", "nodes { revision ref }"])
def test_so_is_whoever_asks_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selection: str, tries: int
) -> None:
    monkeypatch.setattr(execution, "TRIES", tries)
    told: list[str] = []
    with writing_while_it_reads(tmp_path, monkeypatch) as (server, token, since):
        server.put("a")
        for _ in range(2):
            body = {"query": f"{{ answer: changes(since: {since}) {{ {selection} }} }}"}
            headers = {"authorization": f"Bearer {token}"}
            answer = httpx.post(f"{server.url}/graphql", json=body, headers=headers).json()["data"]["answer"]
            told += [row["ref"] for row in answer["nodes"]]
            since = answer.get("revision") or (answer["nodes"] or [{"revision": since}])[-1]["revision"]
    assert "vulnerability:default/cve-1" in told
