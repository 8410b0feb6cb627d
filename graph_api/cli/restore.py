"""`graph-api restore`: a store that becomes what a backup says."""

import asyncio
from pathlib import Path

import click

from graph_api.access.audit import Outcome
from graph_api.app import open_store
from graph_api.backup import run
from graph_api.backup.file import Digest, check_file
from graph_api.catalog.times import utc_now
from graph_api.cli.backup import file_argument, told
from graph_api.cli.options import STORE_OPTIONS, with_settings
from graph_api.cli.progress import progress
from graph_api.cli.session import exists, locally
from graph_api.errors import CatalogError, ErrorCode
from graph_api.settings import Settings


@click.command()
@file_argument
@click.option("--replace", is_flag=True, help="Delete what the store holds first.")
@with_settings(*STORE_OPTIONS)
def restore(settings: Settings, file: Path, replace: bool) -> None:
    """Make the store, which must be empty, what FILE says, and check that it is.

    Servers on this store notice and answer nothing more until they are restarted.
    """
    with progress(f"Restoring {file}"):
        # What is refused leaves no empty catalog.
        checked = None if exists(settings) else check_file(file)
        counts = asyncio.run(_restore(settings, file, replace=replace, checked=checked))
    click.echo(f"{settings.store}: {told(counts)}, verified against {file}")


async def _restore(settings: Settings, file: Path, *, replace: bool, checked: Digest | None) -> run.Counts:
    store = open_store(settings)
    try:
        await store.open(to_restore=True)
        try:
            counts = await run.restore(store, file, replace=replace, checked=checked)
        except CatalogError as error:
            if error.code is not ErrorCode.CONFLICT:
                raise
            raise CatalogError(error.code, f"{error.message} with --replace") from error
        async with store.write() as tx:
            await tx.record(locally("restore").ended(Outcome.APPLIED, utc_now()))
        return counts
    finally:
        await store.close()
