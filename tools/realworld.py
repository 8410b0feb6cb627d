"""Prints figures of folders of real files, to be compared with figures that were computed by other means.

    python tools/realworld.py DIR

Reads each folder in DIR/backstage and DIR/codeowners on its own, or where DIR has neither, each folder in DIR. Every
figure is over the documents that were accepted; every document is listed, a refused one with its reason. Exits with 1
if nothing was read.
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
    groups = [folder / name for name in ("backstage", "codeowners") if (folder / name).is_dir()] or [folder]
    samples = [sample for group in groups for sample in sorted(group.iterdir()) if sample.is_dir()]
    if not sum(_show(sample) for sample in samples):
        raise click.ClickException(f"nothing to read in {folder}")


def _show(folder: Path) -> int:
    """The number of documents read. A folder named org__repo is that repository."""
    repo = folder.name.replace("__", "/", 1) if "__" in folder.name else None
    snapshot = read_files([folder], repo=repo)
    click.echo(f"### {folder.parent.name}/{folder.name}")
    _show_descriptors(folder, snapshot)
    for said in snapshot.entities.values():
        if said.code_owners is not None:
            _show_code_owners(said)
    return _show_documents(snapshot)


def _show_descriptors(folder: Path, snapshot: Snapshot) -> None:
    refused = [row for row in decisions(snapshot) if not row.accepted]
    entities = [said for said in snapshot.entities.values() if said.code_owners is None]
    unparsable = len({row.path for row in refused if row.code in UNPARSABLE})
    others = sum(row.code is ProblemCode.NOT_A_DESCRIPTOR for row in refused)
    files = len({path for pattern in ("*.yaml", "*.yml") for path in folder.rglob(pattern)})
    click.echo(f"files {files} entity docs {len(entities)} non-entity docs {others} unparsable files {unparsable}")
    if entities:
        for title, figures in _figures(entities).items():
            click.echo(f"{title} {_counted(figures)}")
        _show_relations(entities)
    duplicates = Counter(problem.ref for problem in snapshot.problems if problem.code is ProblemCode.DUPLICATE)
    click.echo(f"duplicate refs {_counted(duplicates)}")


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


def _show_code_owners(said: EntityStatement) -> None:
    read = CodeOwners.parse(said.code_owners or "", Dialect(said.code_owners_dialect or ""))
    owners = Counter(owner.lower() for rule in read.rules for owner in rule.owners)
    bare = sum(not rule.owners for rule in read.rules)
    sections = [section.name for section in read.sections]
    click.echo(f"{said.code_owners_path} ({said.code_owners_dialect}, {said.ref})")
    click.echo(f"rules {len(read.rules)} without owner {bare} distinct owners {len(owners)} sections {sections}")
    click.echo(f"owners {_counted(owners)}")


def _show_documents(snapshot: Snapshot) -> int:
    made = decisions(snapshot)
    refused = Counter(row.code for row in made if row.code)
    click.echo(f"documents {len(made)} accepted {len(made) - refused.total()} refused {_counted(refused)}")
    for row in made:
        if row.accepted:
            click.echo(f"   accepted {_place(row.path, row.line)} {row.ref}")
    for problem in snapshot.problems:
        place = _place(problem.path, problem.line)
        click.echo(f"   {problem.severity.lower()} {problem.code} {place}: {problem.message}")
    click.echo()
    return len(made)


def _place(path: str, line: int | None) -> str:
    return path if line is None else f"{path}:{line}"


def _counted(values: Mapping[Any, int]) -> str:
    rows = sorted(values.items(), key=lambda row: -row[1])
    return "{" + ", ".join(f"{value}: {count}" for value, count in rows) + "}"


if __name__ == "__main__":
    main()
