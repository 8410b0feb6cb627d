"""The installed command, `graph-api`: one module a command, imported when it is used."""

from importlib import import_module

import click

from graph_api.cli.failure import EXIT_CODES, FriendlyGroup

COMMANDS = (
    "serve",
    "sync",
    "check",
    "query",
    "connectors",
    "keys",
    "audit",
    "neo4j",
    "backup",
    "restore",
    "export-schema",
)


class _LazyGroup(FriendlyGroup):
    """Imports no command but the one that runs: `check` in a hook should not wait for the server's libraries."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"{__name__}.{name}"), name)
        return command


@click.group(cls=_LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="graph-api", message="%(prog)s %(version)s")
def main() -> None:
    """A catalog of everything an organization runs, asked through GraphQL: who owns it, what needs it, what breaks."""
