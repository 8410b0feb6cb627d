"""Settings as options: what is given on the command line wins over the environment and the file."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

import click

from graph_api.catalog.kinds import register_kinds
from graph_api.errors import UNREACHABLE, CatalogError, NoDatabaseError
from graph_api.settings import DEFAULT_FILE, ENV_PREFIX, BadSettingsError, Settings, load_settings
from graph_api.sources.codeowners import repository_url_of

Command: TypeAlias = Callable[..., None]

STORE_OPTIONS = ("store", "neo4j_user", "neo4j_database")
"""Settings that say where the catalog is. The password comes from the environment or the file, never from here."""


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Options for these settings, and --config; the command gets all settings as its argument `settings`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(config: Path | None, **arguments: Any) -> None:
            chosen = {name: arguments.pop(name) for name in names}
            given = {name: value for name, value in chosen.items() if value is not None}
            try:
                settings = load_settings(config, given)
            except BadSettingsError as error:
                raise click.UsageError(str(error)) from error
            register_kinds(settings.kinds)
            with _naming_store(settings) if "store" in names else nullcontext():
                command(settings=settings, **arguments)

        decorated: Command = _CONFIG(run)
        for name in reversed(names):
            decorated = _option(name)(decorated)
        return decorated

    return decorate


@contextmanager
def _naming_store(settings: Settings) -> Iterator[None]:
    """Name the place of a store that does not answer, in which no password stands."""
    try:
        yield
    except NoDatabaseError as error:
        message = f"there is no database {settings.neo4j_database} at {settings.store}; see the setting neo4j_database"
        raise CatalogError(error.code, message) from error
    except CatalogError as error:
        if error.code not in UNREACHABLE:
            raise
        raise CatalogError(error.code, f"{settings.store}: {error.message}") from error


def _repository(_context: click.Context, _parameter: click.Parameter, repo: str | None) -> str | None:
    if repo and repository_url_of(repo) is None:
        raise click.BadParameter("write org/repo or the repository's URL")
    return repo


repo_option = click.option(
    "--repo",
    metavar="URL",
    callback=_repository,
    help="The repository that the files are from; by default its git remote.",
)

_CONFIG = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Settings in YAML; {DEFAULT_FILE} in the working directory when left out.",
)


def _option(name: str) -> Callable[[Command], Command]:
    field = Settings.model_fields[name]
    default = f"; {field.default} by default" if field.default not in (None, (), False) else ""
    dashed = name.replace("_", "-")
    return click.option(
        f"--{dashed}/--no-{dashed}" if field.default is True else f"--{dashed}",
        name,
        is_flag=field.annotation is bool,
        default=None,
        help=f"{field.description} [{ENV_PREFIX}{name.upper()}{default}]",
    )
