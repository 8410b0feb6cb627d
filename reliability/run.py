"""`python -m reliability.run`: each promise, its bar and what was measured; exits with 1 when one is missed."""

import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from graph_api import local_neo4j
from reliability import (
    checks_fuzz,
    checks_load,
    checks_requests,
    checks_tested,
    faults_database,
    faults_kills,
    faults_limits,
    faults_replicas,
)
from reliability.check import Bench, Check, Figure
from reliability.processes import free_port

CHECKS: tuple[Check, ...] = (
    *checks_requests.CHECKS,
    *checks_fuzz.CHECKS,
    *checks_load.CHECKS,
    *checks_tested.CHECKS,
    *faults_kills.CHECKS,
    *faults_database.CHECKS,
    *faults_limits.CHECKS,
    *faults_replicas.CHECKS,
)


@click.command()
@click.option("--only", "rows", type=int, multiple=True, metavar="ROW", help="Only this row; may be given repeatedly.")
@click.option("--full", is_flag=True, help="As long as the bars ask for; without it, a shorter look.")
@click.option("--neo4j", "uri", metavar="URI", help="A database without password to empty; a local one when left out.")
def main(rows: tuple[int, ...], full: bool, uri: str | None) -> None:
    """Check what is promised on real servers and both stores, and print it as a table."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is ended
    chosen = sorted((check for check in CHECKS if not rows or check.row in rows), key=lambda check: check.row)
    if not chosen:
        raise click.UsageError(f"there is no check of row {', '.join(map(str, rows))}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with _database(uri, folder / "neo4j") as address:
            missed = _run(chosen, Bench(folder=folder, neo4j=address, full=full))
    sys.exit(1 if missed else 0)


def _run(checks: Sequence[Check], bench: Bench) -> int:
    """How many are missed."""
    click.echo("| row | promise | bar | figure | met | seconds |\n|---|---|---|---|---|---|")
    missed = 0
    for check in checks:
        begin = time.monotonic()
        figure = _measured(check, bench)
        missed += not figure.met
        met = "yes" if figure.met else "**no**"
        seconds = time.monotonic() - begin
        click.echo(f"| {check.row} | {check.promise} | {check.bar} | {figure.text} | {met} | {seconds:.0f} |")
    return missed


def _measured(check: Check, bench: Bench) -> Figure:
    try:
        return check.measure(bench)
    except Exception as error:  # one check that breaks is missed; the others are still of interest
        traceback.print_exc()
        return Figure(f"{type(error).__name__}: {error}".splitlines()[0], met=False)


@contextmanager
def _database(uri: str | None, home: Path) -> Iterator[str]:
    if uri:
        yield uri
        return
    running = local_neo4j.start(home, progress=lambda line: click.echo(line, err=True), bolt_port=free_port())
    try:
        yield running.uri
    finally:
        local_neo4j.stop(home)


if __name__ == "__main__":
    main()
