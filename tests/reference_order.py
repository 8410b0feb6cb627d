"""The part of the naive reference that puts entities in order."""

from collections.abc import Iterable
from functools import cmp_to_key
from operator import lt

from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import Sort
from graph_api.store.protocol import Place, SortValue


def place_of(entity: Entity, sort: Sort) -> Place:
    value: SortValue = getattr(entity, sort.field)
    return Place(value, entity.ref)


def precedes(one: Place, other: Place, sort: Sort) -> bool:
    if one.value == other.value:
        return one.ref < other.ref
    if one.value is None or other.value is None:
        return (one.value is None) == sort.descending
    smaller: bool = lt(one.value, other.value)
    return smaller != sort.descending


def in_order(entities: Iterable[Entity], sort: Sort) -> list[Entity]:
    def compare(one: Entity, other: Entity) -> int:
        return -1 if precedes(place_of(one, sort), place_of(other, sort), sort) else 1

    return sorted(entities, key=cmp_to_key(compare))
