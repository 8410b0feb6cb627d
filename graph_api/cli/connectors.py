"""`graph-api connectors`: what the catalog can be fed from."""

import click

from graph_api.sources.connector import Online
from graph_api.sources.registry import CONNECTORS, ONLINE, documentation


@click.command()
@click.argument("name", required=False, type=click.Choice(list(CONNECTORS)), metavar="[NAME]")
def connectors(name: str | None) -> None:
    """List the types of sources, or show the documentation of one."""
    for row in [name] if name else CONNECTORS:
        description, input_ = CONNECTORS[row]
        click.echo(f"{row:<14} {description}")
        click.echo(f"{'':<14} reads: {input_}")
    if name:
        click.echo(f"\n{documentation(name)}")
    if name in ONLINE and (online := ONLINE[name].online):
        _echo_online(online)


def _echo_online(online: Online) -> None:
    click.echo(f"\nOnline, with a token in {online.token_variable} (or in the variable that token_variable names):")
    click.echo(f"  url: {online.base_url or 'where the API is; it must be given'}")
    for option, text in online.options.items():
        click.echo(f"  options.{option}: {text}")
