"""Hypothesis strategies: random questions about the catalogs of graphs.py."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.filters import (
    ALL,
    FIELDS,
    And,
    Compare,
    Filter,
    FilterField,
    LinkAnd,
    LinkCompare,
    LinkFilter,
    LinkNot,
    LinkOr,
    Not,
    Op,
    Or,
    Related,
    Sort,
    Words,
)
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import FACET_FIELDS, Position, Traversal, WalkRequest
from graph_api.graphql.inputs import SortField
from graph_api.store.protocol import PageRequest, Place
from tests.graphs import (
    DOMAINS,
    ENVIRONMENTS,
    GROUPS,
    KEYS,
    REFS,
    RELATIONS,
    SOURCES,
    SYSTEMS,
    TEXTS,
    TIMES,
    TOKENS,
    VALUES,
)
from tests.reference_filters import LINK_FIELDS

SORTABLE = tuple(field.value for field in SortField)
PLAIN_FACETS = tuple(field for field in FACET_FIELDS if field != "severity")
_POOLS: dict[str, Sequence[Any]] = {
    "ref": REFS,
    "kind": ("component", "group", "widget"),
    "type": ("service", "Service", "library"),
    "namespace": ("default", "shop"),
    "lifecycle": ("production", "experimental"),
    "tier": (0, 1, 1.5, 2, 3),
    "labels": VALUES,
    "annotations": VALUES,
    "owner": GROUPS,
    "declared_owner": GROUPS,
    "system": SYSTEMS,
    "domain": DOMAINS,
    "environment": ("environment:default/prod", *ENVIRONMENTS),
    "source": SOURCES,
    "declared": (True, False),
    "owner_state": ("ACTIVE", "EMPTY", "UNRESOLVED", "INACTIVE"),
    "type_key": ("service", "library"),
    "revision": (0, 1, 10**6),
    "updated_at": (*TIMES, "2026-02-01T00:00:00.000Z"),
    "relation": RELATIONS,
    "criticality": ("HARD", "SOFT"),
    "origin": ("DECLARED", "OBSERVED", "INFERRED"),
    "observed_at": (*TIMES, "2026-02-01T00:00:00.000Z"),
    "confidence": (0, 0.25, 0.5, 1, 1.0),
    "property": ("80", "1.5", "true", "ß", "1"),
}
_PARTS = ("", "a", "A", "AB", "ss", "SS", "i̇", "É", "_", "%", "\\", "prod", "default/", "\U0001f600", "e", "=")
_ORDERED = {"tier", "revision", "updated_at", "confidence", "observed_at"}
"""Numbers and times."""
_ORDERS = (Op.GT, Op.GTE, Op.LT, Op.LTE)


def maybe(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(values)


def some(values: Sequence[Any], at_most: int = 2, at_least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    """Different ones, in any order."""
    places = st.lists(st.integers(0, len(values) - 1), unique=True, min_size=at_least, max_size=at_most)
    return places.map(lambda chosen: tuple(values[place] for place in chosen))


def some_sorted(values: Sequence[Any], at_most: int = 2, at_least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return some(values, at_most, at_least).map(lambda chosen: tuple(sorted(chosen)))


def _operators(field: FilterField) -> tuple[Op, ...]:
    if field.name == "declared":
        return (Op.EQ,)
    if field.name in _ORDERED:
        return (Op.EQ, Op.IN, Op.EXISTS, *_ORDERS)
    return (Op.EQ, Op.IN, Op.CONTAINS, Op.STARTS_WITH, Op.EXISTS)


@cache
@st.composite
def compares(draw: st.DrawFn, fields: Sequence[FilterField], kind: type[Any]) -> Any:
    field = draw(st.sampled_from(fields))
    op = draw(st.sampled_from(_operators(field)))
    values = _POOLS.get(field.name, TEXTS)
    value: Any
    match op:
        case Op.EXISTS:
            value = draw(st.booleans())
        case Op.IN:
            value = draw(some(values, at_most=3))
        case Op.CONTAINS | Op.STARTS_WITH:
            value = draw(st.sampled_from((*_PARTS, *values)))
        case _:
            value = draw(st.sampled_from(values))
    return kind(field.name, op, value, draw(st.sampled_from(KEYS)) if field.keyed else None)


@cache
def _words() -> st.SearchStrategy[Words]:
    return some([part.casefold() for part in _PARTS if part]).map(Words)


@cache
def filters() -> st.SearchStrategy[Filter]:
    leaves = st.one_of(
        compares(tuple(FIELDS.values()), Compare),
        compares(tuple(FIELDS.values()), Compare),
        _words(),
        some(REFS, at_most=4).map(lambda refs: Compare("ref", Op.IN, tuple(refs))),
    )
    return st.just(ALL) | st.recursive(leaves, _larger_filters, max_leaves=4)


def _larger_filters(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    return st.one_of(
        st.lists(parts, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(parts, max_size=3).map(lambda items: Or(tuple(items))),
        parts.map(Not),
        st.builds(Related, maybe(RELATIONS), st.sampled_from(Direction), st.booleans(), parts),
    )


@cache
def link_filters() -> st.SearchStrategy[LinkFilter]:
    leaves: st.SearchStrategy[LinkFilter] = compares(tuple(LINK_FIELDS.values()), LinkCompare)
    return st.recursive(leaves, _larger_link_filters, max_leaves=3)


def _larger_link_filters(parts: st.SearchStrategy[LinkFilter]) -> st.SearchStrategy[LinkFilter]:
    return st.one_of(
        st.lists(parts, max_size=3).map(lambda items: LinkAnd(tuple(items))),
        st.lists(parts, max_size=3).map(lambda items: LinkOr(tuple(items))),
        parts.map(LinkNot),
    )


@cache
def visibilities() -> st.SearchStrategy[Visibility]:
    """One of three readers sees everything."""
    some_of_it = st.builds(Visibility, some(TOKENS).map(frozenset), some(REFS).map(frozenset))
    return st.one_of(st.just(EVERYTHING), some_of_it, some_of_it)


@cache
def sorts() -> st.SearchStrategy[Sort]:
    return st.builds(Sort, st.sampled_from(SORTABLE), st.booleans())


@cache
@st.composite
def page_requests(draw: st.DrawFn) -> PageRequest:
    """Places need not be those of existing entities."""
    sort = draw(sorts())
    values = {"name": (*TEXTS, "a"), "title": TEXTS}.get(sort.field) or _POOLS[sort.field]
    nullable = sort.field in ("type", "title", "lifecycle", "tier")
    value = maybe(values) if nullable else st.sampled_from(values)
    places = st.none() | st.builds(Place, value, st.sampled_from(REFS))
    return PageRequest(
        filter=draw(filters()),
        sort=sort,
        limit=draw(st.integers(1, 6)),
        after=draw(places),
        before=draw(places),
        backward=draw(st.booleans()),
    )


@cache
def _mostly_all() -> st.SearchStrategy[Filter]:
    """Walks that go on are the interesting ones."""
    return st.one_of(st.just(ALL), st.just(ALL), filters())


@st.composite
def traversals(draw: st.DrawFn, refs: Sequence[Ref]) -> Traversal:
    return Traversal(
        start=draw(some_sorted(refs, at_most=3, at_least=1)),
        direction=draw(st.sampled_from(Direction)),
        relations=draw(st.just(RELATIONS) | some(RELATIONS, at_most=5, at_least=3)),
        max_depth=draw(st.none() | st.integers(1, 4)),
        link_where=draw(st.none() | st.none() | link_filters()),
        through=draw(_mostly_all()),
        keep=draw(_mostly_all()),
        budget=draw(st.just(100) | st.integers(1, 8)),
    )


@st.composite
def walk_requests(draw: st.DrawFn, refs: Sequence[Ref]) -> WalkRequest:
    """`after` is never behind `before`; parts are asked for in any combination."""
    places = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(REFS)), min_size=2, max_size=2)
    first, last = sorted(draw(places))
    return WalkRequest(
        traversal=draw(traversals(refs)),
        limit=draw(st.sampled_from((0, 1, 2, 5, 100))),
        after=draw(st.none() | st.just(Position(*first))),
        before=draw(st.none() | st.just(Position(*last))),
        backward=draw(st.booleans()),
        total=draw(st.booleans()),
        severity=draw(st.booleans()),
        facets=draw(some(tuple(FACET_FIELDS), at_most=4)),
        completeness=draw(st.booleans()),
    )
