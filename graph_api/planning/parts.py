"""A large edit as small ones that lead to the same catalog: what is derived depends on statements alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from graph_api.catalog.ref import Ref, kind_of
from graph_api.planning.restate import Edit

_EARLY = ("group", "user", "repository", "domain", "system")
"""Kinds that others are derived from: settled late, they would have all of these looked at again."""

T = TypeVar("T")


def parts_of(edit: Edit, size: int) -> Iterator[Edit]:
    """Each of at most `size` statements: entities, then links, which so find their ends; then what is withdrawn of
    entities, at which no link of the edit is left.
    """
    said, withdrawn = _divided(edit.entities, lambda ref: edit.entities[ref] is not None)
    for refs in _cut(_in_order(said, lambda ref: ref), size):
        yield Edit(edit.source, entities={ref: edit.entities[ref] for ref in refs})
    for keys in _cut(_in_order(edit.links, lambda key: key.source), size):
        yield Edit(edit.source, links={key: edit.links[key] for key in keys})
    for refs in _cut(sorted(withdrawn), size):
        yield Edit(edit.source, entities=dict.fromkeys(refs))


def _in_order(items: Iterable[T], ref_of: Callable[[T], Ref]) -> list[T]:
    """Those of one ref stand together."""
    early, others = _divided(items, lambda item: kind_of(ref_of(item)) in _EARLY)
    early.sort(key=lambda item: (_EARLY.index(kind_of(ref_of(item))), ref_of(item)))
    others.sort(key=ref_of)
    return early + others


def _divided(items: Iterable[T], belongs: Callable[[T], bool]) -> tuple[list[T], list[T]]:
    """Those that do, and the others."""
    found: tuple[list[T], list[T]] = [], []
    for item in items:
        found[not belongs(item)].append(item)
    return found


def _cut(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
