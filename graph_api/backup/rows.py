"""Rows of a backup as lines of JSON, the same whatever store they come from."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any

import orjson

from graph_api.access.audit import Record
from graph_api.access.keys import ApiKey, dump_key, load_key
from graph_api.catalog.changes import SyncRun
from graph_api.catalog.entity import Criticality, Entity, Link, LinkKey, LinkOrigin, OwnerState
from graph_api.store.dump import CatalogRow, DumpRow, RemovedRow, SourceRow
from graph_api.store.rows import (
    dump,
    dump_entity_statements,
    dump_link_statements,
    dump_owners,
    dump_run,
    load_entity_statements,
    load_link_statements,
    load_owners,
    load_run,
)

Values = dict[str, Any]

TYPES: dict[str, type[DumpRow]] = {
    "catalog": CatalogRow,
    "key": ApiKey,
    "audit": Record,
    "source": SourceRow,
    "run": SyncRun,
    "removed": RemovedRow,
    "entity": Entity,
    "link": Link,
}
_NAMES = {type_: name for name, type_ in TYPES.items()}
_UNKNOWN = "the backup holds a row that this version does not know"


def encode_row(row: DumpRow) -> bytes:
    """Return the row as one line, without its end."""
    encode = _ENCODE.get(type(row), _plain_values)
    return orjson.dumps([_NAMES[type(row)], encode(row)], default=dict, option=orjson.OPT_SORT_KEYS)


def decode_row(line: bytes) -> DumpRow:
    """Return the row of a line. Raises ValueError for what is no row, or one of a version that knows more."""
    try:
        name, values = orjson.loads(line)
        return _DECODE[name](values)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(_UNKNOWN) from error


def as_written_now(line: bytes) -> bytes:
    """Return the line's row as this version writes it: an older one says less. Raises ValueError where something were
    lost.
    """
    now = encode_row(decode_row(line))
    if now != line and not _says(orjson.loads(now), orjson.loads(line)):
        raise ValueError(_UNKNOWN)
    return now


def _says(whole: Any, part: Any) -> bool:
    """Whether everything of `part` is in `whole`, which may have more fields."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and _says(whole[name], value) for name, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(map(_says, whole, part))
    return bool(whole == part)


def _plain_values(row: DumpRow) -> Values:
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _entity_values(row: Any) -> Values:
    values = {name: getattr(row, name) for name, default in _defaults(Entity) if getattr(row, name) != default}
    values |= {name: dict(values[name]) for name in ("labels", "annotations") if name in values}
    values["statements"] = orjson.loads(dump_entity_statements(row.statements))
    values["owners"] = orjson.loads(dump_owners(row.owners))
    return values


def _entity(values: Values) -> Entity:
    values["statements"] = load_entity_statements(dump(values["statements"]))
    values["owners"] = load_owners(dump(values["owners"]))
    if values.get("owner_state"):
        values["owner_state"] = OwnerState(values["owner_state"])
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Entity(**values)


def _link_values(row: Any) -> Values:
    return {
        "key": list(row.key),
        "criticality": row.criticality,
        "confidence": float(row.confidence),
        "properties": dict(row.properties),
        "origins": row.origins,
        "observed_at": row.observed_at,
        "statements": orjson.loads(dump_link_statements(row.statements)),
        "revision": row.revision,
    }


def _link(values: Values) -> Link:
    values["key"] = LinkKey(*values["key"])
    values["criticality"] = Criticality(values["criticality"])
    values["origins"] = tuple(map(LinkOrigin, values["origins"]))
    values["statements"] = load_link_statements(dump(values["statements"]))
    return Link(**values)


def _run_values(row: Any) -> Values:
    return {"record": orjson.loads(dump_run(row)), "payload": b64encode(row.payload).decode() if row.payload else None}


def _run(values: Values) -> SyncRun:
    payload = values["payload"]
    return load_run(dump(values["record"]), b64decode(payload) if payload else None)


def _catalog(values: Values) -> CatalogRow:
    order = values.pop("source_order")
    return CatalogRow(**values, source_order=None if order is None else tuple(order))


@cache
def _defaults(type_: type[Entity]) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.default) for field in fields(type_))


_ENCODE: dict[type, Callable[[Any], Values]] = {
    ApiKey: lambda key: {"record": orjson.loads(dump_key(key))},
    SyncRun: _run_values,
    Entity: _entity_values,
    Link: _link_values,
}
_DECODE: dict[str, Callable[[Values], DumpRow]] = {
    "catalog": _catalog,
    "key": lambda values: load_key(dump(values["record"])),
    "audit": lambda values: Record(**values),
    "source": lambda values: SourceRow(**values),
    "run": _run,
    "removed": lambda values: RemovedRow(**values),
    "entity": _entity,
    "link": _link,
}
