"""The receiver of OpenLineage events: what producers send is in the catalog soon, and after a restart too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.store.protocol import Store
from tests.conftest import OpenStore
from tests.disk import full_above
from tests.serving import runs_of, runs_when, serving

SECRET = "a-secret-of-producers"
BEARER = {"Authorization": f"Bearer {SECRET}"}
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGE_SECRET", SECRET)


def source(**more: Any) -> dict[str, Any]:
    configured = {"name": "lineage", "paths": ["events"], "connectors": ["openlineage"]}
    return {**configured, "webhook_secret_variable": "LINEAGE_SECRET", **more}


@asynccontextmanager
async def receiving(store: Store, *sources: dict[str, Any], **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(store, *(sources or [source()]), **settings) as client:
        yield client


def event(job: str, reads: str, type_: str = "COMPLETE", at: str = "2026-01-02T03:04:05Z") -> dict[str, Any]:
    return {
        "eventType": type_,
        "eventTime": at,
        "producer": "https://example.org/producer",
        "schemaURL": SCHEMA,
        "run": {"runId": "01234567-0123-0123-0123-0123456789ab"},
        "job": {"namespace": "nightly", "name": job},
        "inputs": [{"namespace": "postgres://db:5432", "name": f"shop.public.{reads}"}],
        "outputs": [],
    }


def kept() -> list[Path]:
    return list(Path("events").glob("*.json"))


async def reads_of(store: Store) -> dict[str, list[str]]:
    """What each job reads."""
    refs = [Ref(f"pipeline:openlineage-nightly/{job}") for job in ("load", "sum")]
    found = await store.neighbours(refs, Direction.OUT, ["READS_FROM"])
    return {
        ref.rpartition("/")[2]: [row.entity.name.rpartition(".")[2] for row in rows]
        for ref, rows in found.items()
        if rows
    }


async def test_an_event_and_a_list_of_events_are_in_the_catalog_soon(store: Store, open_store: OpenStore) -> None:
    watching = await open_store()
    async with receiving(store) as client:
        one = await client.post("/api/v1/lineage", json=event("load", "orders"), headers=BEARER)
        assert (one.status_code, one.json()) == (201, {"received": 1})
        await runs_when(watching, "openlineage:lineage", len)
        events = [event("load", "prices"), event("sum", "orders")]
        assert (await client.post("/api/v1/lineage", json=events, headers=BEARER)).json() == {"received": 2}
        await runs_when(watching, "openlineage:lineage", lambda runs: len(runs) == 2)
    assert await reads_of(watching) == {"load": ["prices"], "sum": ["orders"]}
    senders = [row.event for row in await watching.audit(9) if row.event.action == "lineage"]
    assert [(row.principal, row.source) for row in senders] == [("secret:lineage", "lineage")] * 2
    assert len(kept()) == 2, "the next event of a job takes the place of the one before"


async def test_a_restart_keeps_what_was_received(store: Store, open_store: OpenStore) -> None:
    second, watching = await open_store(), await open_store()
    async with receiving(store) as client:
        await client.post("/api/v1/lineage", json=event("load", "orders"), headers=BEARER)
        await runs_when(watching, "openlineage:lineage", len)
    async with receiving(second) as client:
        await client.post("/api/v1/lineage", json=event("sum", "orders"), headers=BEARER)
        await runs_when(watching, "openlineage:lineage", lambda runs: len(runs) == 2)
    assert await reads_of(watching) == {"load": ["orders"], "sum": ["orders"]}


@pytest.mark.parametrize(
    ("at", "stays"),
    [
        ("2026-01-02T03:04:04Z", "orders"),
        ("2026-01-02T03:04:05Z", "prices"),
        ("2026-01-02T03:04:06+00:00", "prices"),
        ("2026-01-02T04:04:04+01:00", "orders"),
        ("", "orders"),
    ],
)
async def test_an_event_that_comes_late_does_not_take_the_place_of_a_newer_one(
    store: Store, at: str, stays: str
) -> None:
    async with receiving(store) as client:
        for sent in (event("load", "orders"), event("load", "prices", at=at)):
            assert (await client.post("/api/v1/lineage", json=sent, headers=BEARER)).status_code == 201
    [file] = kept()
    assert f"shop.public.{stays}" in file.read_text(encoding="utf-8")


async def test_a_clock_that_is_ahead_does_not_keep_out_what_comes_later(store: Store) -> None:
    async with receiving(store) as client:
        for reads, at in (("orders", "9999-12-31T23:59:59Z"), ("prices", iso(60)), ("rates", iso(-60))):
            sent = event("load", reads, at=at)
            assert (await client.post("/api/v1/lineage", json=sent, headers=BEARER)).status_code == 201
    [file] = kept()
    assert "shop.public.prices" in file.read_text(encoding="utf-8"), "a minute ahead is believed"


async def test_what_comes_too_far_ahead_is_no_older_than_what_is_kept(store: Store) -> None:
    async with receiving(store) as client:
        for reads, at in (("orders", iso(-60)), ("prices", iso(86_400))):
            await client.post("/api/v1/lineage", json=event("load", reads, at=at), headers=BEARER)
    assert "shop.public.prices" in kept()[0].read_text(encoding="utf-8")


def iso(seconds: float) -> str:
    """So many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_of_events_that_come_at_once_the_newest_is_kept(store: Store) -> None:
    """Threads of their own go through both lists, side by side."""
    jobs = [f"load{number}" for number in range(1_000)]
    async with receiving(store) as client:
        lists = [[event(job, reads, at=at) for job in jobs] for reads, at in (("prices", iso(-1)), ("orders", iso(-2)))]
        posts = [client.post("/api/v1/lineage", json=events, headers=BEARER) for events in lists]
        assert [answer.status_code for answer in await asyncio.gather(*posts)] == [201, 201]
    assert len(kept()) == 1_000
    assert not [file for file in kept() if "shop.public.orders" in file.read_text(encoding="utf-8")]


