"""Documents that are asked again and again, and what they cost."""

from collections.abc import Callable
from typing import NamedTuple

from graphql import DocumentNode

from graph_api.graphql.cost import CostKey

MAX_KEPT_DOCUMENTS = 64
MAX_KEPT_CHARACTERS = 4_000
"""Characters of a document that is kept at most; parsed, each takes up to 2 MB."""
MAX_KEPT_COSTS = 100


class _Kept(NamedTuple):
    document: DocumentNode
    costs: dict[CostKey, int]
    """The costs of its operations, with the variables that have been asked with."""


class ValidDocuments:
    """Parsed and validated documents of one schema by their text: portals ask few documents with many variables."""

    def __init__(self) -> None:
        self._documents: dict[str, _Kept] = {}

    def get(self, query: str) -> DocumentNode | None:
        kept = self._documents.get(query)
        return kept.document if kept else None

    def keep(self, query: str, document: DocumentNode) -> None:
        if len(query) > MAX_KEPT_CHARACTERS:
            return
        if len(self._documents) >= MAX_KEPT_DOCUMENTS:
            self._documents.clear()
        self._documents[query] = _Kept(document, {})

    def cost(self, query: str, document: DocumentNode, key: CostKey, estimate: Callable[[], int]) -> int:
        kept = self._documents.get(query)
        if kept is None or kept.document is not document:
            return estimate()
        if key not in kept.costs:
            if len(kept.costs) >= MAX_KEPT_COSTS:
                kept.costs.clear()
            kept.costs[key] = estimate()
        return kept.costs[key]
