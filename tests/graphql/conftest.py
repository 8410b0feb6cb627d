import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import neo4j
import pytest

from graph_api.app import create_app
from graph_api.settings import Settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import Store
from tests.conftest import Run, store_maker, wipe
from tests.demo import load
from tests.serving import everybody


class Client:
    """Speaks GraphQL over HTTP to an application in this process."""

    def __init__(self, store: Store, run: Run, settings: Settings) -> None:
        self.store = store
        self._app = create_app(everybody(settings), store)
        self._lifespan = self._app.router.lifespan_context(self._app)
        self._run = run

    async def start(self) -> None:
        """As a deployment does: not before it is ready, so that nothing of the start runs beside the test."""
        await self._lifespan.__aenter__()
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - from outside there is no event
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        await self._lifespan.__aexit__(None, None, None)

    def post(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole response body."""
        body: dict[str, Any] = self._run(self.send(query, **variables))
        return body

    async def send(self, query: str, **variables: Any) -> Any:
        """As post, for several at a time."""
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            response = await client.post("/graphql", json={"query": query, "variables": variables})
        assert response.status_code == 200, response.text
        return json.loads(response.text)

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = self.post(query, **variables)
        assert "errors" not in body, body
        return body["data"]

    def code(self, query: str, **variables: Any) -> str:
        """The code of the first error."""
        body = self.post(query, **variables)
        assert "errors" in body, body
        code: str = body["errors"][0]["extensions"]["code"]
        return code


@pytest.fixture
def client(store: Store, run: Run) -> Iterator[Client]:
    """An empty catalog."""
    client = Client(store, run, Settings())
    run(client.start())
    yield client
    run(client.stop())


@pytest.fixture(scope="module", params=["embedded", "neo4j"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run: Run) -> Iterator[Client]:
    """The demo organization, loaded once a module: no test of the module may write or ask for another store."""
    store = store_maker(request, tmp_path_factory.mktemp("demo"))(None)
    client = Client(store, run, Settings(rate=100_000))  # some tests ask more at once than any one caller may
    run(client.start())
    run(load(store))
    yield client
    run(client.stop())


@pytest.fixture
def on_both_stores(
    tmp_path: Path, run: Run, neo4j_uri: str, neo4j_driver: neo4j.Driver, neo4j_auth: tuple[str, str] | None
) -> Iterator[tuple[Client, Client]]:
    """Two empty catalogs: embedded and Neo4j."""
    wipe(neo4j_driver)
    user, password = neo4j_auth or (None, None)
    stores = EmbeddedStore(tmp_path / "catalog.db"), Neo4jStore(neo4j_uri, user=user, password=password)
    settings = Settings(max_cost=1_000_000, rate=100_000)  # some tests ask for every field at once
    clients = Client(stores[0], run, settings), Client(stores[1], run, settings)
    for client in clients:
        run(client.start())
    yield clients
    for client in clients:
        run(client.stop())
