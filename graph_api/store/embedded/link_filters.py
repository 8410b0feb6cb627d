"""Link filters, evaluated on what links have in common: many links share few combinations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any, Self

from graph_api.catalog.entity import Criticality, Link
from graph_api.catalog.filters import LinkAnd, LinkCompare, LinkFilter, LinkNot, LinkOr, Op, property_text

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


@dataclass(frozen=True, slots=True)
class LinkValues:
    """All that link filters look at."""

    relation: str
    environment: str | None
    criticality: Criticality
    confidence: float
    properties: Mapping[str, Any]
    sources: tuple[str, ...]

    @classmethod
    def of(cls, link: Link) -> Self:
        key = link.key
        sources = tuple(link.statements)
        return cls(key.relation, key.environment, link.criticality, link.confidence, link.properties, sources)

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
        """What is compared: nothing, one value, or several."""
        if compare.field == "source":
            return list(self.sources)
        if compare.field == "property":
            value: object = property_text(self.properties.get(compare.key or ""))
        else:
            value = getattr(self, compare.field)
        return [] if value is None else [value]
