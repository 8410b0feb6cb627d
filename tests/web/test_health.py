"""Alive and ready are two questions, and a database that is down delays neither the start nor the answers."""

import asyncio
import threading
import time

import pytest
from httpx import Client

from graph_api.errors import CatalogError, ErrorCode, ReplacedError
from graph_api.web import health, store_lifecycle
from graph_api.web.store_lifecycle import StoreLifecycle
from tests.conftest import Run
from tests.web.conftest import serve
from tests.web.tiny import Database

DOWN = CatalogError(ErrorCode.UNAVAILABLE, "The database does not answer")
NAME = {"query": "{ name }"}
PING_TIMEOUT = health.PING_TIMEOUT
"""As the product has it."""
SOON, FOR_EVER = 20.0, 120.0
"""Seconds: longer than a busy machine may take, and far less than what is not to be waited for."""


def wait_until_ready(client: Client) -> None:
    end = time.monotonic() + 30
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < end


def test_alive_and_ready(client: Client) -> None:
    for path in ("/livez", "/readyz"):
        assert client.get(path).json() == {"status": "ok"}
        assert client.head(path).status_code == 200


def test_a_database_that_is_down_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_lifecycle, "FIRST_TRY", FOR_EVER)
    database = Database()
    database.error = DOWN
    begin = time.monotonic()
    with serve(database) as client:
        assert client.get("/livez").status_code == 200
        assert time.monotonic() - begin < SOON
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (503, "The database does not answer")
        response = client.post("/graphql", json=NAME)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert client.get("/graphql", headers={"accept": "text/html"}).status_code == 200
        database.error = None
        wait_until_ready(client)
        assert client.post("/graphql", json=NAME).json()["data"] == {"name": "node"}
    assert database.closed


@pytest.mark.parametrize("error", [DOWN, RuntimeError("password=hunter2"), None], ids=["down", "defect", "silent"])
def test_a_database_that_goes_down_later_and_comes_back(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PING_TIMEOUT", PING_TIMEOUT)
    monkeypatch.setattr(health, "KEEP", 0.0)
    database = Database()
    with serve(database) as client:
        database.error, database.silent = error, error is None
        begin = time.monotonic()
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "hunter2" not in ready.text
        assert time.monotonic() - begin < SOON
        assert client.get("/livez").status_code == 200
        database.error, database.silent = None, False
        wait_until_ready(client)


def test_answers_of_the_database_are_kept_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.KEEP == 1.0
    monkeypatch.setattr(health, "KEEP", FOR_EVER)  # the two requests may be further apart
    database = Database()
    with serve(database) as client:
        assert client.get("/readyz").status_code == 200
        database.error = DOWN
        assert client.get("/readyz").status_code == 200


def test_a_store_that_no_retry_can_open_stops_the_start(run: Run) -> None:
    database = Database()
    database.error = CatalogError(ErrorCode.INVALID, "The file has a newer format")

    async def start() -> None:
        async with StoreLifecycle(database.as_store()).run():
            pytest.fail("must not start")

    with pytest.raises(CatalogError, match="newer format"):
        run(start())
    assert database.closed


def test_a_store_that_warms_up_is_asked_already_and_then_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_lifecycle, "FIRST_WARMTH", 0.1)
    warm = threading.Event()

    async def warm_up() -> None:
        await asyncio.to_thread(warm.wait, FOR_EVER)

    with serve(warm_up=warm_up) as client:
        ready = client.get("/readyz")
        assert (ready.status_code, "warming up" in ready.json()["reason"]) == (503, True)
        assert client.post("/graphql", json=NAME).json()["data"] == {"name": "node"}
        warm.set()
        wait_until_ready(client)


@pytest.mark.parametrize("error", [DOWN, TimeoutError()])
def test_what_cannot_be_warmed_up_is_ready_all_the_same(error: Exception) -> None:
    async def warm_up() -> None:
        raise error

    with serve(warm_up=warm_up) as client:
        wait_until_ready(client)


def test_a_store_that_has_been_replaced_is_asked_nothing_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WATCH", 0.1)
    monkeypatch.setattr(health, "KEEP", 0.0)
    database = Database()
    with serve(database) as client:
        database.error = ReplacedError("The store has gone back in time")
        end = time.monotonic() + 30
        while client.post("/graphql", json=NAME).status_code != 503:
            assert time.monotonic() < end
        database.error = None
        ready = client.get("/readyz")
        assert (ready.status_code, "gone back in time" in ready.json()["reason"]) == (503, True)
        assert client.get("/livez").status_code == 200
