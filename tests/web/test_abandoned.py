"""Work that nobody waits for any more ends within a second, here and in the database."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import neo4j
import pytest

from graph_api.app import create_app
from graph_api.catalog.changes import ChangeSet
from graph_api.settings import Settings
from graph_api.store.embedded import journal
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import Store
from graph_api.telemetry.metrics import REGISTRY
from tests.catalogs import entity, write
from tests.conftest import wipe
from tests.web.conftest import running
from tests.web.live import CHANGES, EVENTS, socket
from tests.web.test_request_limits import connect, request_head

ENDLESS = "UNWIND range(1, 10000000000) AS endless WITH endless WHERE endless < 0 RETURN endless"
ENDLESS_SQL = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
SOURCES = b'{"query": "{ sources { name } }"}'

PATIENT = {"insecure_anonymous": True, "deadline": 30, "request_deadline": 60}

Running = Callable[[], int]
"""How many endless questions the database works on."""


@pytest.fixture(params=["embedded", "neo4j"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Running]]:
    """A server whose database never comes to an end with `sources` and `changes`."""
    make = _neo4j if request.param == "neo4j" else _embedded
    with make(request, tmp_path, monkeypatch) as (settings, count):
        app = create_app(Settings.model_validate(settings | PATIENT))
        with running(app, app.state.live.close) as url:
            yield url, count


@contextmanager
def _embedded(
    _request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[dict[str, Any], Running]]:
    asyncio.run(_fill(EmbeddedStore(folder / "catalog.db")))
    running, lock = 0, threading.Lock()

    def never_end(conn: sqlite3.Connection, *_: object) -> Any:
        nonlocal running
        with lock:
            running += 1
        try:
            return conn.execute(ENDLESS_SQL).fetchall()
        finally:
            with lock:
                running -= 1

    for name in ("sources", "changes"):
        monkeypatch.setattr(journal, name, never_end)
    yield {"store": f"embedded:{folder / 'catalog.db'}"}, lambda: running


@contextmanager
def _neo4j(
    request: pytest.FixtureRequest, _folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[dict[str, Any], Running]]:
    driver: neo4j.Driver = request.getfixturevalue("neo4j_driver")
    uri, auth = request.getfixturevalue("neo4j_uri"), request.getfixturevalue("neo4j_auth")
    user, password = auth or ("neo4j", None)
    wipe(driver)
    asyncio.run(_fill(Neo4jStore(uri, user=user if password else None, password=password)))

    def count() -> int:
        rows = driver.execute_query("SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery").records
        return sum(row["currentQuery"] == ENDLESS for row in rows)

    for name in ("SOURCES", "CHANGES"):
        monkeypatch.setattr(cypher, name, ENDLESS)
    yield {"store": uri, "neo4j_user": user, "neo4j_password": password}, count
    wipe(driver)


async def _fill(store: Store) -> None:
    await store.open()
    await write(store, ChangeSet(entities=[entity("a")]))
    await store.close()


def seconds_until(count: Running, expected: int) -> float:
    begun = time.monotonic()
    while count() != expected:
        assert time.monotonic() - begun < 25
        time.sleep(0.02)
    return time.monotonic() - begun


@contextmanager
def request_of(url: str) -> Iterator[None]:
    """A request whose client goes away at the end."""
    with httpx.Client(base_url=url) as client, connect(client) as connection:
        connection.sendall(request_head(f"Content-Length: {len(SOURCES)}").replace(b"Host: x", b"Host: localhost"))
        connection.sendall(SOURCES)
        yield


@contextmanager
def events_of(url: str) -> Iterator[None]:
    body = {"query": CHANGES % "ref", "variables": {"since": 0}}
    with httpx.stream("POST", f"{url}/graphql", json=body, headers=EVENTS):
        yield


@contextmanager
def socket_of(url: str) -> Iterator[None]:
    with socket(url) as client:
        client.begin().subscribe(since=0)
        yield


@contextmanager
def subscription_of(url: str) -> Iterator[None]:
    """Only the subscription ends, its connection stays."""
    with socket(url) as client:
        client.begin().subscribe(since=0)
        yield
        client.send(type="complete", id="1")
        client.send(type="ping")
        assert client.read() == {"type": "pong"}


@pytest.mark.parametrize("way", [request_of, events_of, socket_of, subscription_of])
def test_what_a_client_leaves_ends_soon(
    served: tuple[str, Running], way: Callable[[str], AbstractContextManager[None]]
) -> None:
    """Each time long before its own end, and mostly within a second: a machine may stand still now and then."""
    url, count = served
    seconds = []
    for _ in range(5):
        with way(url):
            seconds_until(count, 1)
        seconds.append(seconds_until(count, 0))
    assert sorted(seconds)[2] < 1, seconds
    # Looks at what is new use one for a moment.
    seconds_until(lambda: int(REGISTRY.get_sample_value("graph_api_database_connections_in_use") or 0), 0)
