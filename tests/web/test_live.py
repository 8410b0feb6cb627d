"""Subscriptions over real sockets: WebSockets and event streams."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from graph_api.access.keys import new_key
from graph_api.access.principal import LOCAL, Principal, Role
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.web import known_keys, streams
from tests.catalogs import entity, write
from tests.conftest import Run
from tests.documents import blocks
from tests.web.live import CHANGES, EVENTS, Server, put_key, serving, socket

EVERYTHING = "ref operation revision at entity { title }"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as server:
        yield server


def test_changes_arrive_in_their_order_with_the_entity_as_it_is(server: Server) -> None:
    with socket(server.url) as client:
        client.begin().subscribe(selection=EVERYTHING, since=0)
        server.put("a", title="one")
        first = client.event()
        assert first.pop("at").endswith("Z")
        assert first == {
            "ref": "component:default/a",
            "operation": "CREATED",
            "revision": 1,
            "entity": {"title": "one"},
        }
        server.put("a", title="two")
        second = client.event()
        assert (second["operation"], second["revision"], second["entity"]) == ("UPDATED", 2, {"title": "two"})
        server.remove("component:a")
        third = client.event()
        assert (third["operation"], third["revision"], third["entity"]) == ("REMOVED", 3, None)


def test_an_event_stream_tells_the_same(server: Server) -> None:
    with server.listening("ref operation", since=0) as read:
        server.put("a")
        assert read() == ("next", {"data": {"changes": {"ref": "component:default/a", "operation": "CREATED"}}})
        server.remove("component:a")
        assert read() == ("next", {"data": {"changes": {"ref": "component:default/a", "operation": "REMOVED"}}})


def test_a_stream_goes_on_where_another_has_ended(server: Server) -> None:
    server.put("a", "b", "c")
    for since, refs in ((0, "abc"), (2, "c")):
        with socket(server.url) as client:
            client.begin().subscribe(since=since)
            assert [client.event()["ref"][-1] for _ in refs] == list(refs)


def test_without_since_only_what_comes_is_told(server: Server) -> None:
    server.put("old")
    with socket(server.url) as client:
        client.begin().subscribe("later")
        client.subscribe("all", since=0)
        assert client.event("all")["ref"] == "component:default/old"
        server.put("new")
        events = [client.read() for _ in range(2)]
        assert {row["id"]: row["payload"]["data"]["changes"]["ref"] for row in events} == dict.fromkeys(
            ["later", "all"], "component:default/new"
        )


def test_a_filter_is_asked_of_the_entity_after_the_change_and_removals_all_come(server: Server) -> None:
    with socket(server.url) as client:
        client.begin().subscribe(since=0, filter={"title": {"eq": "x"}}, selection="ref operation")
        server.put("a")
        server.put("b", title="x")
        server.remove("component:a")
        events = [client.event() for _ in range(2)]
        assert [(row["ref"][-1], row["operation"]) for row in events] == [("b", "CREATED"), ("a", "REMOVED")]


def test_writes_of_other_processes_arrive(server: Server, tmp_path: Path, run: Run) -> None:
    async def write_elsewhere() -> None:
        other = EmbeddedStore(tmp_path / "catalog.db")
        await other.open()
        await write(other, ChangeSet(entities=[entity("elsewhere")]))
        await other.close()

    with socket(server.url) as client:
        client.begin().subscribe(since=0)
        run(write_elsewhere())
        assert client.event()["ref"] == "component:default/elsewhere"


def test_the_servers_own_writes_arrive_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, poll_interval=60) as server, socket(server.url) as client:
        client.begin().subscribe(since=0)
        for name in "abc":
            server.put(name)
            assert client.event()["ref"] == f"component:default/{name}"


def test_many_changes_come_whole_and_once(server: Server, tmp_path: Path, run: Run) -> None:
    async def write_many() -> None:
        other = EmbeddedStore(tmp_path / "catalog.db")
        await other.open()
        await write(other, ChangeSet(entities=[entity(f"n{number:03}") for number in range(250)]))
        await other.close()

    run(write_many())
    server.put("z")
    with socket(server.url) as client:
        client.begin().subscribe(since=0)
        assert [client.event()["ref"].rpartition("/")[2] for _ in range(251)] == [
            *(f"n{number:03}" for number in range(250)),
            "z",
        ]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"since": -1}, "BAD_INPUT"),
        ({"since": 99}, "BAD_INPUT"),
        ({"filter": {"kind": {"eq": "nonsense"}}}, "UNKNOWN_KIND"),
        ({"filter": {"owner": {"eq": "a:b:c"}}}, "BAD_REF"),
        ({"since": "x"}, "GRAPHQL_INVALID"),
    ],
)
def test_what_cannot_be_told_is_refused(server: Server, variables: dict[str, Any], code: str) -> None:
    with socket(server.url) as client:
        client.begin().subscribe(**variables)
        assert client.code() == code
        client.subscribe(since=0)
        server.put("a")
        assert client.event()["ref"] == "component:default/a"
    with server.listening(**variables) as read:
        name, body = read()
        assert (name, body["errors"][0]["extensions"]["code"]) == ("next", code)
        assert read() == ("complete", None)


def test_too_old_is_told_as_the_query_does(tmp_path: Path) -> None:
    with serving(tmp_path, keep_removed=1) as server:
        server.put("a", "b", "c")
        for name in "abc":
            server.remove(f"component:{name}")
        with socket(server.url) as client:
            client.begin().subscribe(since=1)
            assert client.code() == "TOO_OLD"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("subscription { changes { nonsense } }", "GRAPHQL_INVALID"),
        ("subscription {{", "GRAPHQL_INVALID"),
        ("subscription { changes { ref } other: changes { ref } }", "GRAPHQL_INVALID"),
        ("subscription { changes { entity { ALIASES } } }", "TOO_LARGE"),
        ("subscription { changes { TOKENS } }", "TOO_LARGE"),
        ("{ entities { totalCount } }", "BAD_REQUEST"),
        ('mutation { removeEntities(entities: [{ref: "a:b"}]) { revision } }', "BAD_REQUEST"),
        ("", "BAD_REQUEST"),
    ],
)
def test_documents_are_held_to_the_same_limits(server: Server, document: str, code: str) -> None:
    document = document.replace("ALIASES", " ".join(f"a{number}: ref" for number in range(60)))
    document = document.replace("TOKENS", "ref " * 5_100)
    with socket(server.url) as client:
        client.begin().send(type="subscribe", id="1", payload={"query": document})
        assert client.code() == code
    answer = httpx.post(f"{server.url}/graphql", json={"query": document}, headers=EVENTS)
    assert (answer.status_code, f'"{code}"' in answer.text) == (200, True), answer.text


def test_a_subscription_asked_as_one_answer_is_refused(server: Server) -> None:
    answer = httpx.post(f"{server.url}/graphql", json={"query": CHANGES % "ref"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


def test_an_event_stream_can_be_had_with_get(server: Server) -> None:
    server.put("a")
    query = {"query": "subscription { changes(since: 0) { ref } }"}
    with httpx.stream("GET", f"{server.url}/graphql", params=query, headers=EVENTS) as response:
        assert next(response.iter_lines()) == "event: next"


def test_a_server_that_stops_tells_its_listeners_and_waits_for_none(tmp_path: Path) -> None:
    with ExitStack() as clients:
        with serving(tmp_path) as server:
            sockets = [clients.enter_context(socket(server.url)) for _ in range(50)]
            for client in sockets:
                client.begin().subscribe(since=0)
            read = clients.enter_context(server.listening(since=0))
            server.put("a")
            assert {client.event()["ref"] for client in sockets} == {"component:default/a"}
            assert read()[1] == {"data": {"changes": {"ref": "component:default/a"}}}
            begun = time.monotonic()
        assert time.monotonic() - begun < 20  # it waits for requests for half a minute
        assert {client.closed() for client in sockets} == {1012}
        assert read()[1]["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert read() == ("complete", None)


def test_a_socket_with_many_subscriptions_that_ends_with_the_server_is_no_defect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as clients:
        with serving(tmp_path) as server:
            client = clients.enter_context(socket(server.url)).begin()
            for number in range(10):
                client.subscribe(str(number), since=0)
            server.put("a")
            assert {client.read()["id"] for _ in range(10)} == {str(number) for number in range(10)}
        assert client.closed() == 1012
    assert [row.message for row in caplog.records if row.levelname == "ERROR"] == []


def test_a_token_that_expires_ends_what_it_opened(tmp_path: Path) -> None:
    token, key = new_key("ann", Role.ADMIN, int(time.time()), 1)
    ends_at = int(time.time()) + 10  # later than what comes before takes on a busy machine
    put_key(tmp_path, replace(key, expires_at=ends_at))
    with serving(tmp_path, insecure_anonymous=False) as server, socket(server.url) as client:
        server.token = token
        client.begin(authorization=f"Bearer {token}").subscribe(since=0)
        with server.listening(since=0) as read:
            server.put("a")
            assert client.event()["ref"] == read()[1]["data"]["changes"]["ref"] == "component:default/a"
            assert client.closed() == 4403
            assert read()[1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert time.time() >= ends_at


def test_a_key_that_is_revoked_ends_what_it_opened(tmp_path: Path) -> None:
    token, key = new_key("ann", Role.VIEWER, int(time.time()), 1)
    put_key(tmp_path, key)
    assert streams.CHECK_EVERY + known_keys.FRESH <= 5, "seconds"
    with serving(tmp_path, insecure_anonymous=False) as server:
        server.token = token
        with socket(server.url, additional_headers=server.headers) as client, server.listening(since=0) as read:
            client.begin().subscribe(since=0)
            put_key(tmp_path, replace(key, revoked_at=int(time.time())))
            assert client.closed() == 4403
            with pytest.raises(httpx.RemoteProtocolError):
                read()


def test_whose_role_is_another_subscribes_again(tmp_path: Path) -> None:
    token, key = new_key("ann", Role.SECURITY, int(time.time()), 1)
    put_key(tmp_path, key)
    with serving(tmp_path, insecure_anonymous=False) as server, socket(server.url) as client:
        client.begin(authorization=f"Bearer {token}").subscribe(since=0)
        put_key(tmp_path, replace(key, role=Role.VIEWER))
        assert client.closed() == 4403


def test_a_listener_sees_a_finding_as_soon_as_its_team_owns_what_it_affects(tmp_path: Path) -> None:
    now = int(time.time())
    viewer, team = new_key("ann", Role.VIEWER, now, 1, groups=(Ref("group:default/shop"),))
    admin, key = new_key("bob", Role.ADMIN, now, 1)
    for one in (team, key):
        put_key(tmp_path, one)
    finding = {"kind": "vulnerability", "name": "cve-1", "spec": {"type": "cve"}}
    with serving(tmp_path, insecure_anonymous=False) as server, socket(server.url) as client:
        server.token = admin
        server.put_all(finding, till())
        client.begin(authorization=f"Bearer {viewer}").subscribe(since=0)
        assert client.event()["ref"] == "component:default/till"
        server.put_all(till(owner="shop"))
        server.put_all({**finding, "title": "A hole"})
        while client.event()["ref"] != "vulnerability:default/cve-1":
            pass


def till(**spec: str) -> dict[str, Any]:
    return {"kind": "component", "name": "till", "spec": {"affectedBy": ["cve-1"], **spec}}


async def test_a_defect_in_between_does_not_let_a_revoked_key_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CHECK_EVERY", 0.01)
    answers = [ValueError("a role of a newer version"), CatalogError(ErrorCode.UNAUTHENTICATED, "revoked")]

    async def authenticate() -> Principal:
        raise answers.pop(0)

    await asyncio.wait_for(streams.until_signed_out(LOCAL, authenticate), 30)
    assert answers == []


def test_everybody_who_reads_may_subscribe(tmp_path: Path) -> None:
    tokens = []
    for role in Role:
        token, key = new_key(role.value, role, int(time.time()), 1, source="s" if role is Role.INGESTOR else None)
        put_key(tmp_path, key)
        tokens.append(token)
    with serving(tmp_path, insecure_anonymous=False) as server, ExitStack() as clients:
        server.token = tokens[list(Role).index(Role.ADMIN)]
        server.put("a")
        for token in tokens:
            client = clients.enter_context(socket(server.url)).begin(authorization=f"Bearer {token}")
            client.subscribe(since=0)
            assert client.event()["ref"] == "component:default/a"


def test_a_principal_has_a_share_of_the_streams_wherever_it_is(tmp_path: Path) -> None:
    tokens = []
    for name in ("ann", "bob"):
        token, key = new_key(name, Role.VIEWER, int(time.time()), 1)
        put_key(tmp_path, key)
        tokens.append(f"Bearer {token}")
    with serving(tmp_path, insecure_anonymous=False, max_streams=32) as server, ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(socket(server.url)).begin(authorization=tokens[0])
        with socket(server.url, source_address=("127.0.0.2", 0)) as more:
            more.send(type="connection_init", payload={"authorization": tokens[0]})
            assert more.closed() == 1013
        with socket(server.url) as other:
            other.begin(authorization=tokens[1])


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"authorization": None},
        {"authorization": "Bearer cat_0123456789ab_" + "0" * 64},
        {"authorization": ["Bearer x"]},
        {"authorization": "Bearer \u00fc"},
        {"principal": "local", "roles": ["admin"], "jwt": {"roles": ["admin"]}, "Authorization": "Bearer x"},
    ],
)
def test_only_a_good_token_opens_a_socket(tmp_path: Path, payload: dict[str, Any]) -> None:
    with serving(tmp_path, insecure_anonymous=False) as server:
        with socket(server.url) as client:
            client.send(type="connection_init", payload=payload)
            with suppress(ConnectionClosed):  # the server may have answered by now
                client.send(type="subscribe", id="1", payload={"query": CHANGES % "ref"})
            assert client.closed() == 4403
        answer = httpx.post(f"{server.url}/graphql", json={"query": CHANGES % "ref"}, headers=EVENTS)
        assert answer.status_code == 401


def test_a_socket_is_opened_by_the_servers_own_names_only(server: Server) -> None:
    headers = {
        "host": "evil.example",
        "origin": "http://evil.example",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "sec-websocket-protocol": "graphql-transport-ws",
    }
    assert httpx.get(f"{server.url}/graphql", headers=headers).status_code == 421
    assert httpx.get(f"{server.url}/graphql", headers=headers | {"host": "localhost"}).status_code == 403


def test_the_subscription_of_the_portal_page(server: Server) -> None:
    (document,) = [block for block in blocks("docs/portal.md", "graphql") if block.startswith("subscription")]
    server.put("a")
    with socket(server.url) as client:
        client.begin().send(type="subscribe", id="1", payload={"query": document, "variables": {"since": 0}})
        event = client.event()
    assert (event["operation"], event["entity"]) == (
        "CREATED",
        {"__typename": "Component", "ref": "component:default/a", "title": None, "primaryOwner": None},
    )
