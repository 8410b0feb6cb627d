"""What the connector pagerduty asks PagerDuty."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from graph_api.sources.answers import document_if_any, pages_by_offset, rows_in
from graph_api.sources.api import Api
from graph_api.sources.documents import Document, dig, mappings
from graph_api.sources.scalars import text_in

PAGE = 100
NOT_FOUND = 404
OPEN = ("triggered", "acknowledged")
"""States of incidents that are not over."""

_LISTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("teams", {}),
    ("users", {}),
    ("escalation_policies", {}),
    ("services", {}),
    ("business_services", {}),
    ("oncalls", {}),
    ("incidents", {"statuses[]": OPEN, "date_range": "all"}),
)
_DEPENDENCIES = {"services": "technical_services", "business_services": "business_services"}


async def fetch(api: Api, _options: Mapping[str, str]) -> AsyncIterator[Document]:
    """Every page of every list, and the dependencies of every service."""
    paths: list[str] = []
    for key, params in _LISTS:
        async for document in pages_by_offset(api, key, key, {**params, "limit": PAGE}, _has_more):
            yield document
            for _, row in mappings(document.get(key)) if key in _DEPENDENCIES else ():
                if id_ := text_in(row.get("id")):
                    paths.append(f"service_dependencies/{_DEPENDENCIES[key]}/{quote(id_, safe='')}")
    for path in paths:
        for document in await document_if_any(api, path, NOT_FOUND):
            if rows_in(document.value, "relationships", document.path):
                yield document


def _has_more(answer: Any, _: int) -> bool:
    return dig(answer, "more") is True
