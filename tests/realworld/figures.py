"""Independently computed figures: EXPECTED.md below the folder that the variable REALWORLD names, a line a file."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from graph_api.catalog.entity import LinkKey
from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths

FOLDER = Path(os.environ["REALWORLD"]) if os.environ.get("REALWORLD") else None


def lines_of(section: str, pattern: str) -> list[re.Match[str]]:
    """The lines below the heading `## section` that match; none without REALWORLD."""
    if FOLDER is None:
        return []
    text = (FOLDER / "EXPECTED.md").read_text().partition(f"\n## {section}")[2].partition("\n## ")[0]
    found = [match for line in text.splitlines() if (match := re.match(pattern, line))]
    assert found, f"no line of {section} is understood"
    return found


def read_file(connector: str, name: str) -> Snapshot:
    """What one connector says of the one file whose path ends so."""
    assert FOLDER is not None
    [path] = (path for path in FOLDER.rglob(Path(name).name) if str(path).endswith(f"/{name}"))
    return read_paths([path], source="real", only=[connector])[0]


def counts(text: str) -> dict[str, int]:
    """`{HIGH: 1, LOW: 2}` as such."""
    return {name: int(number) for name, number in re.findall(r"([\w-]+): (\d+)", text)}


def links(snapshot: Snapshot, relation: str) -> Iterator[LinkKey]:
    return (key for key in snapshot.links if key.relation == relation)
