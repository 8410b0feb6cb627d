"""Counts of the values that a set of entities has, out of the compact graph."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from operator import itemgetter

import numpy as np

from graph_api.catalog.filters import ALL, Filter
from graph_api.catalog.traversal import FACET_FIELDS, Bucket, Facet
from graph_api.store.embedded.graph import LISTED, Graph, Ints
from graph_api.store.embedded.pages import matching_ids


def count_matching(conn: sqlite3.Connection, graph: Graph, filter_: Filter, fields: Sequence[str]) -> dict[str, Facet]:
    """Facets over all entities that match."""
    matching = graph.present if filter_ == ALL else graph.mask(filter_, partial(matching_ids, conn))
    return count_values(graph, np.flatnonzero(matching).astype(np.int32), fields)


def count_values(graph: Graph, ids: Ints, fields: Sequence[str]) -> dict[str, Facet]:
    """Facets of some fields of CODED and LISTED over these entities."""
    listed = [field for field in fields if field in LISTED]
    counts = _listed_counts(graph, ids, listed) if listed else {}
    counts |= {field: _coded_counts(graph, ids, field) for field in fields if field not in LISTED}
    return {field: facet(field, counts[field]) for field in fields}


def facet(field: str, counts: Mapping[str | None, int]) -> Facet:
    items: list[tuple[str | None, int]] = []
    items.extend(sorted((value, count) for value, count in counts.items() if value is not None))
    if None in counts:
        items.append((None, counts[None]))
    items.sort(key=itemgetter(1), reverse=True)
    return Facet(field, tuple(Bucket(value, count) for value, count in items), FACET_FIELDS[field])


def _coded_counts(graph: Graph, ids: Ints, field: str) -> dict[str | None, int]:
    coded = graph.coded[field]
    counts = np.bincount(coded.codes[ids])
    found = np.flatnonzero(counts)
    return {coded.texts[code]: count for code, count in zip(found.tolist(), counts[found].tolist(), strict=True)}


def _listed_counts(graph: Graph, ids: Ints, fields: Sequence[str]) -> dict[str, dict[str | None, int]]:
    texts = graph.terms.texts
    counts = np.bincount(graph.listed.of(ids))
    found = np.flatnonzero(counts)
    field_of = graph.terms.fields[found]
    valued = graph.valued[ids]
    answer: dict[str, dict[str | None, int]] = {}
    for field in fields:
        place = LISTED.index(field)
        terms = found[field_of == place]
        pairs = zip(terms.tolist(), counts[terms].tolist(), strict=True)
        answer[field] = {texts[term]: count for term, count in pairs}
        if without := int(np.count_nonzero(valued & (1 << place) == 0)):
            answer[field][None] = without
    return answer
