"""Files of real organizations below the folder that the variable REALWORLD names; no tests without it."""

import os
from pathlib import Path

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths

REALWORLD = [Path(folder)] if (folder := os.environ.get("REALWORLD")) else []


def read_all(connector: str, *paths: Path) -> Snapshot:
    """What one connector finds in these files and folders."""
    return read_paths(paths, source="realworld", only=[connector])[0]


def links(snapshot: Snapshot, relation: str) -> set[tuple[str, str]]:
    """The names at both ends of every link of a relation."""
    keys = [key for key in snapshot.links if key.relation == relation]
    return {(key.source.rpartition("/")[2], key.target.rpartition("/")[2]) for key in keys}


def dependents(pairs: set[tuple[str, str]], start: str) -> set[str]:
    found, pending = set[str](), [start]
    while pending:
        needed = pending.pop()
        new = {source for source, target in pairs if target == needed} - found
        found |= new
        pending += new
    return found
