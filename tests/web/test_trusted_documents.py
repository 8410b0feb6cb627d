"""Documents that the operator knows, asked for by their hashes; what clients send never becomes one of them."""

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api.app import create_app
from graph_api.settings import BadSettingsError, Settings, load_settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.trusted_documents import TrustMode, hash_of
from tests.web.conftest import running

KNOWN = "{ sources { name } }"
OTHER = "{ __typename }"


def manifest(path: Path, *documents: str) -> Path:
    path.write_text(json.dumps({hash_of(text): text for text in documents}), encoding="utf-8")
    return path


def persisted(hash_: object, **rest: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}, **rest}


async def outcomes(settings: Settings, *requests: dict[str, Any], method: str = "POST") -> list[tuple[int, str]]:
    """Status and code of each answer."""
    app = create_app(settings, EmbeddedStore(None))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client,
    ):
        answers = [await _send(client, method, request) for request in requests]
    return [
        (answer.status_code, answer.json()["errors"][0]["extensions"]["code"] if "errors" in answer.json() else "")
        for answer in answers
    ]


async def _send(client: httpx.AsyncClient, method: str, request: dict[str, Any]) -> httpx.Response:
    if method == "POST":
        return await client.post("/graphql", json=request)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in request.items()}
    return await client.get("/graphql", params=texts)


FINE, UNKNOWN, UNTRUSTED = (200, ""), (400, "PERSISTED_QUERY_NOT_FOUND"), (200, "UNTRUSTED_DOCUMENT")
BAD = (400, "BAD_REQUEST")


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_enforced_only_trusted_documents_run(tmp_path: Path, method: str) -> None:
    path = manifest(tmp_path / "portal.json", KNOWN)
    settings = Settings(insecure_anonymous=True, trusted_documents=TrustMode.ENFORCE, trusted_documents_path=path)
    answers = {
        "by its hash": (persisted(hash_of(KNOWN)), FINE),
        "by its id": ({"documentId": hash_of(KNOWN)}, FINE),
        "by its id with the algorithm": ({"documentId": f"sha256:{hash_of(KNOWN)}"}, FINE),
        "by its text": ({"query": KNOWN}, FINE),
        "with hash and text": (persisted(hash_of(KNOWN), query=KNOWN), FINE),
        "an unknown hash": (persisted(hash_of(OTHER)), UNKNOWN),
        "an unknown text": ({"query": OTHER}, UNTRUSTED),
        "a client that registers": (persisted(hash_of(OTHER), query=OTHER), UNTRUSTED),
        "and asks again": (persisted(hash_of(OTHER)), UNKNOWN),
        "another document under a trusted hash": (persisted(hash_of(KNOWN), query=OTHER), BAD),
        "no hash": (persisted(1), BAD),
        "no object": ({"extensions": {"persistedQuery": "x"}}, BAD),
        "nothing": ({}, BAD),
    }
    found = await outcomes(settings, *(request for request, _ in answers.values()), method=method)
    assert dict(zip(answers, found, strict=True)) == {name: expected for name, (_, expected) in answers.items()}


async def test_logged_they_run_and_the_log_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = manifest(tmp_path / "portal.json", KNOWN)
    settings = Settings(insecure_anonymous=True, trusted_documents=TrustMode.LOG, trusted_documents_path=path)
    with caplog.at_level(logging.INFO, "graph_api.web.document_trust"):
        assert await outcomes(settings, {"query": KNOWN}, {"query": OTHER}) == [FINE, FINE]
    assert [record.message for record in caplog.records] == [f"Document {hash_of(OTHER)} of 'anonymous' is not trusted"]


async def test_off_a_hash_that_nobody_knows_is_not_learnt() -> None:
    requests = persisted(hash_of(OTHER)), persisted(hash_of(OTHER), query=OTHER), persisted(hash_of(OTHER))
    assert await outcomes(Settings(insecure_anonymous=True), *requests) == [UNKNOWN, FINE, UNKNOWN]


async def test_get_can_be_kept_for_trusted_documents(tmp_path: Path) -> None:
    settings = Settings(
        insecure_anonymous=True, get_trusted_only=True, trusted_documents_path=manifest(tmp_path / "portal.json", KNOWN)
    )
    requests = {"query": KNOWN}, {"query": OTHER}
    assert await outcomes(settings, *requests, method="GET") == [FINE, UNTRUSTED]
    assert await outcomes(settings, *requests, method="POST") == [FINE, FINE]


async def test_a_folder_holds_a_manifest_of_each_client_in_either_form(tmp_path: Path) -> None:
    manifest(tmp_path / "portal.json", KNOWN)
    operations = [{"id": hash_of(OTHER), "body": OTHER, "name": "Other", "type": "query"}]
    apollo = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    (tmp_path / "app.json").write_text(json.dumps(apollo), encoding="utf-8")
    settings = Settings(insecure_anonymous=True, trusted_documents=TrustMode.ENFORCE, trusted_documents_path=tmp_path)
    assert await outcomes(settings, {"query": KNOWN}, {"documentId": hash_of(OTHER)}) == [FINE, FINE]


@pytest.mark.parametrize(
    "text", ['{"00": "{ __typename }"}', "[]", "nonsense", '{"operations": [{"id": "00"}]}', '{"00": 1}']
)
def test_a_manifest_that_is_none_keeps_the_server_from_starting(tmp_path: Path, text: str) -> None:
    (tmp_path / "portal.json").write_text(text, encoding="utf-8")
    for path in (tmp_path / "portal.json", tmp_path, tmp_path / "missing.json"):
        with pytest.raises(BadSettingsError, match="trusted_documents_path: "):
            load_settings(chosen={"trusted_documents_path": path})


def test_a_trusted_document_that_is_no_graphql_is_named(tmp_path: Path) -> None:
    text = "{ entities { nodes { ref } "
    path = manifest(tmp_path / "portal.json", KNOWN, text)
    with pytest.raises(BadSettingsError, match=f"portal.json: .*{hash_of(text)} is no GraphQL: Syntax Error"):
        load_settings(chosen={"trusted_documents_path": path})


def test_nothing_is_enforced_without_documents() -> None:
    with pytest.raises(BadSettingsError, match="enforce needs trusted_documents_path"):
        load_settings(chosen={"trusted_documents": "enforce"})
    assert load_settings(chosen={"trusted_documents": "log"}).trusted_documents is TrustMode.LOG


def test_what_comes_by_a_socket_or_a_stream_is_looked_at_too(tmp_path: Path) -> None:
    settings = Settings(
        insecure_anonymous=True,
        trusted_documents=TrustMode.ENFORCE,
        trusted_documents_path=manifest(tmp_path / "portal.json", KNOWN),
    )
    subscription = {"query": "subscription { changes { ref } }"}
    headers = {"accept": "text/event-stream"}
    with running(create_app(settings, EmbeddedStore(None))) as url:
        answer = httpx.post(f"{url}/graphql", json=subscription, headers=headers)
    assert "UNTRUSTED_DOCUMENT" in answer.text
