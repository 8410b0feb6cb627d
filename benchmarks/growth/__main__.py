"""`python -m benchmarks.growth`: the same questions to a small catalog and to a large one, by one run."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from benchmarks.generate import MAX_ENTITIES, MIN_ENTITIES
from benchmarks.growth.loading import Made, make
from benchmarks.growth.measure import Served, measure
from benchmarks.growth.report import render
from benchmarks.measure import BenchmarkError, free_port
from graph_api import local_neo4j

_HEAP = "4g"


@click.command()
@click.option("--entities", default=MAX_ENTITIES, show_default=True, type=click.IntRange(MIN_ENTITIES, MAX_ENTITIES))
@click.option("--store", default="embedded", show_default=True, type=click.Choice(["embedded", "neo4j"]))
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), help="Keeps the stores, and uses them again.")
def main(entities: int, store: str, work: Path | None) -> None:
    """Load, serve and ask a catalog of 10,000 entities and one of so many, and print what grew as Markdown."""
    # Ended from outside, it still stops the servers that it started.
    signal.signal(signal.SIGTERM, _leave)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = work or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        small, large = (_measured(store, size, folder) for size in (MIN_ENTITIES, entities))
        click.echo(render(store, small, large))


def _measured(store: str, entities: int, folder: Path) -> tuple[Made, Served]:
    place = folder / f"{store}-{entities}"
    with _database(store, place) as url:
        made = make(url, entities, place.with_suffix(".json"), _tell)
        _tell(f"Asking {made.entities:,} entities")
        try:
            return made, measure(url, folder / "server.log", *(("--no-mirror",) if store == "neo4j" else ()))
        except BenchmarkError as error:
            raise click.ClickException(str(error)) from error


@contextmanager
def _database(store: str, place: Path) -> Iterator[str]:
    if store == "embedded":
        yield f"embedded:{place.with_suffix('.db')}"
        return
    running = local_neo4j.start(place, progress=_tell, bolt_port=free_port(), heap=_HEAP)
    try:
        yield running.uri
    finally:
        local_neo4j.stop(place)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


def _tell(message: str) -> None:
    click.echo(message, err=True)


if __name__ == "__main__":
    main()
