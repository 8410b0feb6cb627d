"""The port of operators: health with reasons, and metrics that tell what happened and nothing secret."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from graph_api.app import create_app
from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import make_ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import load_settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import Store
from graph_api.sync import sync
from graph_api.web import admin
from tests.commands import readiness, served
from tests.serving import everybody

Samples = dict[tuple[str, ...], float]


@asynccontextmanager
async def clients(store: Store, **settings: Any) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """The client's and the operator's."""
    app = create_app(everybody(load_settings(chosen=settings)), store)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client,
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app.admin), base_url="http://127.0.0.1") as operator,
    ):
        yield client, operator


def read(name: str) -> EntityStatement:
    ref = make_ref("component", "default", name)
    return EntityStatement(ref=ref, name=name, kind="Component", document="d", location="d:1")


async def samples(operator: httpx.AsyncClient) -> Samples:
    """By name and values of labels, in the order of the labels' names."""
    answer = await operator.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def gained(before: Samples, after: Samples, *key: str) -> float:
    return after[key] - before.get(key, 0)


async def test_requests_are_counted_by_type_and_outcome(store: Store) -> None:
    async with clients(store) as (client, operator):
        before = await samples(operator)
        await client.post("/graphql", json={"query": "{ entities { totalCount } }"})
        await client.post("/graphql", json={"query": '{ entity(ref: "?") { ref } }'})
        await client.post("/graphql", json={"query": "{ nothing }"})
        await client.get("/nowhere")
        await client.get("/readyz")
        after = await samples(operator)
    outcomes = [("OK", "query"), ("BAD_REF", "query"), ("GRAPHQL_INVALID", "http"), ("BAD_REQUEST", "http")]
    assert [gained(before, after, "graph_api_requests_total", *outcome) for outcome in outcomes] == [1, 1, 1, 1]
    assert gained(before, after, "graph_api_request_seconds_count", "query") == 2
    assert gained(before, after, "graph_api_store_seconds_count", "count") >= 1
    assert [key[0] for key in after if "build_info" in key[0]] == ["graph_api_build_info"]


async def test_sources_tell_how_old_they_are_and_what_is_held(store: Store) -> None:
    async with clients(store) as (_, operator):
        for count in (20, 0):
            said = [read(f"s{n}") for n in range(count)]
            snapshot = Snapshot(source="shop", connector="files", entities={row.ref: row for row in said})
            await sync(store, snapshot, SourceOrder())
        after = await samples(operator)
    assert 0 <= after["graph_api_source_seconds_since_seen", "shop"] < 60
    assert after["graph_api_source_held", "shop"] == 1
    assert after["graph_api_source_failed", "shop"] == 0
    assert after["graph_api_store_up",] == 1


async def test_names_that_writers_make_up_are_no_more_than_a_scrape_holds(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "MAX_SOURCES", 2)
    async with clients(store) as (client, operator):
        for name in ("api:one", "api:two"):
            entity = f'{{kind: "Component", name: "{name[4:]}"}}'
            query = f'mutation {{ putEntities(source: "{name}", entities: [{entity}]) {{ revision }} }}'
            await client.post("/graphql", json={"query": query})
        await sync(store, Snapshot(source="shop", connector="files"), SourceOrder())
        after = await samples(operator)
    assert [labels for name, *labels in after if name == "graph_api_source_failed"] == [["shop"], ["api:one"]]


async def test_metrics_are_told_while_the_store_is_away(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "catalog.db")
    async with clients(store) as (_, operator):
        await store.close()
        assert (await samples(operator))["graph_api_store_up",] == 0


async def test_a_page_of_another_name_reads_no_metrics(tmp_path: Path) -> None:
    async with clients(EmbeddedStore(tmp_path / "catalog.db")) as (_, operator):
        assert (await operator.get("/metrics", headers={"host": "evil.example"})).status_code == 421


async def test_the_clients_port_has_no_metrics(tmp_path: Path) -> None:
    async with clients(EmbeddedStore(tmp_path / "catalog.db")) as (client, _):
        assert (await client.get("/metrics")).status_code == 404


def test_the_command_serves_operators_on_a_port_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with served("--insecure-anonymous", "--admin-port", "0") as (printed, url):
        admin = printed.partition("/metrics at ")[2].split()[0]
        assert admin != url
        assert readiness(admin).json() == {"status": "ok"}
        assert [httpx.get(f"{admin}{path}").status_code for path in ("/livez", "/metrics")] == [200] * 2
        assert httpx.get(f"{admin}/graphql").status_code == 404
