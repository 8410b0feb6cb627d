"""Link filters, evaluated on what links have in common: many links share few combinations."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any, Self

import orjson

from graph_api.catalog.entity import Criticality, LinkOrigin
from graph_api.catalog.filters import LinkAnd, LinkCompare, LinkFilter, LinkNot, LinkOr, Op, property_text
from graph_api.store.embedded.origins import origins_of
from graph_api.store.rows import lazy_strings

_OPERATORS: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: eq,
    Op.GT: gt,
    Op.GTE: ge,
    Op.LT: lt,
    Op.LTE: le,
    Op.IN: lambda value, among: value in among,
    Op.CONTAINS: lambda value, part: part.casefold() in value.casefold(),
    Op.STARTS_WITH: lambda value, part: value.casefold().startswith(part.casefold()),
}

_KEPT_VARIANTS = 1024


@dataclass(frozen=True, slots=True)
class LinkValues:
    """The values of a link that link filters look at."""

    relation: str
    environment: str | None
    criticality: Criticality
    confidence: float
    properties: Mapping[str, Any]
    sources: tuple[str, ...]
    origin: LinkOrigin
    observed_at: str | None = None
    """Left out where link_times.py compares it."""

    @classmethod
    def stored(
        cls,
        relation: str,
        environment: str | None,
        hard: int,
        confidence: float,
        sources: str,
        origins: int,
        properties: str | None,
        observed_at: str | None = None,
    ) -> Self:
        """Make them of values as SQLite has them."""
        return cls(
            relation=relation,
            environment=environment,
            criticality=Criticality.HARD if hard else Criticality.SOFT,
            confidence=confidence,
            properties=lazy_strings(properties),
            sources=tuple(orjson.loads(sources)),
            origin=origins_of(origins)[0],
            observed_at=observed_at,
        )

    def match(self, filter_: LinkFilter) -> bool:
        match filter_:
            case LinkAnd(items):
                return all(self.match(item) for item in items)
            case LinkOr(items):
                return any(self.match(item) for item in items)
            case LinkNot(item):
                return not self.match(item)
            case LinkCompare(_, Op.EXISTS, wanted):
                return bool(self._values(filter_)) == wanted
            case LinkCompare(_, op, wanted):
                return any(_OPERATORS[op](value, wanted) for value in self._values(filter_))

    def _values(self, compare: LinkCompare) -> list[object]:
        """Return what is compared: nothing, one value, or several."""
        if compare.field == "source":
            return list(self.sources)
        if compare.field == "property":
            value: object = property_text(self.properties.get(compare.key or ""))
        else:
            value = getattr(self, compare.field)
        return [] if value is None else [value]


def matching_links(conn: sqlite3.Connection, filter_: LinkFilter | None) -> str:
    """A condition on a row `links l`, for the next statements of this connection."""
    if filter_ is None:
        return "1"

    @lru_cache(_KEPT_VARIANTS)
    def matches(*variant: Any) -> bool:
        return LinkValues.stored(*variant).match(filter_)

    conn.create_function("link_matches", 8, matches, deterministic=True)
    return (
        "link_matches((SELECT text FROM terms WHERE id = l.relation), "
        "(SELECT text FROM terms WHERE id = l.environment), l.hard, l.confidence, "
        "(SELECT text FROM terms WHERE id = l.sources), l.origins, l.properties, l.observed_at)"
    )
