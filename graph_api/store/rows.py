"""How both stores write the nested parts of entities, links and runs: as JSON texts, read only when asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from functools import lru_cache, partial
from typing import Any, TypeVar, cast

import orjson

from graph_api.catalog.changes import Counts, SyncRun, SyncStatus
from graph_api.catalog.entity import (
    Criticality,
    EntityStatement,
    Evidence,
    LinkKey,
    LinkOrigin,
    LinkStatement,
    Owner,
    OwnerHow,
)
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity

V = TypeVar("V")

MAX_KEPT = 4_096
"""Texts of which what they say is kept: it is the same for many rows, and the same rows are read again and again."""


class LazyMap(Mapping[str, V]):
    """A mapping that parses its JSON text on first use: most answers need only a few fields of an entity."""

    __slots__ = ("_parse", "_text", "_values")

    def __init__(self, text: str, parse: Callable[[str], dict[str, V]]) -> None:
        self._text = text
        self._parse = parse
        self._values: dict[str, V] | None = None

    def _loaded(self) -> dict[str, V]:
        if self._values is None:
            self._values = self._parse(self._text)
        return self._values

    def __getitem__(self, key: str) -> V:
        return self._loaded()[key]

    def __contains__(self, key: object) -> bool:
        """Whether the key is there; where the text does not name it at all, it is not parsed."""
        if self._values is None and isinstance(key, str) and key.isascii() and dump(key) not in self._text:
            return False
        return key in self._loaded()

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())


def dump(value: object) -> str:
    """Return plain values, mappings and dataclasses as JSON text."""
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: Any) -> object:
    return tuple(value) if isinstance(value, tuple) else dict(value)


def lazy_strings(text: str | None) -> Mapping[str, str]:
    """Return the labels or annotations of a text that dump() wrote, which is parsed only when asked for."""
    return LazyMap(text, orjson.loads) if text else {}


def _sparse(statement: type[EntityStatement | LinkStatement]) -> Callable[[Any], dict[str, Any]]:
    """Return a function that gives the fields of a statement that differ from their defaults: most set a third of them.

    It is written as code, as dataclasses writes __init__(): a loop over the fields takes four times as long.
    """
    required, optional = [], []
    defaults: dict[str, object] = {}
    for field in fields(statement):
        name = field.name
        if field.default is MISSING and field.default_factory is MISSING:
            required.append(f"{name!r}: said.{name}")
        else:
            default = field.default if field.default_factory is MISSING else field.default_factory()
            defaults[name] = default
            differs = "is not None" if default is None else f"is not {name} and value != {name}"
            optional.append(f"    if (value := said.{name}) {differs}: values[{name!r}] = value")
    code = ["def sparse(said):", f"    values = {{{', '.join(required)}}}", *optional, "    return values"]
    exec("\n".join(code), defaults)  # noqa: S102 - made of the names of our own fields
    return cast("Callable[[Any], dict[str, Any]]", defaults["sparse"])


sparse_entity, sparse_link = _sparse(EntityStatement), _sparse(LinkStatement)


def dump_entity_statements(statements: Mapping[str, EntityStatement]) -> str:
    if isinstance(statements, LazyMap):
        return statements._text
    return dump([(source, sparse_entity(statement)) for source, statement in statements.items()])


def load_entity_statements(text: str) -> dict[str, EntityStatement]:
    return {source: _entity_statement(values) for source, values in orjson.loads(text)}


def lazy_entity_statements(text: str | None) -> Mapping[str, EntityStatement]:
    return LazyMap(text, load_entity_statements) if text else {}


def _entity_statement(values: dict[str, Any]) -> EntityStatement:
    for name in ("tags", "links", "identifiers"):
        if name in values:
            values[name] = tuple(values[name])
    return EntityStatement(**values)


def dump_link_statements(statements: Mapping[str, tuple[LinkStatement, ...]], known: LinkKey | None = None) -> str:
    """Return link statements as text. Those of the key that is known are written without it: it would be half of the
    text.
    """
    if isinstance(statements, _LazyLinks) and statements.known == known:
        return statements._text
    return dump([(source, _but_known(statement, known)) for source, rows in statements.items() for statement in rows])


def _but_known(statement: LinkStatement, known: LinkKey | None) -> dict[str, Any]:
    values = sparse_link(statement)
    if statement.key == known:
        del values["key"]
    else:
        # orjson writes plain tuples only, no named ones.
        values["key"] = tuple(statement.key)
    return values


def load_link_statements(text: str, known: LinkKey | None = None) -> dict[str, tuple[LinkStatement, ...]]:
    found: dict[str, tuple[LinkStatement, ...]] = {}
    for source, values in orjson.loads(text):
        found[source] = (*found.get(source, ()), _link_statement(values, known))
    return found


class _LazyLinks(LazyMap[tuple[LinkStatement, ...]]):
    """Statements of a link; `known` is its key, where that stands elsewhere."""

    __slots__ = ("known",)

    def __init__(self, text: str, known: LinkKey | None) -> None:
        super().__init__(text, partial(load_link_statements, known=known))
        self.known = known


def lazy_link_statements(text: str | None, known: LinkKey | None = None) -> Mapping[str, tuple[LinkStatement, ...]]:
    return _LazyLinks(text, known) if text else {}


def _link_statement(values: dict[str, Any], known: LinkKey | None) -> LinkStatement:
    source, relation, target, environment = values.pop("key", known)
    if values.get("criticality"):
        values["criticality"] = Criticality(values["criticality"])
    if values.get("origin"):
        values["origin"] = LinkOrigin(values["origin"])
    return LinkStatement(key=LinkKey(Ref(source), relation, Ref(target), environment), **values)


def dump_owners(owners: tuple[Owner, ...]) -> str:
    return dump(owners)


@lru_cache(MAX_KEPT)
def load_owners(text: str | None) -> tuple[Owner, ...]:
    return tuple(_owner(values) for values in orjson.loads(text)) if text else ()


def _owner(values: dict[str, Any]) -> Owner:
    values["how"] = OwnerHow(values["how"])
    values["through"] = tuple(values["through"])
    values["evidence"] = tuple(Evidence(**item) for item in values["evidence"])
    return Owner(**values)


def dump_run(run: SyncRun) -> str:
    """Return everything of a run as text but the payload, which the stores keep apart as bytes."""
    values = {field.name: getattr(run, field.name) for field in fields(run) if field.name != "payload"}
    return dump(values)


def load_run(text: str, payload: bytes | None = None, problems: Iterable[str] | None = None) -> SyncRun:
    """Return the run that dump_run() wrote; `problems` are those of a run that was written without them."""
    values = orjson.loads(text)
    values["status"] = SyncStatus(values["status"])
    values["counts"] = Counts(**values["counts"])
    found = map(load_problem, problems) if problems else map(_problem, values["problems"])
    values["problems"] = tuple(found)
    return SyncRun(**values, payload=payload)


def load_problem(text: str) -> Problem:
    return _problem(orjson.loads(text))


def _problem(values: dict[str, Any]) -> Problem:
    return Problem(**values | {"code": ProblemCode(values["code"]), "severity": Severity(values["severity"])})
