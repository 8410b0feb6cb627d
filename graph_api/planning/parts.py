"""A large edit as small ones that lead to the same catalog: what is derived depends on statements alone."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from graph_api.catalog.entity import LinkKey
from graph_api.catalog.ref import Ref, kind_of
from graph_api.planning.restate import Edit
from graph_api.spool import in_order

_EARLY = ("group", "user", "repository", "domain", "system")
"""Kinds that others are derived from: settled late, they would have all of these looked at again."""

K = TypeVar("K", Ref, LinkKey)
V = TypeVar("V")


def parts_of(edit: Edit, size: int) -> Iterator[Edit]:
    """Yield edits of at most `size` statements each: entities, then links, which so find their ends; then what is
    withdrawn of entities, at which no link of the edit is left.
    """
    said = (item for item in _in_order(edit.entities) if item[1] is not None)
    for entities in _cut(said, size):
        yield Edit(edit.source, entities=entities)
    for links in _cut(_in_order(edit.links), size):
        yield Edit(edit.source, links=links)
    withdrawn = (item for item in in_order(edit.entities) if item[1] is None)
    for gone in _cut(withdrawn, size):
        yield Edit(edit.source, entities=gone)


def _in_order(statements: Mapping[K, V]) -> Iterator[tuple[K, V]]:
    """Yield the statements in an order in which those of one ref stand together."""
    for kind in _EARLY:
        yield from in_order(statements, f"{kind}:")
    yield from (item for item in in_order(statements) if kind_of(_ref_of(item[0])) not in _EARLY)


def _ref_of(key: Ref | LinkKey) -> Ref:
    return key.source if isinstance(key, LinkKey) else key


def _cut(items: Iterable[tuple[K, V]], size: int) -> Iterator[dict[K, V]]:
    iterator = iter(items)
    while part := dict(islice(iterator, size)):
        yield part
