"""`graph-api sync` without PATH: the sources of the settings."""

from collections.abc import Sequence

import click

from graph_api.app import open_store, source_order
from graph_api.cli.failure import Exit, exit_of
from graph_api.cli.outcomes import echo_reports
from graph_api.cli.progress import progress
from graph_api.cli.session import locally, opened
from graph_api.errors import UNREACHABLE, CatalogError
from graph_api.feeding import awaits_events, feed
from graph_api.settings import Settings
from graph_api.source_entries import Configured
from graph_api.sources.folders import SourceError
from graph_api.sync import SyncReport


def chosen(settings: Settings, name: str | None) -> Sequence[Configured]:
    configured = settings.configured_sources
    if not configured:
        raise click.UsageError("give PATHs or --confirm ID, or say in the setting `sources` what to sync")
    chosen = [entry for entry in configured if name in (None, entry.name)]
    if not chosen:
        raise click.UsageError(f"no source {name} is configured; there are {', '.join(row.name for row in configured)}")
    return chosen


async def sync_configured(
    settings: Settings, entries: Sequence[Configured], *, dry_run: bool
) -> tuple[list[SyncReport], Exit | None]:
    """Sync one after the other, each printed when it is done; return their reports and the exit code of those that
    failed.
    """
    reports: list[SyncReport] = []
    failed: Exit | None = None

    def fail(name: str, error: SourceError | CatalogError) -> None:
        nonlocal failed
        click.echo(f"{name}: FAILED, nothing is withdrawn: {error}", err=True)
        failed = max(failed or exit_of(error), exit_of(error))

    async with opened(open_store(settings)) as store:
        for entry in entries:
            try:
                with progress(f"Syncing {entry.name}"):
                    order, groups = source_order(settings), settings.descriptor_groups
                    fed = await feed(store, entry, order, groups, by=locally("sync"), dry_run=dry_run)
            except (SourceError, CatalogError) as error:
                if isinstance(error, CatalogError) and error.code in UNREACHABLE:
                    raise
                fail(entry.name, error)
            else:
                for name, failure in fed.failures.items():
                    fail(name, failure)
                if not (fed.reports or fed.failures) and awaits_events(entry):
                    click.echo(f"{entry.name}: no event has been received yet")
                echo_reports(settings, fed.reports, dry_run=dry_run)
                reports += fed.reports
    return reports, failed
