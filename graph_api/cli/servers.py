"""uvicorn's servers, made to end as a replica among others should."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from types import FrameType

import uvicorn

from graph_api.live import LiveChanges
from graph_api.settings import LogLevel, Settings
from graph_api.web.asgi import CatalogApp
from graph_api.web.heads import timed_heads
from graph_api.web.streams import SOCKET_OPTIONS

ADMIN_SECONDS = 1


class ClientServer(uvicorn.Server):
    """Tells when it answers, rather than when it is about to. The first signal begins to drain it."""

    def __init__(self, app: CatalogApp, settings: Settings, announce: Callable[[], Awaitable[None]]) -> None:
        seconds = max(1, round(settings.drain_seconds))
        super().__init__(_config(app, settings, seconds, lifespan="on", proxies=settings.trusted_proxies))
        self._lifecycle = app.lifecycle
        self._live: LiveChanges = app.state.live
        self._settings = settings
        self._announce = announce
        self._loop = asyncio.get_running_loop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._captured_signals or not self.started:
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        delay = self._settings.drain_delay if sig == signal.SIGTERM else 0.0
        # A signal comes between any two instructions.
        self._loop.call_soon_threadsafe(self._drain, delay)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # What stays open would be waited for.
        self._live.close()
        await super().shutdown(sockets)

    def _drain(self, delay: float) -> None:
        self._lifecycle.drain(delay + self._settings.drain_seconds)
        self._loop.call_later(delay, self._end)

    def _end(self) -> None:
        self.should_exit = True


class _AdminServer(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override] # signals are the clients' server's
        return nullcontext()


@asynccontextmanager
async def admin_serving(app: CatalogApp, settings: Settings, listener: socket.socket) -> AsyncIterator[None]:
    """Answers operators also while the clients' server starts and ends."""
    server = _AdminServer(_config(app.admin, settings, ADMIN_SECONDS, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _config(
    app: object, settings: Settings, seconds: int, *, lifespan: str, proxies: Sequence[str] = ()
) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # uvicorn's type of an application is narrower than Starlette's
        lifespan=lifespan,  # type: ignore[arg-type] # a literal of either call above
        http=timed_heads(settings.head_timeout),
        h11_max_incomplete_event_size=settings.max_head,
        log_config=None,
        # At `info` uvicorn tells each step of its start and end, between what we print.
        log_level=LogLevel.WARNING if settings.log_level is LogLevel.INFO else settings.log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=seconds,
        **SOCKET_OPTIONS,
        # By itself, uvicorn believes whoever is on this machine.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
    )
