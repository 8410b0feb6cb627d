"""A real server on a free port of 127.0.0.1."""

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from graph_api.web.asgi import HttpOptions, build_asgi
from graph_api.web.authentication import Anybody
from graph_api.web.heads import timed_heads
from graph_api.web.limits import RequestLimits
from graph_api.web.store_lifecycle import StoreLifecycle
from graph_api.web.streams import SOCKET_OPTIONS, StreamLimits
from tests.web.tiny import Database, schema

Serve: TypeAlias = Callable[..., AbstractContextManager[httpx.Client]]


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self.leave = leave
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.leave()
        await super().shutdown(sockets)

    @property
    def url(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()
        return f"http://{host}:{port}"


@contextmanager
def serve(
    database: Database | None = None,
    limits: RequestLimits | None = None,
    warm_up: Callable[[], Awaitable[None]] | None = None,
    streams: StreamLimits | None = None,
    origins: Sequence[str] = (),
    **options: Any,
) -> Iterator[httpx.Client]:
    """A client of a server with the tiny schema."""
    store = database or Database()
    lifecycle = StoreLifecycle(store.as_store(), warm_up=warm_up)
    http = HttpOptions(limits=limits or RequestLimits(), stream_limits=streams or StreamLimits(), origins=origins)
    app = build_asgi(schema, store.context, lifecycle, Anybody(), http)
    with running(app, **options) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


@contextmanager
def running(app: ASGIApp, leave: Callable[[], None] = lambda: None, **options: Any) -> Iterator[str]:
    """The address of a server of the application. `leave` is called in its loop before it stops."""
    options = {"http": timed_heads(30), "timeout_graceful_shutdown": 30, **SOCKET_OPTIONS, **options}
    config = uvicorn.Config(app, port=0, log_level="critical", **options)
    server = _Server(config, leave)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(60)
        yield server.url
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with serve() as client:
        yield client
