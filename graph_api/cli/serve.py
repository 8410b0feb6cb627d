"""`graph-api serve`: the GraphQL API over HTTP."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from types import FrameType

import click
import uvicorn

from graph_api.app import create_app, open_store
from graph_api.cli.demo import load_demo
from graph_api.cli.failure import Exit, Failure
from graph_api.cli.options import with_settings
from graph_api.errors import CatalogError
from graph_api.settings import IN_MEMORY, LogLevel, Settings
from graph_api.store.protocol import Store
from graph_api.web.explorer import EXAMPLES
from graph_api.web.heads import timed_heads

SHUTDOWN_SECONDS = 3
"""That running requests may still take; then they are cancelled, and their writes are undone."""

_COLLECT_AFTER = 50_000
"""New objects between two collections of cycles; a large answer alone has some 10,000, and nearly none in a cycle."""

_SERVE_OPTIONS = tuple(name for name in Settings.model_fields if name != "neo4j_password")


class _Server(uvicorn.Server):
    """Tells when it answers, rather than when it is about to."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._announce()


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo organization, if it is not there yet.")
@with_settings(*_SERVE_OPTIONS)
def serve(settings: Settings, demo: bool) -> None:
    """Serve the GraphQL API over HTTP.

    Programs and browsers find it at /graphql. There is no authentication yet: it binds to loopback, and mutations on
    any other address need --insecure-allow-writes.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for library in ("httpx", "httpcore"):
        # They log whole URLs and headers of answers, which may be signed or hold tokens.
        logging.getLogger(library).setLevel(logging.WARNING)
    # uvicorn shuts down gracefully and then raises the signal again.
    signal.signal(signal.SIGTERM, _leave)
    try:
        asyncio.run(_serve(settings, demo=demo))
    except KeyboardInterrupt:
        click.echo("Stopped.")


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


async def _serve(settings: Settings, *, demo: bool) -> None:
    with _listen(settings.host, settings.port) as listener:
        store = open_store(settings)
        try:
            if demo:
                await store.open()
                await load_demo(store, settings)
            config = uvicorn.Config(
                create_app(settings, store),
                http=timed_heads(settings.head_timeout),
                h11_max_incomplete_event_size=settings.max_head,
                lifespan="on",
                # Whoever asks could write anything into X-Forwarded-For.
                proxy_headers=False,
                log_config=None,
                log_level=_server_log_level(settings.log_level),
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
            # What is loaded by now stays; without it, each collection would look through all of it.
            gc.freeze()
            gc.set_threshold(_COLLECT_AFTER)
            server = _Server(config, lambda: _announce(settings, store, listener, demo=demo))
            await server.serve(sockets=[listener])
        finally:
            await store.close()
    if not server.started:
        raise Failure("the server could not start; the log above says why", Exit.UNAVAILABLE)


def _server_log_level(level: LogLevel) -> str:
    """At `info` uvicorn tells each step of its start and end, between what we print."""
    return LogLevel.WARNING if level is LogLevel.INFO else level


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        message = f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port"
        raise Failure(message, Exit.USAGE) from error
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, each answer waits some 40 ms.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach())


async def _announce(settings: Settings, store: Store, listener: socket.socket, *, demo: bool) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}/graphql"
    if demo:
        click.echo("\nThree queries worth pasting:\n")
        for title, query in EXAMPLES:
            click.echo(f"# {title}\n{query}\n")
    if await _is_empty(store):
        fill = "" if settings.store == f"embedded:{IN_MEMORY}" else f"graph-api sync PATH --store {settings.store}, or "
        click.echo(f"The catalog is empty. Fill it: {fill}graph-api serve --demo")
    writes = "" if settings.writes_allowed else " (read only: see --insecure-allow-writes)"
    click.echo(f"graph-api serves {settings.store} at {url}{writes}; stop it with Ctrl+C")


async def _is_empty(store: Store) -> bool:
    """False also where the store does not say: the server starts without it."""
    try:
        async with asyncio.timeout(1):
            return await store.revision() == 0
    except (CatalogError, TimeoutError):
        return False
