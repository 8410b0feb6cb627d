"""The demo organization: its files, and how it gets into a store on the first start."""

from importlib.resources import files
from pathlib import Path

import click

from graph_api.app import source_order
from graph_api.catalog.filters import Compare, Op
from graph_api.cli.progress import progress
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.store.protocol import Store
from graph_api.sync import sync_all

SOURCE = "demo"


def seeds() -> Path:
    """The folder of the demo organization: in the installed package, or in a checkout beside it."""
    package = Path(str(files("graph_api")))
    installed = package / "seeds"
    return installed if installed.is_dir() else package.parent / "seeds"


async def load_demo(store: Store, settings: Settings) -> None:
    """Load the demo organization into an opened store, unless it has been loaded before: then what is there stays.

    Of a load that was interrupted, the sources that are missing follow.
    """
    known = {source.name for source in await store.sources()}
    with progress("Loading the demo organization"):
        missing = [row for row in read_paths([seeds()], source=SOURCE) if row.entities and row.source not in known]
        reports = [report async for report in sync_all(store, missing, source_order(settings))]
        entities = await store.count(Compare("declared", Op.EQ, True))
    if not reports:
        click.echo("The demo organization is there already; what was written since is kept.")
        return
    links = sum(report.run.counts.links_added for report in reports)
    click.echo(f"Loaded the demo organization of {len(reports)} sources: {entities} entities, {links} links.")
