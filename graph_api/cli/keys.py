"""`graph-api keys`: API keys, made and revoked in the store itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import click

from graph_api.access.audit import Outcome
from graph_api.access.keys import MAX_DAYS, ApiKey, new_key, successor
from graph_api.access.principal import Role
from graph_api.app import open_store
from graph_api.catalog.ref import BadRefError, parse_ref
from graph_api.catalog.times import utc_now
from graph_api.cli.failure import Exit, Failure
from graph_api.cli.options import STORE_OPTIONS, with_settings
from graph_api.cli.session import locally, opened, require_existing
from graph_api.settings import Settings
from graph_api.store.protocol import Store

HOUR = 3600

T = TypeVar("T")


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke API keys.

    They are kept in the store, of each secret only a hash. Whoever has the store's file or password may do this.
    """


@keys.command()
@click.option("--name", required=True, help="Stands in the audit log, as key:NAME.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What it may do.")
@click.option("--source", help="The one source that an ingestor speaks for.")
@click.option("--group", "groups", multiple=True, help="A team that an editor writes for; may be given several times.")
@click.option("--expires", "days", default=90, show_default=True, type=click.IntRange(1, MAX_DAYS), help="In days.")
@with_settings(*STORE_OPTIONS)
def create(settings: Settings, name: str, role: str, source: str | None, groups: tuple[str, ...], days: int) -> None:
    """Make a key and print it: this once, for only its hash is kept."""
    try:
        teams = tuple(parse_ref(group, kind="group") for group in groups)
        token, key = new_key(name, Role(role), _now(), days, source=source, groups=teams)
    except (BadRefError, ValueError) as error:
        raise click.UsageError(str(error)) from error

    async def work(store: Store) -> None:
        if any(other.name == name and other.is_good(time.time()) for other in await store.keys()):
            message = f"there is a key {name} already: rotate or revoke it, for the audit log knows a key by its name"
            raise Failure(message, Exit.PROBLEMS)
        await _write(store, "createKey", key)

    _run(settings, work)
    _show(token, key)
    if key.role is Role.EDITOR and not teams:
        click.echo("It can write nothing: an editor changes what its teams own, and --group names none.", err=True)


@keys.command("list")
@with_settings(*STORE_OPTIONS)
def list_keys(settings: Settings) -> None:
    """List the keys, also expired and revoked ones."""
    require_existing(settings)
    found = _run(settings, lambda store: store.keys())
    for key in found:
        bound = key.source or ", ".join(key.groups)
        click.echo(f"{key.id}  {key.name:<20} {key.role:<9} {_state(key):<22} {bound}".rstrip())
    if not found:
        click.echo("There are no keys. graph-api keys create makes one.")


@keys.command()
@click.argument("named", metavar="ID")
@with_settings(*STORE_OPTIONS)
def revoke(settings: Settings, named: str) -> None:
    """Make a key worthless, on all servers within 5 seconds. ID may be its name where no other key has it."""
    require_existing(settings)

    async def work(store: Store) -> str:
        key = await _key(store, named)
        await _write(store, "revokeKey", replace(key, revoked_at=key.revoked_at or _now()))
        return key.id

    click.echo(f"Revoked {_run(settings, work)}.")


@keys.command()
@click.argument("named", metavar="ID")
@click.option(
    "--overlap", default=24, show_default=True, type=click.IntRange(0, 720), help="Hours that the old key stays good."
)
@with_settings(*STORE_OPTIONS)
def rotate(settings: Settings, named: str, overlap: int) -> None:
    """Make a new key like an old one, which stays good for a while. ID may be its name where no other key has it."""
    require_existing(settings)

    async def work(store: Store) -> tuple[str, ApiKey, str]:
        key = await _key(store, named)
        if not key.is_good(time.time()):
            raise Failure(f"the key {key.id} is {_state(key)}; make a new one", Exit.PROBLEMS)
        token, new, old = successor(key, _now(), overlap * HOUR)
        await _write(store, "rotateKey", new, old)
        return token, new, key.id

    token, new, old = _run(settings, work)
    _show(token, new)
    click.echo(f"The old key {old} stays good for {overlap} hours at most.")


async def _key(store: Store, named: str) -> ApiKey:
    """The one with this id, or else the good one with this name."""
    keys = await store.keys()
    good = [key for key in keys if key.name == named and key.is_good(time.time())]
    found = [key for key in keys if key.id == named] or good or [key for key in keys if key.name == named]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(key.id for key in found)
        raise Failure(f"there are several keys {named}; say which by its id: {ids}", Exit.PROBLEMS)
    raise Failure(f"there is no key {named}; graph-api keys list shows them", Exit.PROBLEMS)


async def _write(store: Store, action: str, *changed: ApiKey) -> None:
    async with store.write() as tx:
        for key in changed:
            await tx.put_key(key)
        by = locally(action, changed[0].source)
        names = tuple(f"key:{key.name} {key.id}" for key in changed)
        await tx.record(by.ended(Outcome.APPLIED, utc_now(), refs=names))


def _run(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(open_store(settings)) as store:
            return await work(store)

    return asyncio.run(run())


def _show(token: str, key: ApiKey) -> None:
    click.echo(token)
    click.echo(
        f"This is the key {key.name} ({key.id}), good until {_day(key.expires_at)}. It is not shown again.", err=True
    )


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return f"{'expires' if key.is_good(time.time()) else 'expired'} {_day(key.expires_at)}"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _now() -> int:
    return int(time.time())
