"""The installed command, `graph-api`: one module a command."""

import click

from graph_api.cli.check import check
from graph_api.cli.connectors import connectors
from graph_api.cli.export_schema import export_schema
from graph_api.cli.failure import EXIT_CODES, FriendlyGroup
from graph_api.cli.neo4j import neo4j
from graph_api.cli.query import query
from graph_api.cli.serve import serve
from graph_api.cli.sync import sync


@click.group(cls=FriendlyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="graph-api", message="%(prog)s %(version)s")
def main() -> None:
    """A catalog of everything an organization runs, asked through GraphQL: who owns it, what needs it, what breaks."""


for command in (serve, sync, check, query, connectors, neo4j, export_schema):
    main.add_command(command)
