"""`graph-api neo4j`: a local Neo4j without Docker."""

from pathlib import Path
from typing import Any

import click

from graph_api import local_neo4j
from graph_api.cli.failure import Exit, Failure

_home = click.option(
    "--home",
    default=".neo4j",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of its data and logs.",
)


class _LocalGroup(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except local_neo4j.LocalNeo4jError as error:
            raise Failure(str(error), Exit.UNAVAILABLE) from error


@click.group(cls=_LocalGroup)
def neo4j() -> None:
    """Run a local Neo4j without Docker.

    It needs a Java runtime and Maven on this machine, or the extra graph-api[neo4j-local].
    """


@neo4j.command()
@_home
@click.option("--version", default=local_neo4j.DEFAULT_VERSION, show_default=True, help="Neo4j's version.")
@click.option("--port", default=7687, show_default=True, type=click.IntRange(1, 65_535), help="Port for Bolt.")
def start(home: Path, version: str, port: int) -> None:
    """Start it on 127.0.0.1; the first start downloads it, some 150 MB."""
    running = local_neo4j.start(home, progress=_tell, bolt_port=port, version=version)
    click.echo(f"Neo4j {running.version} answers at {running.uri} without a password (process {running.pid}).")
    click.echo(f"Use it: graph-api serve --store {running.uri}")


@neo4j.command()
@_home
def stop(home: Path) -> None:
    """Stop it, if `graph-api neo4j start` started it; nothing else is ever stopped."""
    click.echo("Stopped." if local_neo4j.stop(home) else f"No Neo4j of {home} runs.")


@neo4j.command()
@_home
def status(home: Path) -> None:
    """Tell whether it runs, and where; exits with 4 if it does not."""
    running = local_neo4j.status(home)
    if running is None:
        click.echo(f"No Neo4j of {home} runs.")
        click.get_current_context().exit(Exit.UNAVAILABLE)
    click.echo(f"Neo4j {running.version} runs at {running.uri} (process {running.pid}); its log is {running.log}")


def _tell(message: str) -> None:
    click.echo(message, err=True)
