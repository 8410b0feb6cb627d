"""API keys: shown once, good until they expire or are revoked, and worthless but for one character."""

import asyncio
import json
import logging
import re
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from graph_api.access.keys import ApiKey
from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.backup.run import back_up, restore
from graph_api.settings import Settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import Store
from graph_api.web import known_keys
from tests.access.signing_in import ask, client_of, make_key
from tests.commands import run, served
from tests.conftest import OpenStore

TOKEN = re.compile(r"cat_[0-9a-f]{12}_[0-9a-f]{64}")
ADMIN = ["--name", "ann", "--role", "admin"]
SECONDS = known_keys.SECONDS
"""That a request waits for the store, as the product has it."""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:catalog.db")


def create(*arguments: str) -> str:
    result = run("keys", "create", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip()


async def test_a_key_lets_in_until_it_is_revoked_on_every_server(store: Store, open_store: OpenStore) -> None:
    token, key = await make_key(store, Role.VIEWER)
    async with (
        client_of(create_app(Settings(), await open_store())) as one,
        client_of(create_app(Settings(), await open_store())) as other,
    ):
        for client in (one, other):
            assert (await ask(client, token)).status_code == 200
        async with store.write() as tx:
            await tx.put_key(replace(key, revoked_at=int(time.time())))
        await asyncio.sleep(5)
        for client in (one, other):
            assert (await ask(client, token)).status_code == 401


async def test_a_key_that_another_version_wrote_opens_nothing_and_the_others_do(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "mixed.db")
    await store.open()
    token, _ = await make_key(store, Role.VIEWER)
    unknown, key = await make_key(store, Role.VIEWER, "newer")
    with sqlite3.connect(tmp_path / "mixed.db") as file:
        file.execute("UPDATE keys SET record = replace(record, '\"viewer\"', '\"curator\"') WHERE id = ?", (key.id,))
    async with client_of(create_app(Settings(), store)) as client:
        assert (await ask(client, unknown)).status_code == 401
        assert (await ask(client, token)).status_code == 200


@pytest.mark.parametrize("wrong", ["expired", "secret", "id", "prefix", "case", "longer", "of another store"])
async def test_no_other_key_lets_in(tmp_path: Path, wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    store = EmbeddedStore(tmp_path / "catalog.db")
    await store.open()
    token, key = await make_key(store, Role.ADMIN)
    if wrong == "expired":
        async with store.write() as tx:
            await tx.put_key(replace(key, expires_at=int(time.time())))
    last = "0" if token[-1] != "0" else "1"
    given = {
        "secret": token[:-1] + last,
        "id": token.replace(f"_{token[4]}", "_0" if token[4] != "0" else "_1", 1),
        "prefix": token.replace("cat_", "dog_"),
        "case": token.upper(),
        "longer": token + "0",
        "of another store": f"cat_{'0' * 12}_{'0' * 64}",
    }.get(wrong, token)
    async with client_of(create_app(Settings(), store)) as client:
        with caplog.at_level(logging.DEBUG):
            answer = await ask(client, given)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert given not in caplog.text


async def test_a_flood_of_wrong_keys_asks_the_store_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_keys, "FRESH", 60.0)  # longer than a busy machine may take over them

    class Counting(EmbeddedStore):
        asked = 0

        async def keys(self) -> list[ApiKey]:
            self.asked += 1
            return await super().keys()

    store = Counting(tmp_path / "catalog.db")
    async with client_of(create_app(Settings(), store)) as client:
        tokens = [f"cat_{number:012x}_{'0' * 64}" for number in range(100)]
        answers = await asyncio.gather(*(ask(client, token) for token in tokens))
    assert {answer.status_code for answer in answers} == {401}
    assert store.asked == 1


async def test_who_asks_a_server_whose_store_was_restored_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    store = EmbeddedStore(path)
    async with client_of(create_app(Settings(), store)) as client:
        token, _ = await make_key(store, Role.VIEWER)
        await back_up(store, tmp_path / "backup")
        other = EmbeddedStore(path)
        await other.open()
        await restore(other, tmp_path / "backup", replace=True)
        await other.close()
        for _ in range(2):
            answer = await ask(client, token)
            assert answer.status_code == 503
            assert answer.json()["errors"][0]["message"].endswith("restart the server")


async def test_nobody_waits_long_for_a_store_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the twenty does; a busy machine may take long over it, and one after the other they would for longer."""
    monkeypatch.setattr(known_keys, "SECONDS", SECONDS)

    class Silent(EmbeddedStore):
        async def keys(self) -> list[ApiKey]:
            return await asyncio.Future()

    async with client_of(create_app(Settings(), Silent(tmp_path / "catalog.db"))) as client:
        begin = time.monotonic()
        answers = await asyncio.gather(*(ask(client, f"cat_{'0' * 12}_{'0' * 64}") for _ in range(20)))
        assert time.monotonic() - begin < 10 * SECONDS
    assert {(row.status_code, row.json()["errors"][0]["extensions"]["code"]) for row in answers} == {
        (503, "UNAVAILABLE")
    }


def test_the_first_key_and_all_after_it() -> None:
    refused = run("serve")
    assert refused.exit_code == 2
    assert "graph-api keys create" in refused.stderr
    token = create(*ADMIN, "--expires", "30")
    assert TOKEN.fullmatch(token)
    assert token.split("_")[2].encode() not in Path("catalog.db").read_bytes()
    listed = run("keys", "list").stdout
    assert "ann" in listed
    assert token.split("_")[2] not in listed
    with served() as (printed, url):
        assert "INSECURE" not in printed
        query = {"query": "{ auditLog { nodes { event { principal action client refs } } } }"}
        assert httpx.post(f"{url}/graphql", json=query).status_code == 401
        answer = httpx.post(f"{url}/graphql", json=query, headers={"authorization": f"Bearer {token}"}).json()
    (node,) = answer["data"]["auditLog"]["nodes"]
    assert (node["event"]["principal"], node["event"]["action"]) == ("local", "createKey")
    assert node["event"]["client"].startswith("os:")
    assert node["event"]["refs"] == [f"key:ann {token.split('_')[1]}"]


def test_a_demo_is_open_only_as_long_as_there_are_no_keys() -> None:
    with served("--demo") as (printed, url):
        assert "INSECURE" in printed
    create(*ADMIN)
    with served("--demo") as (printed, url):
        assert "INSECURE" not in printed
        assert httpx.post(f"{url}/graphql", json={"query": "{ __typename }"}).status_code == 401


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--host", "0.0.0.0", "--insecure-anonymous"],
        ["serve", "--host", "0.0.0.0", "--demo"],
        ["keys", "create", "--name", "Ann!", "--role", "admin"],
        ["keys", "create", "--name", "a" * 64, "--role", "admin"],
        ["keys", "create", *ADMIN, "--expires", "366"],
        ["keys", "create", *ADMIN, "--expires", "0"],
        ["keys", "create", *ADMIN, "--source", "crm"],
        ["keys", "create", "--name", "ci", "--role", "ingestor"],
        ["keys", "create", "--name", "ci", "--role", "root"],
        ["keys", "create", "--name", "ci", "--role", "editor", "--group", "user:ann"],
    ],
)
def test_what_is_not_safe_is_refused(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_a_name_may_be_long_and_a_key_good_for_a_year() -> None:
    create("--name", "a" * 63, "--role", "admin", "--expires", "365")
    assert "a" * 63 in run("keys", "list").stdout


def test_an_editor_without_a_group_is_told_that_it_can_write_nothing() -> None:
    made = run("keys", "create", "--name", "pen", "--role", "editor")
    assert (made.exit_code, "It can write nothing" in made.stderr) == (0, True)
    made = run("keys", "create", "--name", "pencil", "--role", "editor", "--group", "web")
    assert (made.exit_code, "It can write nothing" in made.stderr) == (0, False)


def test_a_name_is_one_keys_at_a_time() -> None:
    id_ = create(*ADMIN).split("_")[1]
    again = run("keys", "create", *ADMIN)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "rotate or revoke it" in again.stderr
    run("keys", "revoke", id_)
    create(*ADMIN)


def test_a_key_is_rotated_with_an_overlap_and_revoked() -> None:
    first = create(*ADMIN)
    old_id = first.split("_")[1]
    rotated = run("keys", "rotate", old_id, "--overlap", "1")
    second = rotated.stdout.splitlines()[0]
    assert TOKEN.fullmatch(second)
    with served() as (_, url):
        for token in (first, second):
            assert status(url, token) == 200
        assert run("keys", "revoke", old_id).exit_code == 0
        time.sleep(5)
        assert [status(url, token) for token in (first, second)] == [401, 200]
    assert run("keys", "rotate", old_id).exit_code == 1
    assert run("keys", "revoke", "0" * 12).exit_code == 1
    assert "revoked" in run("keys", "list").stdout
    records = [json.loads(line) for line in run("audit", "list", "--json").stdout.splitlines()]
    assert [row["action"] for row in records] == ["revokeKey", "rotateKey", "createKey"]


def test_a_key_that_is_rotated_is_bound_as_before_and_the_old_one_is_never_good_for_longer() -> None:
    create("--name", "feed", "--role", "ingestor", "--source", "crm", "--expires", "1")
    create("--name", "pen", "--role", "editor", "--group", "web", "--group", "data", "--expires", "30")
    before = run("keys", "list").stdout.splitlines()
    for name in ("feed", "pen"):
        assert run("keys", "rotate", name, "--overlap", "720").exit_code == 0
    after = run("keys", "list").stdout.splitlines()
    assert [line for line in after if line in before] == before
    assert [line[14:] for line in after] == [line[14:] for line in before for _ in range(2)], "but for their ids"
    assert [line.rpartition("  ")[2] for line in before] == ["crm", "group:default/web, group:default/data"]


def test_a_key_is_found_by_its_name_as_long_as_one_has_it() -> None:
    first = create(*ADMIN)
    name = ADMIN[ADMIN.index("--name") + 1]
    rotated = run("keys", "rotate", name)
    assert (rotated.exit_code, first.split("_")[1] in rotated.stdout) == (0, True)
    both = run("keys", "revoke", name)
    assert both.exit_code == 1
    assert first.split("_")[1] in both.stderr
    assert run("keys", "revoke", first.split("_")[1]).exit_code == 0
    assert run("keys", "revoke", name).exit_code == 0
    assert run("keys", "list").stdout.count("revoked") == 2


def status(url: str, token: str) -> int:
    """Asking again while the store has not said which keys are good."""
    headers = {"authorization": f"Bearer {token}"}
    end = time.monotonic() + 30
    while True:
        found = httpx.post(f"{url}/graphql", json={"query": "{ __typename }"}, headers=headers).status_code
        if found != httpx.codes.SERVICE_UNAVAILABLE:
            return found
        assert time.monotonic() < end
