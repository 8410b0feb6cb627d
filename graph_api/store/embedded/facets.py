"""Counts of the values that a set of entities has, out of the compact graph."""

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from graph_api.catalog.filters import Filter
from graph_api.catalog.traversal import Facet, facet_of
from graph_api.store.embedded.graph import LISTED, Graph
from graph_api.store.embedded.lists import Ints, Patched
from graph_api.store.embedded.masks import mask_of


def count_matching(conn: sqlite3.Connection, graph: Graph, filter_: Filter, fields: Sequence[str]) -> dict[str, Facet]:
    """Facets over all entities that match."""
    matching = mask_of(conn, graph, filter_)
    return count_values(graph, np.flatnonzero(matching).astype(np.int32), fields)


def count_values(graph: Graph, ids: Ints, fields: Sequence[str]) -> dict[str, Facet]:
    """Facets of some fields of CODED and LISTED over these entities."""
    return {
        field: facet_of(field, (_listed_counts if field in LISTED else _coded_counts)(graph, ids, field))
        for field in fields
    }


def _coded_counts(graph: Graph, ids: Ints, field: str) -> dict[str | None, int]:
    coded = graph.coded[field]
    return {coded.texts[code]: count for code, count in _found(np.bincount(coded.codes.take(ids)))}


def _listed_counts(graph: Graph, ids: Ints, field: str) -> dict[str | None, int]:
    texts, lists = graph.terms.texts, graph.listed[field]
    counts = _seen_counts(graph, ids, lists) if graph.sight.hidden_terms else lists.counts(ids)
    return {texts[term] if term else None: count for term, count in _found(counts)}


def _seen_counts(graph: Graph, ids: Ints, lists: Patched) -> npt.NDArray[np.intp]:
    """Count like Patched.counts(), without the terms that are hidden."""
    hidden = np.zeros(len(graph.terms.texts), np.bool_)
    hidden[list(graph.sight.hidden_terms)] = True
    owners, terms = lists.pairs(ids)
    seen = ~hidden.take(terms)
    counts = np.bincount(terms[seen], minlength=1)
    counts[0] = ids.size - np.unique(owners[seen]).size
    return counts


def _found(counts: npt.NDArray[np.intp]) -> Iterable[tuple[int, int]]:
    found = np.flatnonzero(counts)
    return zip(found.tolist(), counts[found].tolist(), strict=True)
