"""A store whose file was moved away, while the server had it open: nothing is asked of it or written to it any more."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from graph_api.store.embedded.store import EmbeddedStore
from graph_api.web import health
from tests.feeding import write_services
from tests.serving import runs_of, runs_when
from tests.serving import serving as serving_sources
from tests.web.live import EVENTS, Server, serving, socket

SECRET = {"authorization": "Bearer a-secret-of-hooks"}
NAME = {"query": "{ __typename }"}
CHANGES = {"query": "subscription { changes { ref } }"}


@pytest.fixture(autouse=True)
def looked_at_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WATCH", 0.1)
    monkeypatch.setattr(health, "KEEP", 0.0)
    monkeypatch.setenv("HOOK_SECRET", "a-secret-of-hooks")
    monkeypatch.chdir(tmp_path)


def move_away() -> Path:
    """Where the file is now, which the server has open."""
    folder = Path("moved")
    folder.mkdir()
    for file in Path().glob("catalog.db*"):
        file.rename(folder / file.name)
    return folder / "catalog.db"


async def test_nothing_is_synced_and_receivers_say_so() -> None:
    often = {"name": "often", "paths": [str(write_services(Path("often"), "a"))], "every": "1s"}
    hooked = {"name": "hooked", "paths": [str(write_services(Path("hooked"), "b"))]}
    lineage = {"name": "lineage", "paths": ["events"], "connectors": ["openlineage"]}
    secret = {"webhook_secret_variable": "HOOK_SECRET"}
    store, watching = EmbeddedStore(Path("catalog.db")), EmbeddedStore(Path("catalog.db"))
    async with serving_sources(store, often, hooked | secret, lineage | secret) as client:
        await watching.open()
        await runs_when(watching, "often", len)
        await watching.close()
        watching = EmbeddedStore(move_away())
        async with asyncio.timeout(30):
            while (await client.post("/graphql", json=NAME)).status_code != 503:  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0.05)
        await watching.open()
        before = len(await runs_of(watching, "often"))
        answers = [
            await client.post("/hooks/hooked", headers=SECRET),
            await client.post("/api/v1/lineage", headers=SECRET, json=[]),
        ]
        await asyncio.sleep(1.5)
        assert len(await runs_of(watching, "often")) == before
        assert await runs_of(watching, "hooked") == []
        await watching.close()
    assert [(answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) for answer in answers] == [
        (503, "UNAVAILABLE")
    ] * 2


def wait_until_noticed(server: Server) -> None:
    end = time.monotonic() + 30
    while httpx.post(f"{server.url}/graphql", json=NAME).status_code != 503:
        assert time.monotonic() < end


def test_who_listens_is_told_and_nobody_begins(tmp_path: Path) -> None:
    with serving(tmp_path) as server, socket(server.url) as client, server.listening() as read:
        client.begin().subscribe()
        move_away()
        assert client.code() == "UNAVAILABLE"
        assert read()[1]["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        wait_until_noticed(server)
        client.send(type="subscribe", id="2", payload=CHANGES)
        refused = client.read()
        assert refused["type"] == "error"
        assert "has been replaced" in refused["payload"][0]["message"]
        assert httpx.post(f"{server.url}/graphql", json=CHANGES, headers=EVENTS).status_code == 503
