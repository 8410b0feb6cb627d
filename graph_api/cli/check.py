"""`graph-api check`: is what these files say right? Needs neither a server nor a store, so it fits any CI."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from graph_api.catalog.snapshot import Snapshot
from graph_api.cli.failure import Exit, Failure
from graph_api.cli.options import repo_option, with_settings
from graph_api.cli.progress import progress
from graph_api.cli.report import echo_problems, needs_mending
from graph_api.settings import Settings
from graph_api.sources.files import read_files


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@repo_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@with_settings()
def check(settings: Settings, paths: tuple[Path, ...], repo: str | None, as_json: bool) -> None:
    """Check descriptors and CODEOWNERS files.

    Exits with 1 if anything is refused or wrong, or if there is nothing to read; information alone is fine. Problems
    name their file from the folder that holds all PATHs.
    """
    with progress("Reading the files"):
        snapshot = read_files(paths, source=None, repo=repo, groups=settings.descriptor_groups)
    if as_json:
        click.echo(orjson.dumps(_as_json(snapshot), option=orjson.OPT_INDENT_2))
    else:
        click.echo(f"{len(snapshot.entities):,} entities, {len(snapshot.links):,} links")
        echo_problems(snapshot.problems)
    if not snapshot.entities and not snapshot.problems:
        raise Failure("nothing to read there: no descriptor and no CODEOWNERS file", Exit.PROBLEMS)
    if needs_mending(snapshot.problems):
        click.get_current_context().exit(Exit.PROBLEMS)


def _as_json(snapshot: Snapshot) -> dict[str, Any]:
    """Problems in the order of their places, as in {code, severity, message, path, line, ref}."""
    problems = sorted(snapshot.problems, key=lambda problem: (problem.path, problem.line or 0))
    return {
        "ok": not needs_mending(problems),
        "entities": len(snapshot.entities),
        "links": len(snapshot.links),
        "problems": [asdict(problem) for problem in problems],
    }
