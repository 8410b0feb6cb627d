"""A Neo4j that goes away, or says nothing any more, and comes back: seen through a connection that can be cut."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import neo4j
import pytest

from graph_api.app import create_app
from graph_api.settings import Settings
from graph_api.store.neo4j import database, group_commit, statements
from graph_api.web import health
from tests.conftest import Run, wipe
from tests.lines import Cuttable, Line
from tests.patience import LONG
from tests.serving import everybody

DEADLINE = 3.0
SOON = 20.0
"""Seconds: longer than a busy machine may take beyond the deadline, and far less than what else ends a question."""
PING_TIMEOUT = health.PING_TIMEOUT
"""As the product has it."""
QUERY = "{ entities { totalCount } }"
PUT = 'mutation { putEntities(entities: [{kind: "component", name: "a"}]) { userErrors { code } } }'


@pytest.fixture
def empty(neo4j_driver: neo4j.Driver) -> Iterator[None]:
    wipe(neo4j_driver)
    yield
    wipe(neo4j_driver)


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("fault", [Line.DOWN, Line.SILENT])
def test_requests_end_while_the_database_is_away_and_work_again(
    neo4j_uri: str, neo4j_auth: tuple[str, str] | None, run: Run, fault: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PING_TIMEOUT", PING_TIMEOUT)
    # Nothing else ends them.
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 60.0)
    monkeypatch.setattr(group_commit, "LOCK_TIMEOUT", 60.0)
    monkeypatch.setattr(statements, "EXECUTE_TIMEOUT", 60.0)
    run(away_and_back(neo4j_uri, neo4j_auth, fault))


async def away_and_back(uri: str, auth: tuple[str, str] | None, fault: Line) -> None:
    address = urlsplit(uri)
    line = Cuttable(address.hostname or "127.0.0.1", address.port or 7687)
    async with line.listening():
        user, password = auth or ("neo4j", None)
        settings = Settings.model_validate(
            {
                "store": f"bolt://127.0.0.1:{line.port}",
                "neo4j_user": user,
                "neo4j_password": password,
                "deadline": DEADLINE,
                "request_deadline": DEADLINE,
            }
        )
        app = create_app(everybody(settings))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        ):
            await until_ready(client)
            await until_answered(client, PUT)
            line.set(fault)
            for query in (QUERY, PUT):
                started = time.monotonic()
                answer = await ask(client, query)
                assert answer["errors"][0]["extensions"]["code"] in ("UNAVAILABLE", "DEADLINE_EXCEEDED"), answer
                assert time.monotonic() - started < SOON
            assert (await client.get("/livez")).status_code == 200
            await until_ready(client, 503)
            line.set(Line.UP)
            await until_ready(client)
            assert await until_answered(client, QUERY) == {"entities": {"totalCount": 1}}


@pytest.mark.usefixtures("empty")
async def test_a_question_ends_at_its_deadline_and_leaves_the_answers_of_others(
    neo4j_uri: str, neo4j_auth: tuple[str, str] | None
) -> None:
    user, password = neo4j_auth or ("neo4j", "")
    values = {"store": neo4j_uri, "neo4j_user": user, "neo4j_password": password, "mirror": False}
    # Longer than the other question takes beside it on a busy machine.
    bounds = {"deadline": 2 * DEADLINE, "request_deadline": LONG}
    app = create_app(everybody(Settings.model_validate(values | bounds)))
    names = [f"c{number}" for number in range(60)]
    needed = [f"component:{name}" for name in names]
    entities = [{"kind": "component", "name": name, "spec": {"dependsOn": needed}} for name in names]
    put = "mutation($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { message } } }"
    wanted = '{name: {eq: "none"}}'
    for _ in range(8):
        wanted = f"{{related: [{{direction: OUT, some: {wanted}}}]}}"
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        await until_ready(client)
        body = {"query": put, "variables": {"entities": entities}}
        assert (await client.post("/graphql", json=body)).json()["data"]["putEntities"]["userErrors"] == []
        query = f'{{ slow: entities(filter: {wanted}) {{ totalCount }} entity(ref: "component:c1") {{ name }} }}'
        answer = await ask(client, query)
    assert answer["data"] == {"slow": None, "entity": {"name": "c1"}}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["DEADLINE_EXCEEDED"]


async def until_ready(client: httpx.AsyncClient, status: int = 200) -> None:
    async with asyncio.timeout(30):
        while (await client.get("/readyz")).status_code != status:  # noqa: ASYNC110 - another program gets ready
            await asyncio.sleep(0.2)


async def until_answered(client: httpx.AsyncClient, query: str) -> Any:
    """The first time, unless the machine stands still for as long as the deadline."""
    async with asyncio.timeout(30):
        while "errors" in (answer := await ask(client, query)):
            assert answer["errors"][0]["extensions"]["code"] in ("UNAVAILABLE", "DEADLINE_EXCEEDED"), answer
    return answer["data"]


async def ask(client: httpx.AsyncClient, query: str) -> Any:
    response = await client.post("/graphql", json={"query": query})
    return response.json()
