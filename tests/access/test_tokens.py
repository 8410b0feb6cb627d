"""Tokens of an issuer: only those that it signed for us, now; whatever happens to the issuer, no request waits."""

import base64
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from graph_api.app import create_app
from graph_api.settings import load_settings
from graph_api.web import jwks
from tests.access.signing_in import EC, RSA, STRANGER, Provider, ask, client_of, provider, rsa_key, send

SECONDS = jwks.SECONDS
"""That a request waits for the issuer, as the product has it."""
SOON = 20.0
"""Seconds: longer than a busy machine may take beyond that; an issuer that hangs does so for ever."""
PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def issuer() -> Iterator[Provider]:
    with provider() as running:
        yield running


@asynccontextmanager
async def served(issuer: Provider, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    # Large tokens are to be refused for what they hold.
    chosen = {"store": "embedded::memory:", "max_head": 200_000, **issuer.settings(**settings)}
    async with client_of(create_app(load_settings(chosen=chosen))) as client:
        yield client


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def hmac_token(issuer: Provider, secret: bytes) -> str:
    """As PyJWT refuses to make it."""
    signing = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(issuer.claims())}"
    signature = hmac.digest(secret, signing.encode(), "sha256")
    return f"{signing}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


async def test_tokens_of_the_issuer_are_believed(issuer: Provider) -> None:
    async with served(issuer) as client:
        for token in (
            issuer.token(),
            issuer.token(EC, "ES256", "two"),
            issuer.token(aud=["other", "catalog"]),
            issuer.token(exp=int(time.time()) - 20),
            issuer.token(nbf=int(time.time()) + 20),
            issuer.token(sub="auth0|5f7c8ec7c33c6c004bbafe82"),
        ):
            answer = await ask(client, token)
            assert (answer.status_code, answer.json()["data"]) == (200, {"__typename": "Query"})


def changed(token: str) -> str:
    return token[:-9] + ("A" if token[-9] != "A" else "B") + token[-8:]


NOT_MADE_BY_PYJWT = {"no token": None, "empty": "", "no JWT": "abc", "dots": "..", "not UTF-8": "\xff.\xfe.\xfd"}
WRONG: dict[str, Callable[[Provider], str]] = {
    "alg none": lambda issuer: f"{part({'alg': 'none', 'kid': 'one'})}.{part(issuer.claims())}.",
    "alg None": lambda issuer: f"{part({'alg': 'None', 'kid': 'one'})}.{part(issuer.claims())}.",
    "alg is a list": lambda issuer: f"{part({'alg': ['RS256'], 'kid': 'one'})}.{part(issuer.claims())}.eA",
    "HS256 with the public key": lambda issuer: hmac_token(issuer, PEM),
    "HS256 with the JWK": lambda issuer: hmac_token(issuer, json.dumps(rsa_key("one")).encode()),
    "an algorithm that is not configured": lambda issuer: issuer.token(algorithm="RS512"),
    "RS256 with the EC key's id": lambda issuer: issuer.token(kid="two"),
    "crit": lambda issuer: issuer.token(header={"crit": ["exp"], "exp": 1}),
    "crit b64": lambda issuer: issuer.token(header={"crit": ["b64"], "b64": True}),
    "jwk": lambda issuer: issuer.token(STRANGER, header={"jwk": rsa_key("one", STRANGER)}),
    "jku": lambda issuer: issuer.token(header={"jku": f"{issuer.url}/keys"}),
    "x5u": lambda issuer: issuer.token(header={"x5u": f"{issuer.url}/keys"}),
    "no kid": lambda issuer: issuer.token(kid=None),
    "another's key": lambda issuer: issuer.token(STRANGER),
    "another audience": lambda issuer: issuer.token(aud="catalog2"),
    "part of the audience": lambda issuer: issuer.token(aud="cat"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "another issuer": lambda issuer: issuer.token(iss="https://other.example"),
    "part of the issuer": lambda issuer: issuer.token(iss=issuer.url[:-1]),
    "more than the issuer": lambda issuer: issuer.token(iss=issuer.url + "/"),
    "a list of issuers": lambda issuer: issuer.token(iss=None, x=[issuer.url]),
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - 40),
    "never expires": lambda issuer: issuer.token(exp=None),
    "expires when pigs fly": lambda issuer: issuer.token(exp="soon"),
    "expires at infinity": lambda issuer: issuer.token(exp=float("inf")),
    "not yet": lambda issuer: issuer.token(nbf=int(time.time()) + 40),
    "issued in the future": lambda issuer: issuer.token(iat=int(time.time()) + 40),
    "nobody": lambda issuer: issuer.token(sub=None),
    "a nobody of several lines": lambda issuer: issuer.token(sub="ann\nroot"),
    "an endless name": lambda issuer: issuer.token(sub="a" * 201),
    "one character changed": lambda issuer: changed(issuer.token()),
    "10,000 groups": lambda issuer: issuer.token(groups=[f"g{number}" for number in range(10_000)]),
}


