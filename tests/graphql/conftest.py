import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from graph_api.app import create_app
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from tests.conftest import Run, store_maker
from tests.demo import load


class Client:
    """Speaks GraphQL over HTTP to an application in this process."""

    def __init__(self, store: Store, run: Run, settings: Settings) -> None:
        self._app = create_app(settings, store)
        self._lifespan = self._app.router.lifespan_context(self._app)
        self._run = run

    async def start(self) -> None:
        await self._lifespan.__aenter__()

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
    client = Client(store, run, Settings())
    run(client.start())
    run(load(store))
    yield client
    run(client.stop())
