"""A server with a catalog of its own, and clients that subscribe."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from graph_api.access.keys import ApiKey
from graph_api.app import create_app
from graph_api.settings import Settings
from graph_api.store.embedded.store import EmbeddedStore
from tests.web.conftest import running

PROTOCOL = "graphql-transport-ws"
EVENTS = {"accept": "text/event-stream"}
PUT = """mutation($name: String!, $title: String) {
  putEntities(entities: [{kind: "component", name: $name, title: $title}]) { revision userErrors { message } }
}"""
PUT_ALL = """mutation($entities: [EntityInput!]!) {
  putEntities(entities: $entities) { revision userErrors { message } }
}"""
REMOVE = "mutation($ref: String!) { removeEntities(entities: [{ref: $ref}]) { revision userErrors { message } } }"
CHANGES = "subscription($since: Int, $filter: EntityFilter) { changes(since: $since, filter: $filter) { %s } }"


@dataclass
class Server:
    url: str
    app: Starlette
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    def put(self, *names: str, title: str | None = None) -> int:
        """The catalog's revision after the last of them, each in a revision of its own."""
        return [self._write(PUT, name=name, title=title) for name in names][-1]

    def put_all(self, *entities: dict[str, Any]) -> int:
        return self._write(PUT_ALL, entities=entities)

    def remove(self, ref: str) -> int:
        return self._write(REMOVE, ref=ref)

    def _write(self, mutation: str, **variables: Any) -> int:
        body = {"query": mutation, "variables": variables}
        answer = httpx.post(f"{self.url}/graphql", json=body, headers=self.headers).json()
        ((payload),) = answer["data"].values()
        assert payload["userErrors"] == []
        revision: int = payload["revision"]
        return revision

    @contextmanager
    def listening(self, selection: str = "ref", **variables: Any) -> Iterator[Callable[[], Any]]:
        """Reads the next event of an event stream: its name and its data."""
        body = {"query": CHANGES % selection, "variables": variables}
        with httpx.stream("POST", f"{self.url}/graphql", json=body, headers=EVENTS | self.headers) as response:
            assert response.headers["content-type"] == "text/event-stream"
            lines = (line for line in response.iter_lines() if line and not line.startswith(":"))

            def read() -> tuple[str, Any]:
                name, data = next(lines).removeprefix("event: "), next(lines).removeprefix("data: ")
                return name, json.loads(data) if data else None

            yield read


@contextmanager
def serving(folder: Path, **chosen: Any) -> Iterator[Server]:
    """With these settings; by default everybody is let in."""
    store = f"embedded:{folder / 'catalog.db'}"
    values = {"store": store, "poll_interval": 0.1, "insecure_anonymous": True, **chosen}
    app = create_app(Settings.model_validate(values))
    with running(app, app.state.live.close) as url:
        yield Server(url, app)


def put_key(folder: Path, key: ApiKey) -> None:
    async def put() -> None:
        store = EmbeddedStore(folder / "catalog.db")
        await store.open()
        async with store.write() as tx:
            await tx.put_key(key)
        await store.close()

    asyncio.run(put())


@dataclass
class Socket:
    connection: ClientConnection

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def read(self) -> Any:
        return json.loads(self.connection.recv(timeout=30))

    def begin(self, **payload: Any) -> "Socket":
        self.send(type="connection_init", payload=payload)
        assert self.read() == {"type": "connection_ack"}
        return self

    def subscribe(self, id_: str = "1", selection: str = "ref", **variables: Any) -> None:
        self.send(type="subscribe", id=id_, payload={"query": CHANGES % selection, "variables": variables})

    def event(self, id_: str = "1") -> Any:
        """What `changes` of the next event holds."""
        message = self.read()
        assert (message["type"], message["id"]) == ("next", id_), message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]["changes"]

    def code(self) -> str:
        """Of the error in the next message, which ends its subscription."""
        message = self.read()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        if message["type"] == "next":
            assert self.read() == {"type": "complete", "id": message["id"]}
        code: str = errors[0]["extensions"]["code"]
        return code

    def closed(self) -> int:
        """The code with which the server closes the connection, whatever it says before."""
        try:
            while True:
                self.connection.recv(timeout=30)
        except ConnectionClosed as closed:
            return int(closed.rcvd.code) if closed.rcvd else 0


@contextmanager
def socket(url: str, protocol: str = PROTOCOL, origin: str | None = None, **options: Any) -> Iterator[Socket]:
    address = url.replace("http", "ws", 1) + "/graphql"
    named: dict[str, Any] = {"subprotocols": [Subprotocol(protocol)], "origin": Origin(origin) if origin else None}
    with connect(address, compression=None, **named, **options) as connection:
        yield Socket(connection)
