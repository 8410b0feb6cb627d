"""`graph-api serve`: the GraphQL API over HTTP."""

import asyncio
import gc
import signal
import socket
import sys
from contextlib import AsyncExitStack
from types import FrameType

import click

from graph_api.app import create_app, store_to_serve
from graph_api.cli.access import settle_access
from graph_api.cli.demo import load_demo
from graph_api.cli.failure import Exit, Failure
from graph_api.cli.options import with_settings
from graph_api.cli.servers import ClientServer, admin_serving
from graph_api.errors import CatalogError
from graph_api.settings import IN_MEMORY, Settings
from graph_api.store.protocol import Store
from graph_api.telemetry.logs import configure_logs
from graph_api.telemetry.tracing import tracing
from graph_api.web.explorer import EXAMPLES

GIVE_UP_SECONDS = 60

_COLLECT_AFTER = 10_000
"""New objects between two collections of cycles, which keep all requests waiting: some milliseconds for so many."""
_SWITCH_SECONDS = 0.0002
"""How long a thread that reads for one request may keep the event loop from answering another."""

_SERVE_OPTIONS = tuple(name for name in Settings.model_fields if name != "neo4j_password")


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo organization, if it is not there yet.")
@with_settings(*_SERVE_OPTIONS)
def serve(settings: Settings, demo: bool) -> None:
    """Serve the GraphQL API over HTTP.

    Programs and browsers find it at /graphql. Who asks sends a token: a key that `graph-api keys create` made, or one
    of the issuer in the settings oidc_issuer and oidc_audience. With --insecure-anonymous, and --demo as long as there
    is neither, everybody on this machine may do everything.
    """
    configure_logs(settings.log_level, settings.log_format)
    # uvicorn shuts down gracefully and then raises the signal again.
    signal.signal(signal.SIGTERM, _leave)
    try:
        asyncio.run(_serve(settings, demo=demo))
    except KeyboardInterrupt:
        click.echo("Stopped.")


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


async def _serve(settings: Settings, *, demo: bool) -> None:
    async with AsyncExitStack() as stack:
        store = store_to_serve(settings)
        stack.push_async_callback(store.close)
        settings = await settle_access(settings, store, demo=demo)
        listener = stack.enter_context(_listen(settings.host, settings.port, "--port"))
        if demo:
            await store.open()
            await load_demo(store, settings)
        _trace(stack, settings.otel_endpoint)
        app = create_app(settings, store)
        if settings.admin_port is not None:
            admin = stack.enter_context(_listen(settings.admin_host, settings.admin_port, "--admin-port"))
            await stack.enter_async_context(admin_serving(app, settings, admin))
            click.echo(f"Operators find /readyz and /metrics at {_url(settings.admin_host, admin)}")
        # What is loaded by now stays; without it, each collection would look through all of it.
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER)
        sys.setswitchinterval(_SWITCH_SECONDS)
        server = ClientServer(app, settings, lambda: _announce(settings, store, listener, demo=demo))
        await server.serve(sockets=[listener])
    if not server.started:
        raise Failure("the server could not start; the log above says why", Exit.UNAVAILABLE)


def _trace(stack: AsyncExitStack, endpoint: str | None) -> None:
    try:
        stack.enter_context(tracing(endpoint))
    except ModuleNotFoundError as error:
        raise Failure("otel_endpoint needs more packages: pip install 'graph-api[otel]'", Exit.USAGE) from error


def _listen(host: str, port: int, option: str) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        message = f"cannot listen on {host} port {port}: {error.strerror}; choose another with {option}"
        raise Failure(message, Exit.USAGE) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A client that is gone, or reads no more, is given up; uvicorn itself would wait for it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GIVE_UP_SECONDS * 1000)
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, each answer waits some 40 ms.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach())


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


async def _announce(settings: Settings, store: Store, listener: socket.socket, *, demo: bool) -> None:
    url = f"{_url(settings.host, listener)}/graphql"
    if demo:
        click.echo("\nThree queries worth pasting:\n")
        for title, query in EXAMPLES:
            click.echo(f"# {title}\n{query}\n")
    if await _is_empty(store):
        fill = "" if settings.store == f"embedded:{IN_MEMORY}" else f"graph-api sync PATH --store {settings.store}, or "
        click.echo(f"The catalog is empty. Fill it: {fill}graph-api serve --demo")
    if settings.insecure_anonymous:
        click.echo("INSECURE: there is no sign-in; everybody who reaches this address may read and write everything.")
    click.echo(f"graph-api serves {settings.store} at {url}; stop it with Ctrl+C")


async def _is_empty(store: Store) -> bool:
    """False also where the store does not say: the server starts without it."""
    try:
        async with asyncio.timeout(1):
            return await store.revision() == 0
    except (CatalogError, TimeoutError):
        return False
