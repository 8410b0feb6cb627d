"""`graph-api backup`: the whole catalog in a file."""

import asyncio
from pathlib import Path

import click

from graph_api.app import open_store
from graph_api.backup import run
from graph_api.cli.options import STORE_OPTIONS, with_settings
from graph_api.cli.progress import progress
from graph_api.cli.session import opened, require_existing
from graph_api.settings import Settings

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@file_argument
@with_settings(*STORE_OPTIONS)
def backup(settings: Settings, file: Path) -> None:
    """Write the whole catalog to FILE, at one revision, while servers and syncs go on.

    All of it: what each source states, runs, changes. FILE can be restored into any store; an older backup is replaced,
    any other file is not.
    """
    require_existing(settings)
    with progress(f"Writing {file}"):
        counts = asyncio.run(_back_up(settings, file))
    click.echo(f"{file}: {told(counts)}, from {settings.store}")


async def _back_up(settings: Settings, file: Path) -> run.Counts:
    async with opened(open_store(settings)) as store:
        return await run.back_up(store, file)


def told(counts: run.Counts) -> str:
    return f"{counts['Entity']:,} entities, {counts['Link']:,} links, {counts['SyncRun']:,} runs"
