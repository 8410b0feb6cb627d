"""`python -m benchmarks.run`: how long questions and syncs take, beside what the same would take at the least."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import click
from neo4j import Driver, GraphDatabase

from benchmarks import floors
from benchmarks.generate import HUB, MAX_ENTITIES, MIN_ENTITIES, SNAPSHOT_ENTITIES, generate, split
from benchmarks.measure import BenchmarkError, Served, count_round_trips, measure_server
from benchmarks.report import EmbeddedResult, Neo4jResult, render
from benchmarks.running import local_database, stop_when_told, tell
from graph_api.app import open_store, source_order
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import Settings
from graph_api.sync import sync

_WARM_UP_ROWS = 10_000
"""A sync is one transaction, which 100,000 entities fill 2 GiB with."""


@click.command()
@click.option(
    "--entities", default=SNAPSHOT_ENTITIES, show_default=True, type=click.IntRange(MIN_ENTITIES, MAX_ENTITIES)
)
@click.option("--store", "which", default="both", show_default=True, type=click.Choice(["embedded", "neo4j", "both"]))
@click.option("--neo4j", "uri", metavar="URI", help="An empty database without password; a local one when left out.")
def main(entities: int, which: str, uri: str | None) -> None:
    """Load a generated catalog, serve it, ask every question, and print the times as Markdown."""
    stop_when_told()
    snapshot = generate(entities)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # Its rows are also what the bare writes write.
        seconds, changes = asyncio.run(_load(f"embedded:{folder / 'catalog.db'}", snapshot))
        embedded = neo4j = None
        if which != "neo4j":
            embedded = _embedded(folder, snapshot, seconds)
        if which != "embedded":
            with nullcontext(uri) if uri else local_database(folder / "neo4j") as address:
                neo4j = _neo4j(address, folder, snapshot, changes)
    click.echo(render(len(snapshot.entities), len(snapshot.links), embedded, neo4j))


def _embedded(folder: Path, snapshot: Snapshot, seconds: float) -> EmbeddedResult:
    floor = floors.embedded_impact(snapshot, HUB)
    return EmbeddedResult(seconds, _serve(f"embedded:{folder / 'catalog.db'}", folder), floor)


def _neo4j(uri: str, folder: Path, snapshot: Snapshot, changes: Sequence[ChangeSet]) -> Neo4jResult:
    with GraphDatabase.driver(uri, notifications_min_severity="OFF") as driver:
        _refuse_used(driver, uri)
        asyncio.run(_create_indexes(uri))
        tell("Writing the same rows without the product")
        floors.write_bare(driver, [_part(changes[0])])
        floors.wipe(driver)
        bare = floors.write_bare(driver, changes)
        floors.wipe(driver)
        seconds, _ = asyncio.run(_load(uri, snapshot))
        served = _serve(uri, folder)
        mirrored = _serve(uri, folder, mirrored=True)
        trips = asyncio.run(count_round_trips(uri))
        tell("Measuring the floors")
        return Neo4jResult(
            seconds, served, mirrored, trips, bare, floors.neo4j_impact(driver), floors.neo4j_page(driver)
        )


def _part(changes: ChangeSet) -> ChangeSet:
    return ChangeSet(entities=changes.entities[:_WARM_UP_ROWS], links=changes.links[:_WARM_UP_ROWS])


def _refuse_used(driver: Driver, uri: str) -> None:
    """The benchmark wipes the database, so there must be nothing in it."""
    with driver.session() as session:
        if session.run("MATCH (n) RETURN n LIMIT 1").single():
            raise click.ClickException(f"{uri} is not empty")


async def _create_indexes(uri: str) -> None:
    store = open_store(Settings(store=uri))
    await store.open()
    await store.close()


async def _load(url: str, snapshot: Snapshot) -> tuple[float, list[ChangeSet]]:
    """Seconds of syncing the snapshot into an empty store, and what was written."""
    settings = Settings(store=url)
    store = open_store(settings)
    await store.open()
    tell(f"Syncing {len(snapshot.entities):,} entities and {len(snapshot.links):,} links into {url.partition(':')[0]}")
    seconds, written = 0.0, []
    try:
        for part in split(snapshot):
            started = time.perf_counter()
            report = await sync(store, part, source_order(settings))
            seconds += time.perf_counter() - started
            written.append(report.changes)
    finally:
        await store.close()
    return seconds, written


def _serve(url: str, folder: Path, *, mirrored: bool = False) -> Served:
    tell(f"Asking {'the mirror of ' if mirrored else ''}{url.partition(':')[0]}")
    try:
        return measure_server(url, folder / "server.log", mirrored=mirrored)
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
