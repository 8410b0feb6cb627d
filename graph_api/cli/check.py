"""`graph-api check`: is what these files say right? Needs neither a server nor a store, so it fits any CI."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from graph_api.catalog.snapshot import Problem
from graph_api.cli.failure import Exit, Failure
from graph_api.cli.options import repo_option, with_settings
from graph_api.cli.progress import progress
from graph_api.cli.report import echo_problems, needs_mending
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@repo_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@with_settings()
def check(settings: Settings, paths: tuple[Path, ...], repo: str | None, as_json: bool) -> None:
    """Check descriptors, CODEOWNERS files and what else connectors read.

    Exits with 1 if anything is refused or wrong, or if there is nothing to read; information alone is fine. Problems
    name their file from the folder that holds all PATHs.
    """
    with progress("Reading the files"):
        snapshots = read_paths(paths, repo=repo, groups=settings.descriptor_groups)
    problems = [problem for snapshot in snapshots for problem in snapshot.problems]
    entities = sum(len(snapshot.entities) for snapshot in snapshots)
    links = sum(len(snapshot.links) for snapshot in snapshots)
    if as_json:
        click.echo(orjson.dumps(_as_json(entities, links, problems), option=orjson.OPT_INDENT_2))
    else:
        click.echo(f"{entities:,} entities, {links:,} links")
        echo_problems(problems, all_with="--json")
    if not entities and not problems:
        raise Failure("nothing to read there: no file that a connector knows", Exit.PROBLEMS)
    if needs_mending(problems):
        click.get_current_context().exit(Exit.PROBLEMS)


def _as_json(entities: int, links: int, problems: Sequence[Problem]) -> dict[str, Any]:
    """Problems in the order of their places, as in {code, severity, message, path, line, ref}."""
    return {
        "ok": not needs_mending(problems),
        "entities": entities,
        "links": links,
        "problems": [asdict(row) for row in sorted(problems, key=lambda row: (row.path, row.line or 0))],
    }
