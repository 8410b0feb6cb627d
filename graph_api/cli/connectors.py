"""`graph-api connectors`: what the catalog can be fed from."""

import click

from graph_api.sources.registry import CONNECTORS


@click.command()
def connectors() -> None:
    """List the types of sources."""
    for connector in CONNECTORS.values():
        click.echo(f"{connector.name:<12} {connector.description}")
