"""The audit log looked through for one person, source, entity or time, over GraphQL and by the command."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from graph_api.access import audit_search
from graph_api.access.audit import MAX_REFS, Attempt, Outcome
from graph_api.access.principal import Principal
from graph_api.app import open_store
from graph_api.graphql import audit_log
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from tests.commands import run as command
from tests.conftest import Run
from tests.graphql.conftest import Client

ASKED = "principal: $principal, action: $action, outcome: $outcome, source: $source, ref: $ref, since: $since"
QUERY = f"""query($principal: String, $action: String, $outcome: AuditOutcome, $source: String, $ref: String,
  $since: DateTime, $until: DateTime, $first: Int, $after: String) {{
  auditLog({ASKED}, until: $until, first: $first, after: $after) {{
    pageInfo {{ hasNextPage endCursor }} nodes {{ sequence }} }} }}"""
MANY = tuple(f"component:default/c{number}" for number in range(MAX_REFS))

RECORDS: tuple[dict[str, Any], ...] = (
    {"who": "user:ann", "action": "putEntities", "at": "2026-01-01T00:00:00.000Z", "refs": ("component:default/a",)},
    {"who": "user:bob", "action": "putEntities", "at": "2026-01-02T00:00:00.000Z", "refs": ("component:default/b",)},
    {"who": "key:ci", "action": "sync", "at": "2026-01-03T00:00:00.000Z", "source": "files", "refs": MANY},
    {"who": "user:ann", "action": "putLinks", "at": "2026-01-02T23:59:00.000Z", "outcome": Outcome.REFUSED},
    {"who": "user:ann", "action": "putLinks", "at": "2026-01-04T00:00:00.000Z", "source": "api:ann"},
)


async def fill(store: Store) -> None:
    for record in RECORDS:
        more = {name: value for name, value in record.items() if name in ("refs", "source")}
        by = Attempt(principal=Principal(name=record["who"], roles=frozenset()), action=record["action"])
        async with store.write() as tx:
            await tx.record(by.ended(record.get("outcome", Outcome.APPLIED), record["at"], **more))


@pytest.fixture
def filled(client: Client, store: Store, run: Run) -> Client:
    run(fill(store))
    return client


def sequences(client: Client, **wanted: Any) -> list[int]:
    return [node["sequence"] for node in client.ask(QUERY, **wanted)["auditLog"]["nodes"]]


SEARCHES = [
    ({}, [5, 4, 3, 2, 1]),
    ({"principal": "user:ann"}, [5, 4, 1]),
    ({"principal": "user"}, []),
    ({"action": "putEntities"}, [2, 1]),
    ({"outcome": "REFUSED"}, [4]),
    ({"source": "files"}, [3]),
    ({"principal": "user:ann", "action": "putLinks", "outcome": "APPLIED"}, [5]),
    ({"ref": "component:a"}, [3, 1]),
    ({"ref": "component:default/c1"}, [3]),
    ({"since": "2026-01-03"}, [5, 3]),
    ({"since": "2026-01-03T01:00:00+01:00"}, [5, 3]),
    ({"until": "2026-01-02T00:00:00Z"}, [1]),
    ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-03T00:00:00Z"}, [4, 2]),
    ({"since": "0001-01-01"}, [5, 4, 3, 2, 1]),
]


@pytest.mark.parametrize(("wanted", "found"), SEARCHES)
def test_what_is_looked_for_is_found(filled: Client, wanted: dict[str, Any], found: list[int]) -> None:
    assert sequences(filled, **wanted) == found


@pytest.mark.parametrize("looked_at", [1, 2, 10_000])
@pytest.mark.parametrize("wanted", [{}, {"principal": "user:ann"}, {"principal": "nobody"}])
def test_pages_give_each_once_also_where_a_search_is_given_up(
    filled: Client, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], looked_at: int
) -> None:
    monkeypatch.setattr(audit_log, "MOST", looked_at)
    monkeypatch.setattr(audit_search, "AT_ONCE", 1)
    found = [number for page in pages(filled, wanted) for number in page]
    assert found == {"user:ann": [5, 4, 1], "nobody": []}.get(wanted.get("principal", ""), [5, 4, 3, 2, 1])


def pages(client: Client, wanted: dict[str, Any]) -> Iterator[list[int]]:
    after, more = None, True
    while more:
        page = client.ask(QUERY, first=1, after=after, **wanted)["auditLog"]
        yield [node["sequence"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]


def test_records_too_old_by_far_are_not_looked_through(filled: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "MOST", 1)
    monkeypatch.setattr(audit_search, "AT_ONCE", 1)
    asked = {"since": "2026-01-03T12:00:00Z", "principal": "user:bob"}
    assert [*pages(filled, asked)] == [[], []], "the second of five ends it"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"ref": "::"}, "BAD_REF"),
        ({"ref": ""}, "BAD_REF"),
        ({"since": "9999-12-31T23:59:59-23:00"}, "BAD_INPUT"),
        ({"until": "9999-12-31T23:59:59-23:00"}, "BAD_INPUT"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(filled: Client, wanted: dict[str, Any], code: str) -> None:
    assert filled.code(QUERY, **wanted) == code


def test_a_cursor_belongs_to_its_search(filled: Client) -> None:
    page = filled.ask(QUERY, principal="user:ann", first=1)["auditLog"]
    assert filled.code(QUERY, principal="user:bob", after=page["pageInfo"]["endCursor"]) == "BAD_CURSOR"


@pytest.fixture
def kept(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A catalog for commands."""
    monkeypatch.chdir(tmp_path_factory.mktemp("kept"))
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:catalog.db")

    async def make() -> None:
        store = open_store(Settings(store="embedded:catalog.db"))
        await store.open()
        await fill(store)
        await store.close()

    run(make())


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("wanted", "found"), SEARCHES)
def test_the_command_finds_the_same(wanted: dict[str, Any], found: list[int]) -> None:
    options = [text for name, value in wanted.items() for text in (f"--{name}", value)]
    result = command("audit", "list", "--json", *options)
    assert result.exit_code == 0, result.stderr
    assert [json.loads(line)["sequence"] for line in result.stdout.splitlines()] == found


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--ref", "::"), "kind:namespace/name"),
        (("--since", "yesterday"), "2026-01-31"),
        (("--until", "1"), "2026-01-31"),
        (("--since", ""), "2026-01-31"),
        (("--ref", ""), "is missing: write kind:namespace/name"),
        (("--outcome", "GONE"), "refused"),
    ],
)
def test_the_command_says_what_it_cannot_look_for(options: tuple[str, str], complaint: str) -> None:
    result = command("audit", "list", *options)
    assert (result.exit_code, complaint in result.stderr) == (2, True)
