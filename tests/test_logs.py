"""What the server logs: one line each, who and what, and never what clients sent or a secret."""

import asyncio
import io
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api.access.keys import new_key
from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.catalog.filters import Filter
from graph_api.catalog.ref import Ref
from graph_api.settings import BadSettingsError, load_settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.telemetry.logs import LogFormat, configure_logs
from tests.access import signing_in as signed_in
from tests.access.signing_in import make_key
from tests.feeding import zipkin
from tests.serving import everybody, runs_when
from tests.sources.connectors.loopback import TOKEN
from tests.web import live
from tests.web.live import put_key

CANARY = "canary-7f3a"
PUT = 'mutation Put($n: String!) { putEntities(entities: [{kind: "component", name: $n}]) { userErrors { code } } }'


@contextmanager
def logged(level: str = "debug", format_: LogFormat = LogFormat.JSON) -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.level
    handler = configure_logs(level, format_, stream)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def lines(stream: io.StringIO, logger: str = "graph_api.request") -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [row for row in rows if row["logger"] == logger]


@asynccontextmanager
async def client_of(store: EmbeddedStore, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(everybody(load_settings(chosen=settings)), store)
    # The server answers its own defects; the transport would raise them.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        yield client


async def test_each_request_leaves_one_line(tmp_path: Path) -> None:
    with logged("info") as stream:
        async with client_of(EmbeddedStore(tmp_path / "catalog.db")) as client:
            query = {"query": "query Names { entities { totalCount } }"}
            await client.post("/graphql", json=query, headers={"x-request-id": "abc"})
            await client.post("/graphql", json={"query": '{ entity(ref: "?") { ref } }'})
            await client.post("/graphql", json={"query": "{ nothing }"})
            await client.post("/graphql", content=b"{")
            await client.get("/readyz")
    told = lines(stream)
    assert [(row["type"], row["operation"], row["status"], row["code"]) for row in told] == [
        ("query", "Names", 200, None),
        ("query", None, 200, "BAD_REF"),
        (None, None, 200, "GRAPHQL_INVALID"),
        (None, None, 415, "BAD_REQUEST"),
    ]
    assert (told[0]["request_id"], told[0]["principal"], told[0]["path"]) == ("abc", "anonymous", "/graphql")
    assert all(0 < row["duration_ms"] < 10_000 for row in told)


async def test_it_names_the_principal_once_it_is_known(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "catalog.db")
    await store.open()
    token, _ = await make_key(store, Role.VIEWER, "ann")
    with logged("info") as stream:
        async with signed_in.client_of(create_app(load_settings(), store)) as client:
            await signed_in.ask(client, token)
            await signed_in.ask(client, token + "0")
    told = [(row["principal"], row["status"]) for row in lines(stream)]
    assert told == [("key:ann", 200), ("nobody", 401)]
    assert token not in stream.getvalue()


def test_each_socket_leaves_one_line_when_it_is_closed(tmp_path: Path) -> None:
    token, key = new_key("ann", Role.VIEWER, int(time.time()), 1)
    put_key(tmp_path, key)
    with logged("info") as stream, live.serving(tmp_path, insecure_anonymous=False) as server:
        with live.socket(server.url) as client:
            client.begin(authorization=f"Bearer {token}")
            client.send(type="subscribe", id="1", payload={"query": "subscription { nothing }"})
            assert client.read()["type"] == "error"
        with live.socket(server.url) as client:
            client.send(type="connection_init", payload={"authorization": "Bearer nonsense"})
            assert client.closed() == 4403
    told = [(row["principal"], row["path"], row["close_code"], row["code"]) for row in lines(stream)]
    assert sorted(told) == [
        ("key:ann", "/graphql", 1000, "GRAPHQL_INVALID"),
        ("nobody", "/graphql", 4403, None),
    ]
    assert token not in stream.getvalue()


class Broken(EmbeddedStore):
    """Its defects quote what they were asked."""

    async def search(self, text: str, filter_: Filter) -> list[Ref]:
        raise RuntimeError(f"cannot find {text} of {filter_}") from ValueError(text)


async def test_neither_secrets_nor_texts_of_clients_are_logged_or_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZIPKIN_TOKEN", TOKEN)
    secrets = {"authorization": f"Bearer {CANARY}", "x-api-key": CANARY, "cookie": CANARY}
    find = "query Find($t: String!) { search(text: $t) { nodes { ref } } }"
    with logged() as stream, zipkin(whole=False).served() as url:
        source = {"name": "traces", "connector": "zipkin", "url": url, "every": "1h"}
        store = Broken(tmp_path / "catalog.db")
        async with client_of(store, sources=[source], neo4j_password=CANARY) as client:
            bodies = [
                {"query": PUT, "variables": {"n": CANARY}},
                {"query": PUT, "variables": {"n": CANARY + "?"}},
                {"query": PUT, "variables": {"n": {"x": CANARY}}},
                {"query": find, "variables": {"t": CANARY}},
                {"query": f"{{ {CANARY.replace('-', '_')} }}"},
            ]
            answers = [await client.post(f"/graphql?key={CANARY}", json=body, headers=secrets) for body in bodies]
            await runs_when(store, "zipkin:traces", len)
    text = stream.getvalue()
    assert len(lines(stream)) == 5
    assert "INTERNAL" in text
    assert "RuntimeError at" in text, "the defect is told by its type and place"
    assert CANARY not in text
    assert TOKEN not in text
    assert CANARY not in answers[3].text, "what a defect says is no answer"


async def test_the_database_password_is_not_logged(neo4j_uri: str, neo4j_auth: tuple[str, str] | None) -> None:
    user = neo4j_auth[0] if neo4j_auth else "neo4j"
    settings = load_settings(chosen={"store": neo4j_uri, "neo4j_user": user, "neo4j_password": CANARY})
    app = create_app(settings)
    with logged() as stream:
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0.2)
    assert CANARY not in stream.getvalue()
    assert CANARY not in repr(settings)


@pytest.mark.parametrize("format_", LogFormat)
def test_a_message_is_one_line(format_: LogFormat) -> None:
    with logged(format_=format_) as stream:
        logging.getLogger("forged").warning("x\n2026 INFO all is well\r\x1b[2J\u2028%s", "\n{}")
        try:
            raise ValueError("a\nb")
        except ValueError:
            logging.getLogger("failed").exception("it\nfailed")
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()
    assert f"{Path(__file__).name}:" in stream.getvalue()


def test_a_message_is_bounded_and_keeps_what_json_cannot_hold() -> None:
    with logged() as stream:
        logging.getLogger("large").info("x" * 1_000_000)
        logging.getLogger("odd").info("%s", "\ud800")
    assert len(stream.getvalue()) < 20_000
    assert [row["logger"] for row in map(json.loads, stream.getvalue().splitlines())] == ["large", "odd"]


def test_a_log_that_is_no_terminal_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handler = configure_logs("info", None, sys.stderr)
    try:
        logging.getLogger("x").warning("told")
    finally:
        root.removeHandler(handler)
    assert json.loads(capsys.readouterr().err)["message"] == "told"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(BadSettingsError, match="log_format"):
        load_settings(chosen={"log_format": "xml"})
