"""`python -m reliability.run`: each promise, its bar and what was measured; exits with 1 when one is missed."""

import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click

from graph_api import local_neo4j
from reliability import (
    checks_fuzz,
    checks_hidden,
    checks_load,
    checks_requests,
    checks_tested,
    faults_database,
    faults_kills,
    faults_limits,
    faults_replicas,
    soak,
)
from reliability.check import Bench, Check, Figure
from reliability.processes import free_port

ALONE: tuple[Check, ...] = (
    *checks_requests.CHECKS,
    *checks_fuzz.CHECKS,
    *checks_load.CHECKS,
    *checks_hidden.CHECKS,
    *faults_kills.CHECKS,
    *faults_database.CHECKS,
    *faults_limits.CHECKS,
    *faults_replicas.CHECKS,
)
BESIDE = (soak.CHECK,)
"""Takes as long as all that is tested, and goes on beside it: its figures are of memory, not of time."""
CHECKS = (*ALONE, *checks_tested.CHECKS, *BESIDE)


@click.command()
@click.option("--only", "rows", type=int, multiple=True, metavar="ROW", help="Only this row; may be given repeatedly.")
@click.option("--full", is_flag=True, help="As long as the bars ask for; without it, a shorter look.")
@click.option("--neo4j", "uri", metavar="URI", help="A database without password to empty; a local one when left out.")
def main(rows: tuple[int, ...], full: bool, uri: str | None) -> None:
    """Check what is promised on real servers and both stores, and print it as a table."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is ended
    chosen = {check for check in CHECKS if not rows or check.row in rows}
    if not chosen:
        raise click.UsageError(f"there is no check of row {', '.join(map(str, rows))}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with _database(uri, folder / "neo4j") as address:
            missed = _run(chosen, Bench(folder=folder, neo4j=address, full=full))
    sys.exit(1 if missed else 0)


def _run(chosen: Collection[Check], bench: Bench) -> int:
    """How many are missed."""
    click.echo("| row | promise | bar | figure | met | seconds |\n|---|---|---|---|---|---|")
    missed = [_told(check, bench) for check in _by_row(ALONE, chosen)]
    with ThreadPoolExecutor() as pool:
        beginning = [pool.submit(_told, check, bench) for check in _by_row(BESIDE, chosen)]
        missed += [_told(check, bench) for check in _by_row(checks_tested.CHECKS, chosen)]
        missed += [one.result() for one in beginning]
    return sum(missed)


def _by_row(checks: Collection[Check], chosen: Collection[Check]) -> list[Check]:
    return sorted((check for check in checks if check in chosen), key=lambda check: check.row)


def _told(check: Check, bench: Bench) -> bool:
    """Whether it is missed."""
    begin = time.monotonic()
    figure = _measured(check, bench)
    met = "yes" if figure.met else "**no**"
    seconds = time.monotonic() - begin
    click.echo(f"| {check.row} | {check.promise} | {check.bar} | {figure.text} | {met} | {seconds:.0f} |")
    return not figure.met


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
