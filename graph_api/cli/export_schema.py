"""`graph-api export-schema`: the public contract as files."""

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import click

from graph_api.cli.failure import Exit, Failure
from graph_api.exports import exported_files


@click.command("export-schema")
@click.argument("folder", metavar="[DIR]", default="schema", type=click.Path(file_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 and a diff if the files there differ.")
def export_schema(folder: Path, check: bool) -> None:
    """Write the public contract as files.

    To DIR (schema/ by default): the GraphQL schema, the constraints and indexes in Neo4j, a JSON Schema of
    descriptors for editors, and the reference of kinds, relations, filters, codes and settings.
    """
    wanted = exported_files()
    if check:
        _compare(folder, wanted)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(f"wrote {folder / name}")


def _compare(folder: Path, wanted: dict[str, str]) -> None:
    differences = [line for name, text in wanted.items() for line in _difference(folder / name, text)]
    for line in differences:
        click.echo(line)
    if differences:
        raise Failure(f"{folder} is out of date: run `graph-api export-schema {folder}`", Exit.PROBLEMS)


def _difference(path: Path, wanted: str) -> Iterator[str]:
    found = path.read_text(encoding="utf-8") if path.is_file() else ""
    return unified_diff(found.splitlines(), wanted.splitlines(), str(path), "generated", lineterm="")
