"""Writes that are sent again under their idempotencyKey."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.graphql.schema import schema
from graph_api.settings import Settings
from graph_api.store.embedded import idempotency as kept_answers
from graph_api.store.embedded.store import EmbeddedStore
from tests.access.signing_in import ask, client_of, make_key
from tests.conftest import Run
from tests.graphql.conftest import Client

PAYLOAD = "{ revision replayed changes { ref operation } userErrors { path code message } warnings { message } }"
SYNC = "{ replayed changes { ref operation } userErrors { code } sync { id status revision counts { entitiesAdded } } }"
PUT = f"""mutation($entities: [EntityInput!]!, $key: String, $dry: Boolean! = false) {{
  putEntities(entities: $entities, idempotencyKey: $key, dryRun: $dry) {PAYLOAD}
}}"""
SNAPSHOT = f"""mutation($entities: [EntityInput!]!, $key: String, $dry: Boolean! = false) {{
  applySnapshot(source: "s", entities: $entities, idempotencyKey: $key, dryRun: $dry) {SYNC}
}}"""
CONFIRM = f"mutation($id: ID!, $key: String) {{ confirmSync(id: $id, idempotencyKey: $key) {SYNC} }}"


def entities(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"kind": "Component", "name": name, **more} for name in names]


def put(client: Client, key: str | None, *names: str, dry: bool = False, **more: Any) -> Any:
    return client.ask(PUT, entities=entities(*names, **more), key=key, dry=dry)["putEntities"]


def test_the_same_write_is_done_once_and_answered_alike(client: Client) -> None:
    first = put(client, "k", "a", "b")
    assert (first["replayed"], first["revision"], len(first["changes"])) == (False, 1, 2)
    put(client, None, "a", title="another since then")
    again = put(client, "k", "a", "b")
    assert again == first | {"replayed": True}
    assert client.ask('{ entity(ref: "component:a") { title } }') == {"entity": {"title": "another since then"}}
    assert put(client, "another key", "a", "b")["revision"] == 3


def test_another_write_under_the_same_key_is_refused(client: Client) -> None:
    put(client, "k", "a")
    assert client.code(PUT, entities=entities("b"), key="k") == "IDEMPOTENCY_MISMATCH"
    assert client.code(SNAPSHOT, entities=entities("a"), key="k") == "IDEMPOTENCY_MISMATCH"
    assert client.ask("{ entities { totalCount } }") == {"entities": {"totalCount": 1}}


def test_other_entities_or_another_order_of_them_are_another_write(client: Client) -> None:
    put(client, "k", "a", "b")
    for names in ("a", "b", "ba", "abc", *"cdefghijklmnop"):
        assert client.code(PUT, entities=entities(*names), key="k") == "IDEMPOTENCY_MISMATCH"


@pytest.mark.parametrize("what", ["entities", "links"])
def test_another_mutation_is_another_write_also_where_nothing_is_asked_of_it(client: Client, what: str) -> None:
    put_nothing, remove_nothing = (
        f'mutation {{ {verb}{what.title()}({what}: [], idempotencyKey: "k") {PAYLOAD} }}' for verb in ("put", "remove")
    )
    assert [client.ask(put_nothing)[f"put{what.title()}"]["replayed"] for _ in range(2)] == [False, True]
    assert client.code(remove_nothing) == "IDEMPOTENCY_MISMATCH"


def test_a_write_is_the_same_in_whatever_order_its_fields_are_sent(client: Client) -> None:
    first = put(client, "k", "a", spec={"type": "service", "lifecycle": "production"})
    again = put(client, "k", "a", spec={"lifecycle": "production", "type": "service"})
    assert again == first | {"replayed": True}


@pytest.mark.parametrize("open_store", ["embedded"], indirect=True)
def test_a_key_is_remembered_for_a_day(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.time()
    replayed = []
    for seconds in (0, 86_000, 87_000):
        monkeypatch.setattr(kept_answers, "time", SimpleNamespace(time=lambda seconds=seconds: begun + seconds))
        replayed.append(put(client, "k", "a")["replayed"])
    assert replayed == [False, True, False]


def test_many_at_once_under_one_key_have_one_effect(client: Client, run: Run) -> None:
    async def send_all() -> list[Any]:
        return await asyncio.gather(*(client.send(PUT, entities=entities("a"), key="k") for _ in range(8)))

    answers = [answer["data"]["putEntities"] for answer in run(send_all())]
    assert sorted(answer["replayed"] for answer in answers) == [False] + [True] * 7
    assert {(answer["revision"], answer["changes"][0]["operation"]) for answer in answers} == {(1, "CREATED")}


def test_a_dry_run_leaves_the_key_alone(client: Client) -> None:
    assert put(client, "k", "a", dry=True)["changes"]
    assert (put(client, "k", "b")["replayed"], put(client, "k", "a", dry=True)["replayed"]) == (False, False)


def test_a_sync_that_is_only_tried_out_leaves_nothing_but_a_record(client: Client) -> None:
    tried = client.ask(SNAPSHOT, entities=entities("a"), key="k", dry=True)["applySnapshot"]
    assert (tried["sync"]["status"], tried["changes"]) == (
        "APPLIED",
        [{"ref": "component:default/a", "operation": "CREATED"}],
    )
    left = client.ask(
        "{ entities { totalCount revision } sources { name } syncs { nodes { id } } "
        "auditLog { nodes { event { action outcome } } } }"
    )
    assert left == {
        "entities": {"totalCount": 0, "revision": 0},
        "sources": [],
        "syncs": {"nodes": []},
        "auditLog": {"nodes": [{"event": {"action": "applySnapshot", "outcome": "DRY_RUN"}}]},
    }
    assert client.ask(SNAPSHOT, entities=entities("b"), key="k")["applySnapshot"]["replayed"] is False


def test_what_was_refused_is_refused_alike(client: Client) -> None:
    refused = put(client, "k", "a", expectedRevision=7)
    assert [error["code"] for error in refused["userErrors"]] == ["CONFLICT"]
    for name in "bcdefg":
        put(client, None, name)
    put(client, None, "a")
    assert put(client, "k", "a", expectedRevision=7) == refused | {"replayed": True}


def test_syncs_and_their_confirmation_are_done_once(client: Client) -> None:
    many = entities(*(f"n{number}" for number in range(30)))
    first = client.ask(SNAPSHOT, entities=many, key="1")["applySnapshot"]
    assert (first["sync"]["status"], len(first["changes"])) == ("APPLIED", 30)
    assert client.ask(SNAPSHOT, entities=many, key="1")["applySnapshot"] == first | {"replayed": True}
    held = client.ask(SNAPSHOT, entities=[], key="2")["applySnapshot"]["sync"]
    assert held["status"] == "HELD"
    confirmed = client.ask(CONFIRM, id=held["id"], key="3")["confirmSync"]
    assert (confirmed["sync"]["status"], confirmed["replayed"]) == ("CONFIRMED", False)
    assert client.ask(CONFIRM, id=held["id"], key="3")["confirmSync"] == confirmed | {"replayed": True}
    assert client.code(CONFIRM, id=held["id"]) == "CONFLICT"
    assert len(client.ask("{ syncs { nodes { id } } }")["syncs"]["nodes"]) == 2


@pytest.mark.parametrize("mutation", ["removeEntities", "putLinks", "removeLinks"])
def test_every_other_mutation_takes_a_key(client: Client, mutation: str) -> None:
    put(client, None, "a", "b")
    link = '{from: "component:a", relation: DEPENDS_ON, to: "component:b"}'
    client.ask(f"mutation {{ putLinks(links: [{link.replace('DEPENDS_ON', 'RUNS_ON')}]) {PAYLOAD} }}")
    items = {
        "removeEntities": 'entities: [{ref: "component:b"}]',
        "putLinks": f"links: [{link}]",
        "removeLinks": f"links: [{link.replace('DEPENDS_ON', 'RUNS_ON')}]",
    }
    document = f'mutation {{ {mutation}({items[mutation]}, idempotencyKey: "k") {PAYLOAD} }}'
    first = client.ask(document)[mutation]
    assert (first["userErrors"], bool(first["changes"])) == ([], True)
    assert client.ask(document)[mutation] == first | {"replayed": True}


def test_no_mutation_is_without_a_key() -> None:
    mutations = schema._schema.mutation_type
    assert mutations
    assert [name for name, field in mutations.fields.items() if "idempotencyKey" not in field.args] == []


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
def test_a_key_is_a_short_printable_text(client: Client, key: str) -> None:
    assert client.code(PUT, entities=entities("a"), key=key) == "BAD_INPUT"


@pytest.mark.parametrize("key", ["x" * 255, "ein Schlüssel"])
def test_a_key_of_the_greatest_length_or_of_any_script_is_one(client: Client, key: str) -> None:
    assert [put(client, key, "a")["replayed"] for _ in range(2)] == [False, True]


def test_keys_are_told_apart_as_they_are_written(client: Client) -> None:
    answers = [put(client, key, name) for key, name in zip(("k", "K", " k", "k "), "abcd", strict=True)]
    assert [(answer["replayed"], answer["revision"]) for answer in answers] == [
        (False, place) for place in (1, 2, 3, 4)
    ]


async def test_a_key_is_of_one_principal(tmp_path: Path) -> None:
    """Of bo, too, whose name and key are those of bob in one."""
    store = EmbeddedStore(tmp_path / "catalog.db")
    await store.open()
    tokens = [(await make_key(store, Role.ADMIN, name))[0] for name in ("ann", "bob", "bo")]
    async with client_of(create_app(Settings(), store)) as client:
        answers = [
            (await ask(client, token, PUT, entities=entities(name), key=key)).json()["data"]["putEntities"]
            for token, name, key in zip(tokens, "abc", ("k", "k", "bk"), strict=True)
        ]
    assert [(answer["replayed"], answer["revision"]) for answer in answers] == [(False, 1), (False, 2), (False, 3)]
