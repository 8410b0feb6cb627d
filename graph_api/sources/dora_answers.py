"""The answers that the connector dora puts together: which they are, and whose."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from graph_api.sources.documents import Document, Place, mappings

NAME = "dora"

Row = dict[str, Any]

_PROJECT = re.compile(r"(?:^|/)projects/([^/]+)/(?:deployments|dora/metrics)")


def claims(document: Document) -> bool:
    parts = PurePosixPath(document.path.lower()).parts
    if not (document.is_url or NAME in parts[:-1] or document.name.lower().startswith(NAME)):
        return False
    _, first = next(rows_of(document), (None, {}))
    return any(is_one(first) for is_one in (is_deployment, is_status, is_commit, is_gitlab, is_day, is_incident))


def rows_of(document: Document) -> Iterator[tuple[Place, Row]]:
    for number, row in mappings(document.value):
        yield document.at(number), row
    for number, row in mappings(document.get("incidents")):
        yield document.at("incidents", number), row
    if isinstance(document.value, dict) and is_commit(document.value):
        yield document.at(), document.value


def is_deployment(row: Row) -> bool:
    return "statuses_url" in row and "sha" in row


def is_status(row: Row) -> bool:
    return "deployment_url" in row and "state" in row


def is_commit(row: Row) -> bool:
    return "sha" in row and isinstance(row.get("commit"), dict)


def is_gitlab(row: Row) -> bool:
    return "status" in row and "sha" in row and isinstance(row.get("environment"), dict)


def is_day(row: Row) -> bool:
    return row.keys() == {"date", "value"}


def is_incident(row: Row) -> bool:
    return "incident_number" in row or (row.get("type") == "incident" and "service" in row)


def web_address(api_address: str) -> str:
    """Of a repository in GitHub's API, also on an Enterprise Server."""
    return api_address.replace("://api.github.com/repos/", "://github.com/").replace("/api/v3/repos/", "/")


def address_of(document: Document) -> str | None:
    """Of the GitLab project whose path is in the document's own."""
    match = _PROJECT.search(document.path)
    project = unquote(match[1]) if match else ""
    host = urlsplit(document.path).netloc if document.is_url else "gitlab.com"
    return f"https://{host}/{project}" if "/" in project else None


def end_of(incident: Row) -> Any:
    if incident.get("status") != "resolved":
        return None
    return incident.get("resolved_at") or incident.get("last_status_change_at")
