"""The parts of one answer are of one revision, whoever writes meanwhile."""

import asyncio
import json
from contextvars import Context
from functools import partial
from typing import Any

import pytest

from graph_api import edits
from graph_api.access.audit import LOCAL_SYNC
from graph_api.access.principal import Role
from graph_api.app import create_app, source_order
from graph_api.catalog.ref import Ref
from graph_api.graphql import execution
from graph_api.settings import Settings
from graph_api.store.embedded.reading import EmbeddedReading
from graph_api.store.mirror import mirror
from graph_api.store.neo4j.reading import Neo4jReading
from graph_api.store.protocol import Reading, Store
from tests.access.signing_in import ask, client_of, make_key
from tests.conftest import Run, on_mirror_too
from tests.graphql.conftest import Client

QUERY = """{
  entities { revision nodes { title dependencies { revision nodes { title } } } }
  again: entities { revision nodes { title } }
  syncs(first: 1) { nodes { revision } }
}"""


class Writer:
    """Writes before the store answers a question, if any are `left` to do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: Store, question: str) -> None:
        monkeypatch.setattr(mirror, "PATIENCE", 20.0)
        self._store = store
        self.left = self.writes = 0
        for reading in (EmbeddedReading, Neo4jReading):
            monkeypatch.setattr(reading, question, self._writing_before(getattr(reading, question)))

    def _writing_before(self, ask: Any) -> Any:
        async def write_and_ask(reading: Reading, *arguments: Any, **named: Any) -> Any:
            if self.left:
                self.left -= 1
                await self.write()
            return await ask(reading, *arguments, **named)

        return write_and_ask

    async def write(self) -> None:
        self.writes += 1
        title = f"title {self.writes}"
        puts = [
            edits.EntityPut({"apiVersion": "backstage.io/v1", "kind": "Component", "metadata": metadata, "spec": spec})
            for name, spec in (("a", {"dependsOn": ["component:b"]}), ("b", {}))
            for metadata in ({"name": name, "title": title},)
        ]
        put = partial(edits.put_entities, self._store, source_order(Settings()), "api", puts)
        assert not (await put(by=LOCAL_SYNC, dry_run=False)).errors
        # A mirror may answer at the revision before, all parts alike, until it has been brought along. A request in
        # which it was once current does not wait for that, so it is another one that asks.
        await asyncio.create_task(self._store.revision(), context=Context())


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch, store: Store, run: Run) -> Writer:
    """Between the levels of an answer: before what is beside entities."""
    monkeypatch.setattr(execution, "LONG", 60.0)
    writer = Writer(monkeypatch, store, "neighbours")
    run(store.open())
    run(writer.write())
    return writer


def beside(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [data["entities"], data["again"], *(node["dependencies"] for node in data["entities"]["nodes"])]


@on_mirror_too
def test_an_answer_that_a_write_has_met_is_read_anew(writer: Writer, client: Client) -> None:
    writer.left = execution.TRIES - 1
    data = client.ask(QUERY)
    lists = beside(data)
    assert writer.writes == execution.TRIES
    (revision,) = {row["revision"] for row in lists}
    assert revision > 1
    assert data["syncs"]["nodes"] == [{"revision": revision}]
    assert {node["title"] for row in lists for node in row["nodes"]} == {f"title {revision}"}


def test_beside_writers_without_a_pause_it_is_answered_all_the_same(writer: Writer, client: Client) -> None:
    writer.left = 100
    lists = beside(client.ask(QUERY))
    assert writer.writes == 1 + execution.TRIES
    assert len({row["revision"] for row in lists}) > 1


def test_an_answer_that_takes_long_is_not_read_anew(
    writer: Writer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "LONG", 0.0)
    writer.left = 1
    lists = beside(client.ask(QUERY))
    assert {row["revision"] for row in lists} == {1, 2}


@on_mirror_too
async def test_what_a_reader_sees_is_looked_up_anew_with_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "LONG", 60.0)
    writer = Writer(monkeypatch, store, "page")
    await store.open()
    token, _ = await make_key(store, Role.VIEWER, groups=(Ref("group:default/web"),))
    await writer.write()
    async with client_of(create_app(Settings(), store)) as http:
        writer.left = 1
        response = await ask(http, token, QUERY.replace("syncs(first: 1) { nodes { revision } }", ""))
    data = json.loads(response.text)["data"]
    lists = beside(data)
    (revision,) = {row["revision"] for row in lists}
    assert {node["title"] for row in lists for node in row["nodes"]} == {f"title {revision}"}
