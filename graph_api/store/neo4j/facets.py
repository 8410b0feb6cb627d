"""Facets: which property their values stand in, and the order of their buckets."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graph_api.catalog.traversal import FACET_FIELDS, Bucket, Facet


class FacetProperty(NamedTuple):
    """Where a facet's values stand."""

    name: str
    many: bool


FACET_PROPERTIES = {
    "owner": FacetProperty("owners", many=True),
    "system": FacetProperty("systems", many=True),
    "domain": FacetProperty("domains", many=True),
    "environment": FacetProperty("environments", many=True),
    "tags": FacetProperty("tags", many=True),
    "source": FacetProperty("sources", many=True),
    "kind": FacetProperty("kind", many=False),
    "type": FacetProperty("type", many=False),
    "tier": FacetProperty("tier", many=False),
    "lifecycle": FacetProperty("lifecycle", many=False),
    "namespace": FacetProperty("namespace", many=False),
}


def facet_of(field: str, counts: Mapping[Any, int]) -> Facet:
    """Buckets by count, largest first, then by value with null last."""
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, str(item[0])))
    buckets = tuple(Bucket(None if value is None else str(value), count) for value, count in rows)
    return Facet(field, buckets, FACET_FIELDS[field])
