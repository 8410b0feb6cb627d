"""Webhooks: who knows a source's secret can have it synced, and nobody learns which sources there are."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api import schedule
from graph_api.access.audit import Outcome
from graph_api.catalog.changes import SyncStatus
from graph_api.feeding import feed
from graph_api.store.protocol import Store
from tests.conftest import OpenStore
from tests.feeding import write_services
from tests.serving import runs_of, runs_when, serving

SECRET = "a-secret-of-hooks"
BODY = b'{"ref": "refs/heads/main"}'


@pytest.fixture(autouse=True)
def with_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("EMPTY_SECRET", "")
    monkeypatch.delenv("UNSET_SECRET", raising=False)


@asynccontextmanager
async def hooked(store: Store, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Five sources, of which `shop` and `team/shop` have a secret."""
    shop = {"name": "shop", "paths": [str(write_services(Path("shop"), "checkout"))]}
    variables = {"shop": "HOOK_SECRET", "team/shop": "HOOK_SECRET", "empty": "EMPTY_SECRET", "unset": "UNSET_SECRET"}
    sources = [{**shop, "name": name, "webhook_secret_variable": variable} for name, variable in variables.items()]
    async with serving(store, *sources, {**shop, "name": "open"}, **settings) as client:
        yield client


def signature(body: bytes = BODY, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


SIGNED: list[Mapping[str, str]] = [
    {"X-Hub-Signature-256": signature()},
    {"X-Gitlab-Token": SECRET},
    {"Authorization": f"Bearer {SECRET}"},
    {"Authorization": f"bearer {SECRET}"},
]


@pytest.mark.parametrize("headers", SIGNED)
@pytest.mark.parametrize("source", ["shop", "team/shop"])
async def test_who_knows_the_secret_has_the_source_synced(
    store: Store, open_store: OpenStore, headers: Mapping[str, str], source: str
) -> None:
    watching = await open_store()
    async with hooked(store) as client:
        answer = await client.post(f"/hooks/{source}", content=BODY, headers=headers)
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
        (run,) = await runs_when(watching, source, len)
        assert run.status is SyncStatus.APPLIED


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": signature(b"another body")},
        {"X-Hub-Signature-256": signature(secret="another")},
        {"X-Hub-Signature-256": signature().removeprefix("sha256=")},
        {"X-Hub-Signature-256": ""},
        {"X-Gitlab-Token": SECRET[:-1]},
        {"X-Gitlab-Token": b"\xff\xfe"},
        {"Authorization": SECRET},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {SECRET}"},
    ],
)
async def test_who_does_not_is_refused(store: Store, open_store: OpenStore, headers: Any) -> None:
    watching = await open_store()
    async with hooked(store) as client:
        answer = await client.post("/hooks/shop", content=BODY, headers=headers)
        assert answer.status_code == 401
        assert SECRET not in answer.text
        await asyncio.sleep(0.2)
        assert await runs_of(watching, "shop") == []


@pytest.mark.parametrize("source", ["nowhere", "open", "empty", "unset", ""])
async def test_sources_without_a_secret_are_as_unknown_as_those_that_do_not_exist(
    store: Store, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {**SIGNED[0], **SIGNED[1], **SIGNED[2]}
    async with hooked(store) as client:
        answer = await client.post(f"/hooks/{source}", content=BODY, headers=headers)
        unknown = await client.post("/hooks/no-such-source", content=BODY, headers=headers)
    assert (answer.status_code, unknown.status_code) == (401, 401)
    assert answer.text == unknown.text
    told = [message for message in caplog.messages if "webhook secret" in message]
    assert told == [
        f"The source {name} has its webhook secret in {name.upper()}_SECRET, which is not set"
        for name in ("empty", "unset")
    ]


async def test_what_arrives_while_it_runs_is_one_more_run(
    store: Store, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def feed_slowly(*arguments: Any, **options: Any) -> Any:
        begun.set()
        await goes_on.wait()
        return await feed(*arguments, **options)

    monkeypatch.setattr(schedule, "feed", feed_slowly)
    watching = await open_store()
    async with hooked(store) as client:
        await client.post("/hooks/shop", headers=SIGNED[1])
        await begun.wait()
        answers = await asyncio.gather(*(client.post("/hooks/shop", headers=SIGNED[1]) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {202}
        goes_on.set()
        await runs_when(watching, "shop", lambda runs: len(runs) >= 2)
        await asyncio.sleep(1)
        assert len(await runs_of(watching, "shop")) == 2


async def test_who_asked_is_in_the_audit_log_once_the_source_is_synced(store: Store, open_store: OpenStore) -> None:
    watching = await open_store()
    assert await watching.lease("sync of shop", "another replica", 60)
    async with hooked(store) as client:
        for number in range(3):
            await client.post("/hooks/shop", headers={**SIGNED[1], "X-Request-Id": f"push-{number}"})
        assert await watching.lease("sync of shop", "another replica", 0)
        await runs_when(watching, "shop", len)
        sync, asked = [record.event for record in await watching.audit(9)]
    assert (sync.principal, sync.action, sync.source) == ("schedule", "sync", "shop")
    assert (asked.principal, asked.action, asked.outcome) == ("secret:shop", "hook", Outcome.APPLIED)
    assert (asked.source, asked.client, asked.request_id) == ("shop", "127.0.0.1", "push-0")
    assert asked.counts == {"requests": 3}


async def test_a_hook_is_heard_while_another_replica_is_at_the_source(store: Store, open_store: OpenStore) -> None:
    watching = await open_store()
    assert await watching.lease("sync of shop", "another replica", 60)
    async with hooked(store) as client:
        assert (await client.post("/hooks/shop", headers=SIGNED[1])).status_code == 202
        await asyncio.sleep(0.5)
        assert await runs_of(watching, "shop") == []
        assert await watching.lease("sync of shop", "another replica", 0)
        await runs_when(watching, "shop", len)


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda client: client.post("/hooks/shop", content=b"x" * 1001, headers=SIGNED[1]), 413),
        (lambda client: client.get("/hooks/shop", headers=SIGNED[1]), 405),
        (lambda client: client.post("/hooks/shop", headers={**SIGNED[1], "Host": "elsewhere.example.org"}), 421),
    ],
)
async def test_other_requests_are_refused(store: Store, ask: Callable[[httpx.AsyncClient], Any], status: int) -> None:
    async with hooked(store, max_received=1000) as client:
        assert (await ask(client)).status_code == status


async def test_who_is_refused_is_told_what_to_send(store: Store) -> None:
    async with hooked(store) as client:
        for name in ("shop", "nowhere"):
            signed = await client.post(f"/hooks/{name}", headers={"X-Hub-Signature-256": signature(b"x")})
            plain = await client.post(f"/hooks/{name}")
            assert "The webhook's secret is missing or wrong" in signed.text
            assert "send a token in the header `Authorization: Bearer ...`" in plain.text