@pytest.mark.parametrize("wrong", [*NOT_MADE_BY_PYJWT, *WRONG])
async def test_no_other_token_is_believed(issuer: Provider, wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    token = WRONG[wrong](issuer) if wrong in WRONG else NOT_MADE_BY_PYJWT[wrong]
    async with served(issuer) as client:
        with caplog.at_level(logging.DEBUG):
            headers = [] if token is None else [(b"authorization", b"Bearer " + token.encode("latin-1"))]
            answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert set(issuer.asked) <= {"/keys"}
    assert not token or len(token) < 5 or token not in caplog.text


async def test_a_token_counts_in_the_header_only(issuer: Provider) -> None:
    token = issuer.token()
    query = {"query": "{ __typename }"}
    async with served(issuer) as client:
        for answer in (
            await client.post("/graphql", json=query, params={"access_token": token}),
            await client.get("/graphql", params={**query, "authorization": f"Bearer {token}"}),
            await client.post("/graphql", json={**query, "extensions": {"authorization": f"Bearer {token}"}}),
            await client.post("/graphql", json=query, headers={"cookie": f"authorization=Bearer {token}"}),
            await client.post("/graphql", json=query, headers={"authorization": f"Basic {token}"}),
            await client.post("/graphql", json=query, headers={"authorization": token}),
            await client.post("/graphql", json=query, headers={"x-forwarded-user": "admin"}),
            await client.post("/graphql", json=query, headers=[("authorization", f"Bearer {token}")] * 2),
        ):
            assert answer.status_code == 401
        assert (await client.get("/livez")).status_code == 200
        page = await client.get("/graphql", headers={"accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html"), "it holds nothing of the catalog"


async def test_roles_are_what_the_settings_make_of_claims_and_nothing_else(issuer: Provider) -> None:
    roles = {"platform": "admin", "realm-auditors": "auditor"}
    reads, audits = "{ entities { totalCount } }", "{ auditLog { nodes { sequence } } }"

    async def codes(client: httpx.AsyncClient, **claims: Any) -> list[str | None]:
        answers = [(await ask(client, issuer.token(**claims), query)).json() for query in (reads, audits)]
        return [answer["errors"][0]["extensions"]["code"] if "errors" in answer else None for answer in answers]

    async with served(issuer, oidc_roles=roles, oidc_roles_claim="realm.roles") as client:
        assert await codes(client, groups=["platform"]) == [None, None]
        assert await codes(client, groups="platform") == [None, None]
        assert await codes(client, realm={"roles": ["realm-auditors"]}) == [None, None]
        for claims in (
            {},
            {
                "groups": [
                    "admin",
                    "auditor",
                    "Platform",
                    "platform ",
                    "*",
                    "pl\u0430tform",
                    ["platform"],
                    {"platform": 1},
                ]
            },
            {"groups": {"platform": True}},
            {"roles": ["realm-auditors", "admin"], "role": "admin"},
            {"realm": ["realm-auditors"]},
        ):
            assert await codes(client, **claims) == ["FORBIDDEN", "FORBIDDEN"]
    async with served(issuer) as client:
        assert await codes(client, groups=["admin", "*"]) == [None, "FORBIDDEN"]


def redirect(handler: BaseHTTPRequestHandler) -> None:
    send(handler, b"", 302, location="http://127.0.0.1:1/keys")


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(1600):
            handler.wfile.write(b" " * 65_536)
    except OSError:
        pass  # the reader had enough


def hang(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.recv(1)  # until the client is gone


BROKEN = {
    "redirect": redirect,
    "100 MB": endless,
    "hangs": hang,
    "500": lambda handler: send(handler, b"{}", 500),
    "no JSON": lambda handler: send(handler, b"<html>sign in</html>"),
    "a list": lambda handler: send(handler, b"[]"),
    "no keys": lambda handler: send(handler, b'{"keys": []}'),
    "odd keys": lambda handler: send(
        handler, b'{"keys": [1, null, {"kid": 1}, {"kid": "one", "kty": "oct", "k": "eA"}]}'
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_keys_are_kept_while_the_issuer_does_not_answer(
    issuer: Provider, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    assert SECONDS <= 2
    async with served(issuer) as client:
        assert (await ask(client, issuer.token())).status_code == 200
        issuer.answer = BROKEN[fault]
        begin = time.monotonic()
        with monkeypatch.context() as patch:
            patch.setattr(jwks, "SECONDS", SECONDS)
            assert (await ask(client, issuer.token(STRANGER, kid="new"))).status_code == 401
        assert time.monotonic() - begin < SOON
        assert (await ask(client, issuer.token())).status_code == 200
        issuer.answer = None
        issuer.keys = [rsa_key("new", STRANGER)]
        assert (await ask(client, issuer.token(STRANGER, kid="new"))).status_code == 200
        assert (await ask(client, issuer.token())).status_code == 401


@pytest.mark.parametrize("fault", ["hangs", "500"])
async def test_without_any_keys_the_answer_is_try_again(
    issuer: Provider, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(jwks, "SECONDS", SECONDS)
    issuer.answer = BROKEN[fault]
    async with served(issuer) as client:
        begin = time.monotonic()
        answer = await ask(client, issuer.token())
        assert time.monotonic() - begin < SOON
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"


async def test_a_malformed_key_leaves_the_good_ones(issuer: Provider) -> None:
    issuer.keys = [
        {"kid": "a", "kty": "RSA", "n": "!", "e": "AQAB"},
        {"kid": "b", "kty": "EC", "crv": "P-999"},
        {"kid": "one"},
        {"kty": "RSA"},
        {"kid": ["one"], "kty": "RSA"},
        rsa_key("for encryption", use="enc"),
        *issuer.keys,
    ]
    async with served(issuer) as client:
        assert (await ask(client, issuer.token())).status_code == 200
        assert (await ask(client, issuer.token(kid="a"))).status_code == 401
        assert (await ask(client, issuer.token(kid="for encryption"))).status_code == 401


async def test_random_key_ids_are_one_fetch_a_minute(issuer: Provider) -> None:
    async with served(issuer) as client:
        for number in range(300):
            assert (await ask(client, issuer.token(STRANGER, kid=f"random-{number}"))).status_code == 401
        assert issuer.asked == ["/keys"]


async def test_the_issuer_says_itself_where_its_keys_are(issuer: Provider) -> None:
    async with served(issuer, oidc_jwks_url=None) as client:
        assert (await ask(client, issuer.token())).status_code == 200
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize("document", [{"issuer": "https://other.example"}, {"jwks_uri": "file:///etc/passwd"}])
async def test_a_discovery_document_of_another_issuer_or_protocol_is_not_followed(
    issuer: Provider, document: dict[str, str]
) -> None:
    told = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys", **document}
    issuer.answer = lambda handler: send(handler, json.dumps(told).encode())
    async with served(issuer, oidc_jwks_url=None) as client:
        assert (await ask(client, issuer.token())).status_code == 503
    assert issuer.asked == ["/.well-known/openid-configuration"]
