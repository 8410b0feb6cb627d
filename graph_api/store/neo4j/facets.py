"""Facets: which property their values stand in, and those values as texts."""

from collections.abc import Mapping
from typing import Any

from graph_api.catalog.traversal import Facet, facet_of

FACET_PROPERTIES = {
    "owner": "owners",
    "system": "systems",
    "domain": "domains",
    "environment": "environments",
    "tags": "tags",
    "source": "sources",
    "kind": "kind",
    "type": "type",
    "tier": "tier",
    "lifecycle": "lifecycle",
    "namespace": "namespace",
}


def facet(field: str, counts: Mapping[Any, int]) -> Facet:
    return facet_of(field, {None if value is None else str(value): count for value, count in counts.items()})
