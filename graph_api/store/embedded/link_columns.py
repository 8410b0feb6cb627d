"""Links out of SQLite as arrays. Most differ in few ways; those with values of their own are read one by one."""

from itertools import islice

import numpy as np

from graph_api.store.embedded.columns import Columns, Grown, distinct
from graph_api.store.embedded.graph import Numbers, Terms
from graph_api.store.embedded.link_filters import LinkValues
from graph_api.store.embedded.link_times import NO_TIMES, times_of
from graph_api.store.embedded.links import LinkRows, VariantKey, Variants
from graph_api.store.embedded.lists import Ints

_KEY = ("source", "relation", "target", "environment")
_IS_OWN = "confidence <> 1 OR properties IS NOT NULL OR observed_at IS NOT NULL"
# One number costs less than four.
_PACKED = f"sources * 32 + origins * 4 + hard * 2 + ({_IS_OWN})"


def read_links(columns: Columns, terms: Terms, known: Variants) -> tuple[LinkRows, Variants]:
    """Return the links, and the known variants followed by new ones."""
    numbers = Numbers(known)
    grown, own = Grown(3), Grown(1)
    for part in columns.parts("links", (*_KEY, _PACKED)):
        source, relation, target, environment, packed = part
        alike, which = distinct([relation, environment, packed])
        own.add(grown.size + _own_places(part))
        grown.add(source, target, numbers.all(map(_plain_variant, alike)).take(which))
    source, target, variant = grown.arrays()
    observed = np.full(source.size, np.datetime64("NaT"), NO_TIMES.dtype)
    (places,) = own.arrays()
    if places.size:
        wanted = (*_KEY, "hard", "sources", "origins", "confidence", "properties", "observed_at")
        rows = columns.rows("links", wanted, f"WHERE {_IS_OWN} ORDER BY {', '.join(_KEY)}").fetchall()
        variant[places] = numbers.all((row[1], *row[3:9]) for row in rows)
        observed[places] = times_of([row[9] for row in rows])
    new = {key: variant_of(key, terms) for key in islice(numbers, len(known), None)}
    return LinkRows(source, target, variant, observed), {**known, **new} if new else known


def _own_places(part: list[Ints]) -> Ints:
    """Return the places of links with values of their own, in the order of their keys."""
    source, relation, target, environment, packed = part
    places = np.flatnonzero(packed & 1).astype(np.int32)
    return places[np.lexsort([column[places] for column in (environment, target, relation, source)])]


def _plain_variant(row: tuple[int, ...]) -> VariantKey:
    relation, environment, packed = row
    return relation, environment, packed >> 1 & 1, packed >> 5, packed >> 2 & 7, 1.0, None


def variant_of(key: VariantKey, terms: Terms) -> LinkValues:
    relation, environment, hard, sources, origins, confidence, properties = key
    texts = terms.texts
    where = texts[environment] if environment else None
    return LinkValues.stored(texts[relation], where, hard, confidence, texts[sources], origins, properties)
