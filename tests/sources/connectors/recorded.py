"""Recorded input of each connector (NAME/input/) and the snapshot that it must give (NAME/expected.json).

    python -m tests.sources.connectors.recorded NAME

writes expected.json anew, to be read and compared by eye before it is committed.
"""

import sys
from pathlib import Path
from typing import Any

import orjson

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths
from graph_api.store.rows import sparse_entity, sparse_link

FOLDER = Path(__file__).parent


def read_recorded(name: str) -> Snapshot:
    return read_paths([FOLDER / name / "input"], source="recorded", only=[name])[0]


def told(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot in a form that people can read and JSON can hold."""
    links = sorted(snapshot.links.values(), key=lambda link: (*link.key[:3], link.key.environment or ""))
    return {
        "entities": [_entity(said) for said in snapshot.entities.values()],
        "links": [_link(said) for said in links],
        "problems": [
            f"{problem.severity} {problem.code} {problem.path}:{problem.line}: {problem.message}"
            for problem in snapshot.problems
        ],
    }


def _entity(said: Any) -> dict[str, Any]:
    return _plain(sparse_entity(said))


def _link(said: Any) -> dict[str, Any]:
    values = sparse_link(said)
    key = values.pop("key")
    environment = f" in {key.environment}" if key.environment else ""
    return {"link": f"{key.source} {key.relation} {key.target}{environment}", **_plain(values)}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    values.pop("document")
    loaded: dict[str, Any] = orjson.loads(orjson.dumps(values, default=dict))
    return loaded


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        text = orjson.dumps(told(read_recorded(wanted)), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (FOLDER / wanted / "expected.json").write_bytes(text)
