"""The half of the naive reference that looks at one entity or link: its values, and whether they match."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any

from graph_api.catalog.entity import Entity, Link, LinkOrigin
from graph_api.catalog.filters import (
    Compare,
    FilterField,
    LinkAnd,
    LinkCompare,
    LinkFilter,
    LinkNot,
    LinkOr,
    Op,
    property_text,
)

LINK_FIELDS = {
    name: FilterField(name, many=name == "source", keyed=name == "property")
    for name in (
        "relation",
        "criticality",
        "environment",
        "confidence",
        "source",
        "origin",
        "observed_at",
        "property",
    )
}
_ORDER: dict[Op, Callable[[Any, Any], bool]] = {Op.GT: gt, Op.GTE: ge, Op.LT: lt, Op.LTE: le}


def field_values(entity: Entity, field: str, key: str | None = None) -> list[object]:
    """What a filter on the field compares: no value, one, or several."""
    keyed: dict[str, Mapping[str, str]] = {"labels": entity.labels, "annotations": entity.annotations}
    if field in keyed:
        return [value for name, value in keyed[field].items() if name == key]
    many: dict[str, Sequence[object]] = {
        "tags": entity.tags,
        "owner": [owner.ref for owner in entity.owners],
        "declared_owner": entity.declared_owners,
        "system": entity.systems,
        "domain": entity.domains,
        "environment": entity.environments,
        "source": entity.sources,
    }
    if field in many:
        return list(many[field])
    if field == "type_key":
        return [] if entity.type is None else [entity.type.casefold()]
    value = getattr(entity, field)
    return [] if value is None else [value]


def link_matches(link: Link, filter_: LinkFilter | None) -> bool:
    match filter_:
        case None:
            return True
        case LinkAnd(items):
            return all(link_matches(link, item) for item in items)
        case LinkOr(items):
            return any(link_matches(link, item) for item in items)
        case LinkNot(item):
            return not link_matches(link, item)
        case LinkCompare(field, _, _, key):
            return compare(filter_, LINK_FIELDS[field], link_values(link, field, key))


def link_values(link: Link, field: str, key: str | None) -> list[object]:
    """What a filter on the field compares: no value, one, or several."""
    said = [row for rows in link.statements.values() for row in rows]
    values: dict[str, Sequence[object | None]] = {
        "relation": [link.key.relation],
        "criticality": [str(link.criticality)],
        "environment": [link.key.environment],
        "confidence": [link.confidence],
        "source": list(link.statements),
        "origin": [str(min((row.origin for row in said), key=list(LinkOrigin).index))],
        "observed_at": [max(row.observed_at or "" for row in said) or None],
        "property": [property_text(link.properties.get(key or ""))],
    }
    return [value for value in values[field] if value is not None]


def compare(compare: Compare | LinkCompare, field: FilterField, values: list[object]) -> bool:
    if compare.op is Op.EXISTS:
        return bool(values) == compare.value
    assert field.many or len(values) <= 1
    return any(_compare_one(value, compare.op, compare.value) for value in values)


def _compare_one(value: object, op: Op, wanted: object) -> bool:
    if op is Op.IN:
        assert isinstance(wanted, tuple)
        return value in wanted
    if op is Op.EQ:
        return value == wanted
    if op in _ORDER:
        return _ORDER[op](value, wanted)
    folded, part = str(value).casefold(), str(wanted).casefold()
    return part in folded if op is Op.CONTAINS else folded.startswith(part)


def has_words(entity: Entity, words: Iterable[str]) -> bool:
    texts = [entity.name, entity.title or "", entity.description or "", *entity.tags]
    return all(any(word in text.casefold() for text in texts) for word in words)


def facet_values(entity: Entity, field: str) -> set[str | None]:
    if field in ("kind", "type", "tier", "lifecycle", "namespace"):
        value = getattr(entity, field)
        return {None if value is None else str(value)}
    return {str(value) for value in field_values(entity, field)} or {None}
