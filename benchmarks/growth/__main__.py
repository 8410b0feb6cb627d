"""`python -m benchmarks.growth`: the same questions to a small catalog and to a large one, by one run."""

import tempfile
from contextlib import nullcontext
from pathlib import Path

import click

from benchmarks.generate import MAX_ENTITIES, MIN_ENTITIES
from benchmarks.growth.loading import Made, make
from benchmarks.growth.measure import Served, measure
from benchmarks.growth.report import render
from benchmarks.measure import BenchmarkError
from benchmarks.running import local_database, stop_when_told, tell


@click.command()
@click.option(
    "--entities", default=MAX_ENTITIES, show_default=True, type=click.IntRange(2 * MIN_ENTITIES, MAX_ENTITIES)
)
@click.option("--store", default="embedded", show_default=True, type=click.Choice(["embedded", "neo4j", "mirror"]))
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), help="Keeps the stores, and uses them again.")
def main(entities: int, store: str, work: Path | None) -> None:
    """Load, serve and ask a catalog of 10,000 entities and one of so many, and print what grew as Markdown."""
    stop_when_told()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = work or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        small, large = (_measured(store, size, folder) for size in (MIN_ENTITIES, entities))
        click.echo(render(store, small, large))


def _measured(store: str, entities: int, folder: Path) -> tuple[Made, Served]:
    place = folder / f"{'embedded' if store == 'embedded' else 'neo4j'}-{entities}"
    database = nullcontext(f"embedded:{place.with_suffix('.db')}") if store == "embedded" else local_database(place)
    with database as url:
        made = make(url, entities, place.with_suffix(".json"), tell)
        tell(f"Asking {made.entities:,} entities")
        try:
            return made, measure(url, folder / "server.log", mirrored=store == "mirror")
        except BenchmarkError as error:
            raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
