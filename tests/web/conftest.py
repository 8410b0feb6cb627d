"""A real server on a free port of 127.0.0.1."""

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import httpx
import pytest
import uvicorn

from graph_api.web.asgi import build_asgi
from graph_api.web.authentication import Anybody
from graph_api.web.heads import timed_heads
from graph_api.web.limits import RequestLimits
from tests.web.tiny import Database, schema

Serve: TypeAlias = Callable[..., AbstractContextManager[httpx.Client]]


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @property
    def url(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()
        return f"http://{host}:{port}"


@contextmanager
def serve(
    database: Database | None = None,
    limits: RequestLimits | None = None,
    warm_up: Callable[[], Awaitable[None]] | None = None,
) -> Iterator[httpx.Client]:
    """A client of a server with the tiny schema."""
    store = database or Database()
    app = build_asgi(schema, store.context, store.as_store(), Anybody(), limits, warm_up=warm_up)
    http = timed_heads(0.3)
    server = _Server(uvicorn.Config(app, port=0, http=http, log_level="critical", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(10)
        with httpx.Client(base_url=server.url, timeout=5) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with serve() as client:
        yield client
