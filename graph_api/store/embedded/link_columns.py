"""Links out of SQLite as arrays. Most differ in few ways; those with values of their own are read one by one."""

from itertools import islice

import numpy as np

from graph_api.store.embedded.columns import Columns, distinct
from graph_api.store.embedded.graph import Numbers, Terms
from graph_api.store.embedded.link_filters import LinkValues
from graph_api.store.embedded.link_times import NO_TIMES, times_of
from graph_api.store.embedded.links import LinkRows, VariantKey, Variants

_KEY = ("source", "relation", "target", "environment")
_IS_OWN = "confidence <> 1 OR properties IS NOT NULL OR observed_at IS NOT NULL"
# One number costs less than four.
_PACKED = f"sources * 32 + origins * 4 + hard * 2 + ({_IS_OWN})"


def read_links(columns: Columns, terms: Terms, known: Variants) -> tuple[LinkRows, Variants]:
    """Links, and the known variants with those that there are besides."""
    numbers = Numbers(known)
    source, relation, target, environment, packed = columns.numbers("links", (*_KEY, _PACKED))
    alike, which = distinct([relation, environment, packed])
    variant = numbers.all(map(_plain_variant, alike)).take(which)
    observed = np.full(source.size, np.datetime64("NaT"), NO_TIMES.dtype)
    places = np.flatnonzero(packed & 1)
    if places.size:
        places = places[np.lexsort([column[places] for column in (environment, target, relation, source)])]
        wanted = (*_KEY, "hard", "sources", "origins", "confidence", "properties", "observed_at")
        rows = columns.rows("links", wanted, f"WHERE {_IS_OWN} ORDER BY {', '.join(_KEY)}").fetchall()
        variant[places] = numbers.all((row[1], *row[3:9]) for row in rows)
        observed[places] = times_of([row[9] for row in rows])
    new = {key: variant_of(key, terms) for key in islice(numbers, len(known), None)}
    return LinkRows(source, target, variant, observed), {**known, **new} if new else known


def _plain_variant(row: tuple[int, ...]) -> VariantKey:
    relation, environment, packed = row
    return relation, environment, packed >> 1 & 1, packed >> 5, packed >> 2 & 7, 1.0, None


def variant_of(key: VariantKey, terms: Terms) -> LinkValues:
    relation, environment, hard, sources, origins, confidence, properties = key
    texts = terms.texts
    where = texts[environment] if environment else None
    return LinkValues.stored(texts[relation], where, hard, confidence, texts[sources], origins, properties)
