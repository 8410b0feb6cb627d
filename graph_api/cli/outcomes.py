"""What syncs did, as lines to read and as an exit code."""

import shlex
from collections.abc import Sequence

import click

from graph_api.catalog.changes import SyncStatus
from graph_api.cli.failure import Exit
from graph_api.cli.report import echo_counts, echo_limited, echo_problems, needs_mending, plan_lines
from graph_api.settings import Settings
from graph_api.sync import SyncReport

OUTCOMES = {
    SyncStatus.APPLIED: "applied",
    SyncStatus.UNCHANGED: "nothing has changed",
    SyncStatus.CONFIRMED: "confirmed and applied",
    SyncStatus.HELD: "HELD, nothing is applied",
}
DRY_OUTCOMES = {
    SyncStatus.APPLIED: "a dry run; would be applied",
    SyncStatus.UNCHANGED: "a dry run; nothing would change",
    SyncStatus.HELD: "a dry run; would be HELD",
}


def echo_reports(settings: Settings, reports: Sequence[SyncReport], *, dry_run: bool) -> None:
    for report in reports:
        _print(settings, report, dry_run=dry_run)


def _print(settings: Settings, report: SyncReport, *, dry_run: bool) -> None:
    run = report.run
    outcome = DRY_OUTCOMES[run.status] if dry_run else f"{OUTCOMES[run.status]} (revision {run.revision})"
    click.echo(f"{run.source}: {outcome} in {settings.store}")
    echo_counts(run.counts)
    if dry_run or run.status is SyncStatus.HELD:
        echo_limited(plan_lines(report), len(report.plan), "changes")
    echo_problems(run.problems)
    if run.status is SyncStatus.HELD:
        click.echo(f"Held because {run.message}.")
        if not dry_run:
            click.echo(f"If that is right: {_confirm_command(settings, run.id)}")


def _confirm_command(settings: Settings, id_: str) -> str:
    return shlex.join(["graph-api", "sync", "--confirm", id_, "--store", settings.store])


def exit_after(reports: Sequence[SyncReport], failed: Exit | None = None, *, strict: bool) -> None:
    if failed:
        click.get_current_context().exit(failed)
    if any(report.run.status is SyncStatus.HELD for report in reports):
        click.get_current_context().exit(Exit.HELD)
    if strict and any(needs_mending(report.run.problems) for report in reports):
        click.get_current_context().exit(Exit.PROBLEMS)
