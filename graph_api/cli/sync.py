"""`graph-api sync`: files and folders, or the configured sources, into the catalog."""

from dataclasses import replace
from pathlib import Path

import click

from graph_api.app import open_store, source_order
from graph_api.cli.configured import chosen, sync_configured
from graph_api.cli.event_loop import run_until_interrupted
from graph_api.cli.options import STORE_OPTIONS, repo_option, with_settings
from graph_api.cli.outcomes import echo_reports, exit_after
from graph_api.cli.progress import progress
from graph_api.cli.session import leaving_nothing, locally, opened, require_existing
from graph_api.errors import CatalogError
from graph_api.recording import recording
from graph_api.settings import Settings
from graph_api.sources.files import CONNECTOR, source_name
from graph_api.sources.folders import SourceError
from graph_api.sources.reading import read_paths
from graph_api.sources.registry import CONNECTORS
from graph_api.sync import SyncReport, confirm_sync, record_failure, to_sync
from graph_api.sync import sync as sync_one


@click.command()
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--source",
    metavar="NAME",
    help="Name of the source; by default of the git remote or folder. Without PATH: the one that runs.",
)
@click.option(
    "--connector",
    "only",
    multiple=True,
    type=click.Choice(sorted(CONNECTORS)),
    help="Read with this connector only; may be given several times. All of them when left out.",
)
@repo_option
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option("--confirm", metavar="ID", help="Apply a sync that is held, if its plan is still the same.")
@click.option("--strict", is_flag=True, help="Exit with 1 if anything was refused or wrong; the rest goes in anyway.")
@with_settings(*STORE_OPTIONS)
def sync(
    settings: Settings,
    paths: tuple[Path, ...],
    source: str | None,
    only: tuple[str, ...],
    repo: str | None,
    dry_run: bool,
    confirm: str | None,
    strict: bool,
) -> None:
    """Sync files and folders into the catalog, or without PATH the sources that the settings say how to sync.

    All PATHs of a call are one source for each connector that knows some of the files, and go in as a whole or not at
    all. What the source said before and no longer says goes; what others say stays. A plan that removes suspiciously
    much is held until it is confirmed. A configured source that fails leaves the others alone.
    """
    if paths and confirm:
        raise click.UsageError("give either PATHs or --confirm ID")
    if confirm and (dry_run or source or repo or only):
        raise click.UsageError("--confirm goes without --dry-run, --source, --connector and --repo")
    if not (paths or confirm):
        if repo or only:
            raise click.UsageError("--connector and --repo go with PATHs; configured sources say them themselves")
        exit_after(
            *run_until_interrupted(sync_configured(settings, chosen(settings, source), dry_run=dry_run)), strict=strict
        )
        return
    if confirm:
        require_existing(settings)
        reports = [run_until_interrupted(_confirm(settings, confirm))]
    else:
        reports = run_until_interrupted(_sync(settings, paths, source, only, repo, dry_run=dry_run))
    if not reports:
        click.echo("Nothing to read there: no file that a connector knows.")
    echo_reports(settings, reports, dry_run=dry_run)
    exit_after(reports, strict=strict)


async def _sync(
    settings: Settings,
    paths: tuple[Path, ...],
    source: str | None,
    only: tuple[str, ...],
    repo: str | None,
    *,
    dry_run: bool,
) -> list[SyncReport]:
    by = locally("sync")
    async with opened(open_store(leaving_nothing(settings) if dry_run else settings)) as store:
        try:
            with progress("Reading the files"):
                snapshots = read_paths(paths, source=source, repo=repo, groups=settings.descriptor_groups, only=only)
        except SourceError as error:
            if not dry_run:
                await record_failure(store, source or source_name(paths), CONNECTOR, str(error), by=by)
            raise
        entities = sum(len(snapshot.entities) for snapshot in snapshots)
        links = sum(len(snapshot.links) for snapshot in snapshots)
        with progress(f"Syncing {entities:,} entities and {links:,} links"):
            order = source_order(settings)
            first = replace(by, source=snapshots[0].source) if snapshots else by
            async with recording(store, first, skip=dry_run):
                snapshots = await to_sync(store, snapshots)
            reports: list[SyncReport] = []
            try:
                for snapshot in snapshots:
                    async with recording(store, replace(by, source=snapshot.source), skip=dry_run):
                        reports.append(await sync_one(store, snapshot, order, by=by, dry_run=dry_run))
            except CatalogError:
                echo_reports(settings, reports, dry_run=dry_run)
                raise
            return reports


async def _confirm(settings: Settings, id_: str) -> SyncReport:
    async with opened(open_store(settings)) as store:
        with progress("Planning and applying the sync"):
            by = locally("confirmSync")
            async with recording(store, by):
                return await confirm_sync(store, id_, source_order(settings), by=by)
