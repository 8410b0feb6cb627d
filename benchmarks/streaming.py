"""`python -m benchmarks.streaming`: files of one source into an empty catalog, and again with 1 % of them changed.

A process that syncs needs as much memory for five times as many entities, or the bar is missed.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.running import local_database, stop_when_told, tell

_FLAT = 1.25
_FILE = 1_000
"""Entities of a file."""
_SHARE = 100
_ENTITY = """---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: thing-{number:07}
  title: Thing {number}
  description: {said}
  tags: [a, b]
spec:
  type: service
  lifecycle: production
  owner: team-{team}
  system: system-{system}
  dependsOn: [component:thing-{one:07}, component:thing-{other:07}]
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command: seconds by the clock, and its peak of memory."""

    seconds: float
    peak_mib: float


@click.command()
@click.option("--entities", default=1_000_000, show_default=True, type=click.IntRange(50_000, 5_000_000))
@click.option("--store", default="embedded", show_default=True, type=click.Choice(["embedded", "neo4j"]))
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), help="Where files and stores are made.")
def main(entities: int, store: str, work: Path | None) -> None:
    """Sync a fifth of so many entities, each with four links, and all of them, and print what it cost as Markdown."""
    stop_when_told()
    sizes = (entities // 5, entities)
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as name:
        costs = [_measured(store, size, Path(name) / str(size)) for size in sizes]
    click.echo("| entities of one source | seconds | peak MiB | 1 % changed: seconds | peak MiB |")
    click.echo("|--:|--:|--:|--:|--:|")
    for size, (first, again) in zip(sizes, costs, strict=True):
        click.echo(
            f"| {size:,} | {first.seconds:.0f} | {first.peak_mib:.0f} | {again.seconds:.0f} | {again.peak_mib:.0f} |"
        )
    growth = max(large.peak_mib / small.peak_mib for small, large in zip(*costs, strict=True))
    click.echo(
        f"\nMemory for five times as much: {growth:.2f} x ({_FLAT:g} x: {'met' if growth < _FLAT else 'MISSED'})"
    )


def _measured(store: str, entities: int, folder: Path) -> tuple[Cost, Cost]:
    """Of the first sync and the next."""
    files = folder / "files"
    files.mkdir(parents=True)
    embedded = nullcontext(f"embedded:{folder / 'catalog.db'}")
    with embedded if store == "embedded" else local_database(folder / "neo4j") as url:
        costs = []
        for said in ("What it does, in some words", "What it does now, in some other words"):
            tell(f"Syncing {entities:,} entities")
            _write(files, entities, said)
            costs.append(_sync(files, url))
    return costs[0], costs[1]


def _write(folder: Path, entities: int, said: str) -> None:
    """One in a hundred says this."""
    for start in range(0, entities, _FILE):
        texts = (_entity(number, entities, said) for number in range(start, min(start + _FILE, entities)))
        (folder / f"part-{start // _FILE:05}.yaml").write_text("".join(texts), encoding="utf-8")


def _entity(number: int, entities: int, said: str) -> str:
    return _ENTITY.format(
        number=number,
        said=said if number % _SHARE == 0 else "What it does",
        team=number % 200,
        system=number % 1_000,
        one=(number * 7 + 1) % entities,
        other=(number * 13 + 5) % entities,
    )


def _sync(files: Path, url: str) -> Cost:
    program = str(Path(sys.executable).with_name("graph-api"))
    command = [program, "sync", str(files), "--source", "big", "--store", url]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=sys.stderr)  # noqa: S603 - our command
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException("the sync failed")
    return Cost(time.perf_counter() - began, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
