"""An identity provider on 127.0.0.1, and clients that sign in."""

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette

from graph_api.access.audit import Verification
from graph_api.access.keys import ApiKey, new_key
from graph_api.access.principal import Role
from graph_api.catalog.ref import Ref
from graph_api.store.protocol import Store

AUDIENCE = "catalog"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())

Answer = Callable[[BaseHTTPRequestHandler], None]


def rsa_key(id_: str, key: rsa.RSAPrivateKey = RSA, **more: Any) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": id_, **more}


def ec_key(id_: str) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": id_}


class Provider:
    """Answers with `keys`, or as `answer` does; `asked` are the paths."""

    def __init__(self) -> None:
        self.keys: list[Any] = [rsa_key("one"), ec_key("two")]
        self.answer: Answer | None = None
        self.asked: list[str] = []
        self.url = ""

    def settings(self, **more: Any) -> dict[str, Any]:
        return {"oidc_issuer": self.url, "oidc_audience": AUDIENCE, "oidc_jwks_url": f"{self.url}/keys", **more}

    def claims(self, **more: Any) -> dict[str, Any]:
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + 600, **more}
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, key: Any = RSA, algorithm: str = "RS256", kid: str | None = "one", header: Any = None, **claims: Any
    ) -> str:
        headers = {**({"kid": kid} if kid is not None else {}), **(header or {})}
        return jwt.encode(self.claims(**claims), key, algorithm=algorithm, headers=headers)

    def documents(self) -> dict[str, Any]:
        return {
            "/keys": {"keys": self.keys},
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
        }


@contextmanager
def provider() -> Iterator[Provider]:
    """A server in a thread."""
    running = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.asked.append(self.path)
            if running.answer:
                running.answer(self)
            else:
                send(self, json.dumps(running.documents().get(self.path)).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@asynccontextmanager
async def client_of(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        yield client


async def ask(client: httpx.AsyncClient, token: str | None, query: str = "{ __typename }", **variables: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def make_key(
    store: Store, role: Role, name: str = "test", *, source: str | None = None, groups: tuple[Ref, ...] = ()
) -> tuple[str, ApiKey]:
    """The token, and the key as it is in the store."""
    token, key = new_key(name, role, int(time.time()), 1, source=source, groups=groups)
    async with store.write() as tx:
        await tx.put_key(key)
    return token, key


async def breach(store: Store) -> str | None:
    """What is wrong with the audit log."""
    verification = Verification(await store.audit_head())
    return verification.breach(await store.audit(1000)) or verification.end()
