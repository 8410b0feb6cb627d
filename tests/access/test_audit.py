"""The audit log cannot be changed unnoticed, and says from where somebody came."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import neo4j
import pytest

from graph_api.access.audit import Attempt, Outcome, Record
from graph_api.store.protocol import Store
from tests.access.signing_in import breach
from tests.catalogs import AT
from tests.commands import run, served, write
from tests.conftest import OpenStore
from tests.serving import serving

QUERY = "{ auditLog { nodes { sequence event { principal client action outcome code source refs run } } } }"
PUT = 'mutation { putEntities(entities: [{kind: "Component", name: "a"}]) { revision } }'


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:catalog.db")


def fill() -> str:
    """Three records; the head."""
    for name in ("a", "b", "c"):
        assert run("sync", write(name)).exit_code == 0
    return head()


def head() -> str:
    result = run("audit", "verify")
    assert result.exit_code == 0, result.stderr
    return result.stdout.split("Head: ")[1].strip()


def tamper(*statements: str, guarded: bool = False) -> None:
    """Behind the store's back."""
    with sqlite3.connect("catalog.db") as conn:
        for name in () if guarded else ("audit_is_not_changed", "audit_is_not_deleted"):
            conn.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            conn.execute(statement)
    conn.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET body = body", "DELETE FROM audit", "DELETE FROM audit WHERE 1"]
)
def test_rows_of_the_file_are_neither_changed_nor_deleted(statement: str) -> None:
    fill()
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        tamper(statement, guarded=True)
    head()


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE audit SET body = replace(body, 'local', 'someone') WHERE sequence = 2", "record 2 was changed"),
        ("UPDATE audit SET previous = hash WHERE sequence = 2", "record 2 was changed"),
        ("UPDATE audit SET hash = previous WHERE sequence = 2", "record 2 is missing or another"),
        ("DELETE FROM audit WHERE sequence = 1", "record 1 is missing"),
        ("DELETE FROM audit WHERE sequence = 2", "record 2 is missing"),
        ("DELETE FROM audit WHERE sequence = 3", "record 3 is missing"),
        ("DELETE FROM audit", "record 3 is missing"),
        ("UPDATE audit SET sequence = 9 - sequence", "record 3 is missing"),
        ("UPDATE catalog SET audit_sequence = 2", "record 2 is missing or another"),
    ],
)
def test_verify_finds_what_was_changed(statement: str, complaint: str) -> None:
    fill()
    tamper(statement)
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert complaint in result.stderr


def test_a_log_that_is_made_anew_is_found_by_its_head() -> None:
    known = fill()
    assert run("audit", "verify", "--head", known).exit_code == 0
    tamper("DELETE FROM audit", "UPDATE catalog SET audit_sequence = 0, audit_hash = ''")
    forged = fill()
    assert run("audit", "verify", "--head", forged).exit_code == 0
    result = run("audit", "verify", "--head", known)
    assert result.exit_code == 1
    assert "is not in it" in result.stderr


def test_a_head_that_is_none_is_no_alarm() -> None:
    fill()
    for head in ("foo", "3", "3:", "3:XYZ"):
        result = run("audit", "verify", "--head", head)
        assert (result.exit_code, "write N:HASH" in result.stderr) == (2, True)


BEHIND_NEO4J = {
    "changed": "MATCH (a:AuditRecord {sequence: 2}) SET a.body = replace(a.body, 'local', 'someone')",
    "deleted": "MATCH (a:AuditRecord {sequence: 2}) DELETE a",
    "cut": "MATCH (a:AuditRecord {sequence: 3}) DELETE a",
}


@pytest.mark.parametrize("how", BEHIND_NEO4J)
@pytest.mark.parametrize("open_store", ["neo4j"], indirect=True)
async def test_what_was_changed_in_neo4j_is_found(store: Store, neo4j_driver: neo4j.Driver, how: str) -> None:
    for _ in range(3):
        async with store.write() as tx:
            await tx.record(Attempt(action="sync").ended(Outcome.REFUSED, AT))
    assert await breach(store) is None
    neo4j_driver.execute_query(BEHIND_NEO4J[how])
    assert await breach(store)


