"""`graph-api audit`: who changed what, and whether anybody has changed that since."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

import click
import orjson

from graph_api.access.audit import Head, Outcome, Record, Verification
from graph_api.access.audit_search import Wanted, search
from graph_api.app import open_store
from graph_api.catalog.ref import BadRefError, parse_ref
from graph_api.catalog.times import utc_time
from graph_api.cli.failure import Exit, Failure
from graph_api.cli.options import STORE_OPTIONS, with_settings
from graph_api.cli.session import opened, require_existing
from graph_api.settings import Settings
from graph_api.store.protocol import Store

PAGE = 1000


def _ref(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    try:
        return None if text is None else parse_ref(text)
    except BadRefError as error:
        raise click.BadParameter(str(error)) from error


def _time(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    if text is None:
        return None
    if (time := utc_time(text)) is None:
        raise click.BadParameter("write 2026-01-31 or 2026-01-31T12:00:00Z")
    return time


@click.group()
def audit() -> None:
    """Read the audit log, and check that it is whole."""


@audit.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="The newest records.")
@click.option("--principal", metavar="NAME", help="Only of this one, such as user:ann.")
@click.option("--action", metavar="NAME", help="Only this, such as putEntities.")
@click.option("--outcome", type=click.Choice(Outcome, case_sensitive=False), help="Only what ended so.")
@click.option("--source", metavar="NAME", help="Only for this source.")
@click.option("--ref", callback=_ref, help="Only what named this entity, and what changed too many to name all.")
@click.option("--since", metavar="TIME", callback=_time, help="At this time or later, such as 2026-01-31T12:00:00Z.")
@click.option("--until", metavar="TIME", callback=_time, help="Earlier than this.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_settings(*STORE_OPTIONS)
def list_records(settings: Settings, limit: int, as_json: bool, **wanted: Any) -> None:
    """List who tried to change what, and how it ended, the newest first."""
    require_existing(settings)
    for record in asyncio.run(_newest(settings, limit, Wanted(**wanted))):
        click.echo(orjson.dumps(_as_json(record)) if as_json else _line(record))


@audit.command()
@click.option("--head", metavar="N:HASH", help="Also that the record N is the one that this command printed before.")
@with_settings(*STORE_OPTIONS)
def verify(settings: Settings, head: str | None) -> None:
    """Check that no record was changed or removed; exits with 1 if one was.

    Prints the newest record's number and hash. Kept elsewhere and given as --head the next time, they also tell of
    somebody who made the whole log anew.
    """
    if head and not re.fullmatch(r"[0-9]+:[0-9a-f]+", head):
        raise click.UsageError("--head: write N:HASH, as this command printed it")
    require_existing(settings)
    newest, problem = asyncio.run(_verify(settings, head))
    if problem:
        raise Failure(f"the audit log is not whole: {problem}", Exit.PROBLEMS)
    click.echo(f"{newest.sequence:,} records, whole. Head: {newest.sequence}:{newest.hash}")


async def _newest(settings: Settings, limit: int, wanted: Wanted) -> Sequence[Record]:
    async with opened(open_store(settings)) as store:
        return (await search(store.audit, wanted, limit)).records


async def _verify(settings: Settings, known: str | None) -> tuple[Head, str | None]:
    """Return the head, and what is wrong."""
    async with opened(open_store(settings)) as store:
        head = await store.audit_head()
        verification = Verification(head)
        missing = known
        async for page in _pages(store, head):
            if problem := verification.breach(page):
                return head, problem
            if missing in {f"{record.sequence}:{record.hash}" for record in page}:
                missing = None
        return head, verification.end() or (f"{missing} is not in it" if missing else None)


async def _pages(store: Store, head: Head) -> AsyncIterator[list[Record]]:
    """Yield the records from the head backwards, whatever is written meanwhile."""
    before = head.sequence + 1
    while page := await store.audit(PAGE, before):
        yield page
        before = page[-1].sequence


def _as_json(record: Record) -> dict[str, Any]:
    return {
        "sequence": record.sequence,
        **asdict(record.event),
        "previous": record.previous,
        "hash": record.hash,
    }


def _line(record: Record) -> str:
    event = record.event
    what = ", ".join(event.refs[:3]) + (" ..." if len(event.refs) > 3 else "")
    source = f" for {event.source}" if event.source else ""
    end = event.outcome + (f" {event.code}" if event.code else "")
    who = f"{event.principal} ({event.client})"
    return f"{record.sequence:>6} {event.at} {who} {event.action}{source}: {end} {what}".rstrip()
