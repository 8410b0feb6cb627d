"""The demo organization: its files, and how it gets into a store on the first start."""

from importlib.resources import files
from pathlib import Path

import click

from graph_api.app import source_order
from graph_api.cli.progress import progress
from graph_api.settings import Settings
from graph_api.sources.files import read_files
from graph_api.store.protocol import Store
from graph_api.sync import sync

SOURCE = "demo"


def seeds() -> Path:
    """The folder of the demo organization: in the installed package, or in a checkout beside it."""
    package = Path(str(files("graph_api")))
    installed = package / "seeds"
    return installed if installed.is_dir() else package.parent / "seeds"


async def load_demo(store: Store, settings: Settings) -> None:
    """Load the demo organization into an opened store, unless it has been loaded before: then what is there stays."""
    if any(source.name == SOURCE for source in await store.sources()):
        click.echo("The demo organization is there already; what was written since is kept.")
        return
    with progress("Loading the demo organization"):
        report = await sync(store, read_files([seeds()], source=SOURCE), source_order(settings))
    counts = report.run.counts
    click.echo(f"Loaded the demo organization: {counts.entities_added} entities, {counts.links_added} links.")
