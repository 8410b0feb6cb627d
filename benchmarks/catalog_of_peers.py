"""The catalog that a folder with other servers' benchmarks makes up, as a snapshot of ours."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.kinds import kind_name
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot

_TURNED = {"PROVIDES_API": "PROVIDED_BY", "WRITES_TO": "WRITTEN_BY"}
"""Relations that they write from the other end."""


def snapshot_of(lines: Path) -> Snapshot:
    """From a file with an entity and its relations on each line, as JSON."""
    with lines.open() as opened:
        rows = [(number, json.loads(line)) for number, line in enumerate(opened, 1)]
    places = {number: f"{lines.name}:{number}" for number, _ in rows}
    entities = {Ref(row["ref"]): _entity(row, lines.name, places[number]) for number, row in rows}
    links = {
        key: LinkStatement(key=key, document=lines.name, location=places[number])
        for number, row in rows
        for key in _keys(row)
    }
    return Snapshot(source="peers", connector="benchmark", entities=entities, links=links)


def _entity(row: dict[str, Any], document: str, location: str) -> EntityStatement:
    same = {name: row[name] for name in ("ref", "name", "title", "description", "type", "lifecycle", "tier", "labels")}
    kind, spec = kind_name(row["kind"]), {"type": row["type"], "lifecycle": row["lifecycle"]}
    return EntityStatement(**same, kind=kind, tags=tuple(row["tags"]), spec=spec, document=document, location=location)


def _keys(row: dict[str, Any]) -> Iterable[LinkKey]:
    for relation in row["relations"]:
        source, target = Ref(row["ref"]), Ref(relation["target"])
        if turned := _TURNED.get(relation["type"]):
            yield LinkKey(target, turned, source, None)
        else:
            yield LinkKey(source, relation["type"], target, None)
