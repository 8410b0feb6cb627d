"""`graph-api serve`: the GraphQL API over HTTP."""

import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType

import click

from graph_api.app import create_app, open_store, store_to_serve
from graph_api.catalog.kinds import KINDS, register_kinds
from graph_api.cli.access import open_early, settle_access
from graph_api.cli.demo import load_demo
from graph_api.cli.event_loop import run
from graph_api.cli.failure import Exit, Failure
from graph_api.cli.options import with_settings
from graph_api.cli.servers import ClientServer, admin_serving
from graph_api.cli.workers import Worker, reserve, supervise
from graph_api.errors import CatalogError
from graph_api.planning.thread import is_frozen_for_good
from graph_api.setting_groups import IN_ORDER
from graph_api.settings import IN_MEMORY, Settings
from graph_api.sources.misspellings import nearest_kind
from graph_api.store.protocol import Store
from graph_api.telemetry.logs import configure_logs
from graph_api.telemetry.tracing import tracing
from graph_api.web.explorer import EXAMPLES
from graph_api.web.store_lifecycle import FIRST_TRY

GIVE_UP_SECONDS = 60

_COLLECT_AFTER = 10_000
"""New objects between two collections of cycles, which keep all requests waiting: some milliseconds for so many."""
_SWITCH_SECONDS = 0.0002
"""How long a thread that reads for one request may keep the event loop from answering another."""

_SERVE_OPTIONS = tuple(name for name in IN_ORDER if name != "neo4j_password")

logger = logging.getLogger(__name__)


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo organization, if it is not there yet.")
@with_settings(*_SERVE_OPTIONS)
def serve(settings: Settings, demo: bool) -> None:
    """Serve the GraphQL API over HTTP.

    Programs and browsers find it at /graphql. Who asks sends a token: a key that `graph-api keys create` made, or one
    of the issuer in the settings oidc_issuer and oidc_audience. With --insecure-anonymous, and --demo as long as there
    is neither, everybody on this machine may do everything.
    """
    _configure(settings)
    _warn_of_kinds(settings)
    if settings.mirror and settings.mirror_folder and not settings.store.startswith("embedded:"):
        _make(settings.mirror_folder)
    try:
        if settings.workers == 1:
            run(_serve(settings, demo=demo))
        else:
            _serve_by_workers(settings, demo=demo)
    except KeyboardInterrupt:
        click.echo("Stopped.")


def _configure(settings: Settings) -> None:
    configure_logs(settings.log_level, settings.log_format)
    # uvicorn shuts down gracefully and then raises the signal again.
    signal.signal(signal.SIGTERM, _leave)


def _warn_of_kinds(settings: Settings) -> None:
    """A rule for a kind that nobody has does nothing; but sources may have kinds that are not registered."""
    restricted = {kind for rule in settings.restricted for kind in rule.kinds}
    for name, kinds in (("restricted", sorted(restricted)), ("join_names", settings.join_names)):
        for kind in kinds:
            if kind.lower() not in KINDS:
                meant = nearest_kind(kind.lower())
                hint = f"; did you mean {meant}?" if meant else ", unless a source has entities of it"
                logger.warning("%s: the kind %s is not known%s", name, kind, hint)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Failure(f"mirror_folder: nothing can be written to {folder}: {error.strerror}", Exit.USAGE) from error


def _serve_by_workers(settings: Settings, *, demo: bool) -> None:
    if settings.store == f"embedded:{IN_MEMORY}":
        raise Failure("workers share a store; one in memory is of one process", Exit.USAGE)
    settings = asyncio.run(_prepare(settings, demo=demo))
    with _bound(settings.host, settings.port, "--port", reserve) as reserved:
        supervise(_work, settings.model_copy(update={"port": reserved.getsockname()[1]}), demo=demo)


async def _prepare(settings: Settings, *, demo: bool) -> Settings:
    """Do what is done once for all workers, and return the settings for them."""
    store = open_store(settings)
    try:
        settings = await settle_access(settings, store, demo=demo)
        await _open(settings, store, demo=demo)
        return settings
    finally:
        await store.close()


async def _open(settings: Settings, store: Store, *, demo: bool) -> None:
    """Open the store before the server does, which tries again for ever: that mends not everything."""
    await open_early(settings, store, None if demo else FIRST_TRY)
    if demo:
        await load_demo(store, settings)


def _work(worker: Worker) -> None:
    _configure(worker.settings)
    register_kinds(worker.settings.kinds)
    run(_serve_as(worker))


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


async def _serve(settings: Settings, *, demo: bool) -> None:
    async with AsyncExitStack() as stack:
        store = store_to_serve(settings)
        stack.push_async_callback(store.close)
        settings = await settle_access(settings, store, demo=demo)
        listener = stack.enter_context(_listen(settings.host, settings.port, "--port"))
        await _open(settings, store, demo=demo)
        announce = partial(_announce, settings, store, listener, demo=demo)
        await _answer(stack, settings, store, listener, announce)


async def _serve_as(worker: Worker) -> None:
    settings = worker.settings
    async with AsyncExitStack() as stack:
        store = store_to_serve(settings, worker.folder)
        stack.push_async_callback(store.close)
        listener = stack.enter_context(_listen(settings.host, settings.port, "--port", shared=True))
        announce = partial(_announce, settings, store, listener, demo=worker.demo)
        await _answer(stack, settings, store, listener, announce if worker.is_first else _say_nothing)


async def _answer(
    stack: AsyncExitStack,
    settings: Settings,
    store: Store,
    listener: socket.socket,
    announce: Callable[[], Awaitable[None]],
) -> None:
    _trace(stack, settings.otel_endpoint)
    app = create_app(settings, store)
    if settings.admin_port is not None:
        admin = stack.enter_context(_listen(settings.admin_host, settings.admin_port, "--admin-port"))
        await stack.enter_async_context(admin_serving(app, settings, admin))
        click.echo(f"Operators find /readyz and /metrics at {_url(settings.admin_host, admin)}")
    # What is loaded by now stays; without it, each collection would look through all of it.
    gc.freeze()
    is_frozen_for_good.cache_clear()
    gc.set_threshold(_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_SECONDS)
    server = ClientServer(app, settings, announce)
    await server.serve(sockets=[listener])
    if not server.started:
        raise Failure("the server could not start; the log above says why", Exit.UNAVAILABLE)


async def _say_nothing() -> None:
    """Say nothing: another worker has told where to ask."""


def _trace(stack: AsyncExitStack, endpoint: str | None) -> None:
    try:
        stack.enter_context(tracing(endpoint))
    except ModuleNotFoundError as error:
        raise Failure("otel_endpoint needs more packages: pip install 'graph-api[otel]'", Exit.USAGE) from error


def _listen(host: str, port: int, option: str, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens; `shared` with other processes, each of which gets its part of the connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    create = partial(socket.create_server, family=family, backlog=2048, reuse_port=shared)
    listener = _bound(host, port, option, lambda host, port: create((host, port)))
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A client that is gone, or reads no more, is given up; uvicorn itself would wait for it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GIVE_UP_SECONDS * 1000)
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, each answer waits some 40 ms.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach())


def _bound(host: str, port: int, option: str, bind: Callable[[str, int], socket.socket]) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        is_host = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        another = option.replace("port", "host") if is_host else option
        message = f"cannot listen on {host} port {port}: {error.strerror}; choose another with {another}"
        raise Failure(message, Exit.USAGE) from error


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
