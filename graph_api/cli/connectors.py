"""`graph-api connectors`: what the catalog can be fed from."""

import click

from graph_api.sources.registry import CONNECTORS


@click.command()
def connectors() -> None:
    """List the types of sources."""
    for name, (description, input_) in CONNECTORS.items():
        click.echo(f"{name:<14} {description}")
        click.echo(f"{'':<14} reads: {input_}")
