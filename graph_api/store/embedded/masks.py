"""Which entities match a filter: by the compact graph where it holds what the filter looks at, else by SQLite."""

import sqlite3
from collections.abc import Collection
from functools import reduce
from operator import and_, or_

import numpy as np

from graph_api.catalog.filters import ALL, And, Compare, Filter, Not, Op, Or
from graph_api.store.embedded.condition import one_of
from graph_api.store.embedded.graph import LISTED, Graph
from graph_api.store.embedded.lists import Bools
from graph_api.store.embedded.pages import matching_ids

_CODED = ("kind", "type", "lifecycle", "namespace")
"""Those fields of the graph's CODED that are compared as text."""
_TERMS = "SELECT id FROM terms WHERE field = ? AND text IN (SELECT value FROM json_each(?))"


def is_held(filter_: Filter) -> bool:
    """Whether the graph alone can tell which entities match."""
    match filter_:
        case And(items) | Or(items):
            return all(map(is_held, items))
        case Not(item):
            return is_held(item)
        case Compare("declared", Op.EQ):
            return True
        case Compare(field, Op.EQ | Op.IN | Op.EXISTS):
            return field in LISTED or field in _CODED or field == "type_key"
        case _:
            return False


def mask_of(conn: sqlite3.Connection, graph: Graph, filter_: Filter) -> Bools:
    """Return which entities match; the latest masks are kept with the graph."""
    if filter_ == ALL:
        return graph.present
    answer = _held if is_held(filter_) else _found
    return graph.kept_mask(filter_, lambda: graph.present & answer(conn, graph, filter_))


def _found(conn: sqlite3.Connection, graph: Graph, filter_: Filter) -> Bools:
    mask = np.zeros(graph.size, np.bool_)
    mask[np.fromiter(matching_ids(conn, graph.sight, filter_), np.int32)] = True
    return mask


def _held(conn: sqlite3.Connection, graph: Graph, filter_: Filter) -> Bools:
    match filter_:
        case And(items):
            return reduce(and_, (_held(conn, graph, item) for item in items), graph.present)
        case Or(items):
            return reduce(or_, (_held(conn, graph, item) for item in items), ~graph.present)
        case Not(item):
            return ~_held(conn, graph, item)
        case Compare(field) if field in LISTED:
            return _listed(conn, graph, filter_)
        case Compare("declared", Op.EQ, wanted):
            return graph.declared if wanted else ~graph.declared
        case Compare():
            return _coded(graph, filter_)
        case _:
            raise AssertionError(filter_)


def _listed(conn: sqlite3.Connection, graph: Graph, compare: Compare) -> Bools:
    wanted = np.zeros(len(graph.terms.texts), np.bool_)
    if compare.op is Op.EXISTS:
        wanted[:] = True
    else:
        wanted[[row[0] for row in conn.execute(_TERMS, (compare.field, one_of(_values(compare))))]] = True
    wanted[list(graph.sight.hidden_terms)] = False
    found = graph.listed[compare.field].holding(wanted, graph.size)
    return found if compare.op is not Op.EXISTS or compare.value else ~found


def _coded(graph: Graph, compare: Compare) -> Bools:
    folded = compare.field == "type_key"
    coded = graph.coded["type" if folded else compare.field]
    values = _values(compare)
    texts = [text.casefold() if text and folded else text for text in coded.texts]
    exists = compare.op is Op.EXISTS
    matching = [(text is not None) == compare.value if exists else text in values for text in texts]
    # An empty catalog has room for an entity that has no code.
    found: Bools = np.array(matching or [False], np.bool_).take(coded.codes)
    return found


def _values(compare: Compare) -> Collection[object]:
    return compare.value if isinstance(compare.value, tuple) else (compare.value,)
