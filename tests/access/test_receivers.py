"""Webhooks and the receiver of events, for those who bear a token instead of the source's secret."""

from pathlib import Path

import pytest

from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.catalog.ref import Ref
from graph_api.settings import load_settings
from graph_api.store.embedded.store import EmbeddedStore
from tests.access.signing_in import client_of, make_key
from tests.feeding import write_services

EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-01-02T03:04:05Z",
    "producer": "https://example.org/producer",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": "01234567-0123-0123-0123-0123456789ab"},
    "job": {"namespace": "nightly", "name": "load"},
}
NAMES = ("shop", "lineage", "nowhere", "api:nowhere")
HOOKS = {
    "admin": (202, 202, 404, 404),
    "shop": (202, 403, 403, 403),
    "lineage": (403, 202, 403, 403),
    **dict.fromkeys(("viewer", "editor", "security", "auditor"), (403, 403, 403, 403)),
}
NOTHING: set[tuple[str, str | None]] = {*(("hook", name) for name in NAMES), ("lineage", None)}
REFUSED: dict[str, set[tuple[str, str | None]]] = {
    "admin": {("lineage", None)},
    "shop": {*(("hook", name) for name in NAMES[1:]), ("lineage", "shop")},
    "lineage": {("hook", name) for name in NAMES if name != "lineage"},
    **dict.fromkeys(("viewer", "editor", "security", "auditor"), NOTHING),
}


@pytest.mark.parametrize("anonymous", [False, True])
async def test_a_token_opens_what_its_role_may_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anonymous: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET", "a-secret")
    sources = [
        {"name": "shop", "paths": [str(write_services(Path("shop"), "checkout"))], "webhook_secret_variable": "SECRET"},
        {"name": "lineage", "paths": ["events"], "connectors": ["openlineage"]},
    ]
    store = EmbeddedStore(tmp_path / "catalog.db")
    await store.open()
    tokens = {
        "admin": (await make_key(store, Role.ADMIN, "admin"))[0],
        "shop": (await make_key(store, Role.INGESTOR, "shop", source="shop"))[0],
        "lineage": (await make_key(store, Role.INGESTOR, "lineage", source="lineage"))[0],
        **{
            role.value: (await make_key(store, role, role.value, groups=(Ref("group:default/web"),)))[0]
            for role in (Role.VIEWER, Role.EDITOR, Role.SECURITY, Role.AUDITOR)
        },
    }
    settings = load_settings(chosen={"sources": sources, "insecure_anonymous": anonymous})
    async with client_of(create_app(settings, store)) as client:
        for who, expected in HOOKS.items():
            headers = {"authorization": f"Bearer {tokens[who]}"}
            answers = [await client.post(f"/hooks/{name}", headers=headers) for name in NAMES]
            assert tuple(answer.status_code for answer in answers) == expected, who
            if who == "admin":
                assert "no source nowhere in `sources` has paths or a connector" in answers[2].text
            received = await client.post("/api/v1/lineage", json=EVENT, headers=headers)
            assert received.status_code == (201 if who == "lineage" else 403), who
        events = [record.event for record in await store.audit(99)]
        for who, expected_refusals in REFUSED.items():
            refused = [row for row in events if row.principal == f"key:{who}" and row.code == "FORBIDDEN"]
            assert len(refused) == len(expected_refusals)
            assert {(row.action, row.source) for row in refused} == expected_refusals
        for name in NAMES:
            answer = await client.post(f"/hooks/{name}")
            assert answer.status_code == 401
            assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await client.post("/api/v1/lineage", json=EVENT)).status_code == 401