def events(url: str) -> list[dict[str, Any]]:
    answer = httpx.post(f"{url}/graphql", json={"query": QUERY}).json()
    return [node["event"] for node in answer["data"]["auditLog"]["nodes"]]


@pytest.mark.parametrize(
    ("trusted", "client"), [(None, "127.0.0.1"), ("127.0.0.1", "10.9.8.7"), ("192.0.2.1", "127.0.0.1")]
)
def test_a_forged_address_is_believed_from_a_trusted_proxy_only(trusted: str | None, client: str) -> None:
    with served("--insecure-anonymous", *(["--trusted-proxies", trusted] if trusted else [])) as (_, url):
        forged = {"x-forwarded-for": "10.9.8.7", "x-forwarded-user": "root", "x-real-ip": "10.9.8.7"}
        httpx.post(f"{url}/graphql", json={"query": PUT}, headers=forged)
        (event,) = events(url)
    assert (event["client"], event["principal"], event["outcome"]) == (client, "anonymous", "APPLIED")


def test_commands_leave_records_of_who_the_system_says_they_are() -> None:
    folder = write("a")
    assert run("sync", folder, "--source", "files:shop", "--dry-run").exit_code == 0
    assert not Path("catalog.db").exists()
    assert run("sync", folder, "--source", "files:shop").exit_code == 0
    assert run("sync", "--confirm", "0" * 16).exit_code == 1
    assert run("query", PUT).exit_code == 0
    assert run("sync", write("b", folder="others"), "--source", "api").exit_code == 1
    records = [json.loads(line) for line in run("audit", "list", "--json").stdout.splitlines()][::-1]
    told = [(row["principal"], row["action"], row["outcome"], row["code"], row["source"]) for row in records]
    assert told == [
        ("local", "sync", "APPLIED", None, "files:shop"),
        ("local", "confirmSync", "REFUSED", "NOT_FOUND", None),
        ("local", "putEntities", "APPLIED", None, "api"),
        ("local", "sync", "REFUSED", "DECLARED_ELSEWHERE", "api"),
    ]
    assert all(row["client"].startswith("os:") for row in records)
    assert records[0]["counts"] == {"entities_added": 1, "links_added": 2}
    assert "component:default/a" in run("audit", "list", "--limit", "3").stdout


def test_what_became_of_a_sync_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    folder, other = write("a"), write("a", folder="other")
    for path, source in ((folder, "one"), (other, "two")):
        assert run("sync", path, "--source", source).exit_code == 0
    Path(folder, "a.yaml").unlink()
    assert run("sync", folder, "--source", "one").exit_code == 3
    with monkeypatch.context() as limited:
        limited.setattr("graph_api.sources.folders.MAX_FILES", 0)
        assert run("sync", other, "--source", "two").exit_code == 4
    for order in ("two,one", "nobody,two,one"):
        monkeypatch.setenv("GRAPH_API_SOURCES", order)
        assert run("sync", other, "--source", "two").exit_code == 0
    records = [json.loads(line) for line in run("audit", "list", "--json").stdout.splitlines()][::-1]
    assert [(row["action"], row["outcome"], row["source"], row["revision"]) for row in records] == [
        ("sync", "APPLIED", "one", 1),
        ("sync", "APPLIED", "two", 2),
        ("sync", "HELD", "one", 2),
        ("sync", "FAILED", "two", 2),
        ("reorder", "APPLIED", None, 3),
        ("sync", "APPLIED", "two", 3),
        ("sync", "APPLIED", "two", 3),
    ], "an order that changes nothing leaves no record"


async def test_a_mutation_whose_time_is_over_leaves_a_record(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    async with serving(store, request_deadline=0.5) as client:
        async with other.write():
            answer = await client.post("/graphql", json={"query": PUT})
        assert answer.json()["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
        records: list[Record] = []
        async with asyncio.timeout(30):
            while not records:
                await asyncio.sleep(0.05)
                records = await other.audit(9)
    event = records[0].event
    assert (event.action, event.outcome, event.code) == ("putEntities", Outcome.FAILED, "DEADLINE_EXCEEDED")
    assert await other.revision() == 0