async def test_a_file_that_was_spoiled_gives_way(store: Store) -> None:
    async with receiving(store) as client:
        await client.post("/api/v1/lineage", json=event("load", "orders"), headers=BEARER)
        kept()[0].write_text("{", encoding="utf-8")
        await client.post("/api/v1/lineage", json=event("load", "prices"), headers=BEARER)
    assert "shop.public.prices" in kept()[0].read_text(encoding="utf-8")


async def test_jobs_whose_names_differ_after_a_question_mark_have_a_file_each(store: Store) -> None:
    async with receiving(store) as client:
        events = [event("load?full", "orders"), event("load?inc", "prices")]
        assert (await client.post("/api/v1/lineage", json=events, headers=BEARER)).status_code == 201
    assert len(kept()) == 2


async def test_what_a_full_disk_does_not_take_is_to_be_sent_again(store: Store) -> None:
    large = event("load", "prices") | {"run": {"runId": "x" * 3_000_000}}
    async with receiving(store) as client:
        await client.post("/api/v1/lineage", json=event("load", "orders"), headers=BEARER)
        with full_above(2_000_000):
            answer = await client.post("/api/v1/lineage", json=large, headers=BEARER)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
    assert "shop.public.orders" in kept()[0].read_text(encoding="utf-8")
    assert not list(Path.cwd().rglob("*.part"))


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b'{"eventTime": "2026-01-02T03:04:05Z"}', 400),
        (b"[" * 500 + b"]" * 500, 400),
        (b" " * 2001, 413),
    ],
)
async def test_what_is_no_event_is_refused_and_not_kept(store: Store, content: bytes, status: int) -> None:
    async with receiving(store, max_received=2000) as client:
        answer = await client.post("/api/v1/lineage", content=content, headers=BEARER)
    assert answer.status_code == status
    assert kept() == []


async def test_a_list_with_a_wrong_item_is_refused_as_a_whole(store: Store) -> None:
    async with receiving(store) as client:
        answer = await client.post("/api/v1/lineage", json=[event("load", "orders"), {}], headers=BEARER)
    assert answer.status_code == 400
    assert "item 1 is no OpenLineage event" in answer.text
    assert kept() == []


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer another"}, {"X-Gitlab-Token": SECRET}])
async def test_who_does_not_bear_the_secret_is_refused(
    store: Store, open_store: OpenStore, headers: dict[str, str]
) -> None:
    watching = await open_store()
    async with receiving(store) as client:
        answer = await client.post("/api/v1/lineage", json=event("load", "orders"), headers=headers)
        assert answer.status_code == 401
        await asyncio.sleep(0.2)
        assert await runs_of(watching, "openlineage:lineage") == []


@pytest.mark.parametrize(
    ("configured", "status"),
    [(source(webhook_secret_variable="UNSET_SECRET"), 401), (source(connectors=["files"]), 404)],
)
async def test_without_a_secret_or_a_source_nothing_is_received(
    store: Store, configured: dict[str, Any], status: int
) -> None:
    async with receiving(store, configured) as client:
        answer = await client.post("/api/v1/lineage", json=event("load", "orders"), headers=BEARER)
    assert answer.status_code == status
