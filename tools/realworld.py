"""Prints figures of folders of real files, to be compared with figures that were computed by other means.

    python tools/realworld.py DIR

Reads each folder of DIR/backstage and DIR/codeowners on its own. Every figure is over the documents that were
accepted; every document is listed, a refused one with its reason. Exits with 1 if nothing was read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from graph_api.catalog.codeowners import CodeOwners, Dialect
from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.ref import BadRefError, Ref, parse_ref, split_ref
from graph_api.catalog.relations import SPELLINGS
from graph_api.catalog.snapshot import ProblemCode, Snapshot
from graph_api.sources.decisions import decisions
from graph_api.sources.files import read_files

UNPARSABLE = (ProblemCode.BAD_YAML, ProblemCode.TOO_LARGE, ProblemCode.UNREADABLE)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    read = 0
    for title, show in (("backstage", _show_descriptors), ("codeowners", _show_code_owners)):
        if (folder / title).is_dir():
            click.echo(f"## {title}\n")
            read += sum(show(sample) for sample in sorted((folder / title).iterdir()) if sample.is_dir())
    if not read:
        raise click.ClickException(f"nothing to read in {folder}/backstage and {folder}/codeowners")


def _show_descriptors(folder: Path) -> int:
    snapshot = read_files([folder])
    made = decisions(snapshot)
    entities = [said for said in snapshot.entities.values() if not said.code_owners]
    unparsable = {row.path for row in made if row.line is None and row.code in UNPARSABLE}
    others = sum(row.code is ProblemCode.NOT_A_DESCRIPTOR for row in made)
    files = len({path for pattern in ("*.yaml", "*.yml") for path in folder.rglob(pattern)})
    click.echo(f"### {folder.name}")
    click.echo(f"files {files} entity docs {len(entities)} non-entity docs {others} unparsable files {len(unparsable)}")
    for title, figures in _figures(entities).items():
        click.echo(f"{title} {_counted(figures)}")
    _show_relations(entities)
    duplicates = Counter(p.ref for p in snapshot.problems if p.code is ProblemCode.DUPLICATE)
    click.echo(f"duplicate refs {_counted(duplicates)}")
    _show_documents(snapshot)
    return len(made)


def _figures(entities: Iterable[EntityStatement]) -> dict[str, Counter[str]]:
    values: dict[str, Callable[[EntityStatement], Iterable[str | None]]] = {
        "kinds": lambda said: [said.kind],
        "owners": lambda said: _texts(said, "owner"),
        "lifecycle": lambda said: [said.lifecycle],
        "types": lambda said: [f"{said.kind}/{said.type}" if said.type else None],
        "tags": lambda said: said.tags,
    }
    return {
        title: Counter(value for said in entities for value in read(said) if value) for title, read in values.items()
    }


def _show_relations(entities: Iterable[EntityStatement]) -> None:
    stated = [(name, ref) for said in entities for name, ref in _stated(said)]
    declared = {said.ref for said in entities}
    dangling = [(name, ref) for name, ref in stated if ref not in declared]
    click.echo(f"relations {_counted(Counter(name for name, _ in stated))}")
    click.echo(f"dangling {_counted(Counter(name for name, _ in dangling))}")


def _stated(said: EntityStatement) -> Iterator[tuple[str, Ref | None]]:
    """Each ref of each relation field of a spec; None where it breaks the grammar."""
    for name, (_, spelling) in SPELLINGS.items():
        for text in _texts(said, name):
            try:
                yield name, parse_ref(text, kind=spelling.default_kind, namespace=split_ref(said.ref).namespace)
            except BadRefError:
                yield name, None


def _texts(said: EntityStatement, name: str) -> list[str]:
    value = said.spec.get(name)
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item["ref"] if isinstance(item, dict) else item) for item in items]


def _show_code_owners(folder: Path) -> int:
    snapshot = read_files([folder], repo=folder.name.replace("__", "/", 1))
    files = [said for said in snapshot.entities.values() if said.code_owners is not None]
    for said in files:
        read = CodeOwners.parse(said.code_owners or "", Dialect(said.code_owners_dialect or ""))
        owners = Counter(owner.lower() for rule in read.rules for owner in rule.owners)
        bare = sum(not rule.owners for rule in read.rules)
        sections = [section.name for section in read.sections]
        click.echo(f"### {folder.name} ({said.code_owners_path}, {said.code_owners_dialect})")
        click.echo(f"rules {len(read.rules)} without owner {bare} distinct owners {len(owners)} sections {sections}")
        click.echo(f"owners {_counted(owners)}")
    if not files:
        click.echo(f"### {folder.name}\nno CODEOWNERS file")
    _show_documents(snapshot)
    return len(files)


def _show_documents(snapshot: Snapshot) -> None:
    made = decisions(snapshot)
    refused = Counter(row.code for row in made if row.code)
    click.echo(f"documents {len(made)} accepted {len(made) - refused.total()} refused {_counted(refused)}")
    for row in made:
        if row.accepted:
            click.echo(f"   accepted {_place(row.path, row.line)} {row.ref}")
    for problem in snapshot.problems:
        click.echo(
            f"   {problem.severity.lower()} {problem.code} {_place(problem.path, problem.line)}: {problem.message}"
        )
    click.echo()


def _place(path: str, line: int | None) -> str:
    return path if line is None else f"{path}:{line}"


def _counted(values: Mapping[Any, int]) -> str:
    return (
        "{" + ", ".join(f"{value}: {count}" for value, count in sorted(values.items(), key=lambda row: -row[1])) + "}"
    )


if __name__ == "__main__":
    main()
