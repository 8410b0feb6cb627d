"""Files of real organizations below the folder that the variable REALWORLD names; no tests without it."""

import os
from pathlib import Path

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths

REALWORLD = [Path(folder)] if (folder := os.environ.get("REALWORLD")) else []


def read_all(connector: str, *paths: Path) -> Snapshot:
    """What one connector finds in these files and folders."""
    return read_paths(paths, source="realworld", only=[connector])[0]
