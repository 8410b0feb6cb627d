"""OpenAPI documents: an API of type openapi each.

Versions 2.0 (Swagger), 3.0, 3.1 and 3.2, as YAML or JSON. Kept are title, version and description, the names of tags,
how many paths, operations and webhooks there are, and links to documentation and contact; the document itself stays
where it is, and examples and security schemes are never looked at.

The API is named by its title, and told apart from others of that title by its first server's host, else by its folder.
Its identifiers are `host:HOST/PATH` of its servers: with the path, for a gateway's host alone is no name of one API.
Variables in server URLs have their defaults; relative URLs and the machine itself name nothing.

Owners: `x-owner`, `x-owners`, `x-team`, `x-owning-team` in `info` or above it, as INFERRED with confidence 0.5.

https://spec.openapis.org/oas/latest.html
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from graph_api.sources.api_documents import MAX_SERVERS, api_ref, filled, hint_owners, tags_in, title_of, web_links
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import scoped
from graph_api.sources.scalars import host_in, text_in

NAME = "openapi"

_VERSIONS = re.compile(r"2\.0|3\.[012](?:\.\d+)?(?:-\S+)?")
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"})


def claims(document: Document) -> bool:
    value = document.value
    if not isinstance(value, dict) or not ("openapi" in value or "swagger" in value):
        return False
    return "info" in value or "paths" in value


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        version = str(document.get("openapi") or document.get("swagger"))
        if not _VERSIONS.fullmatch(version):
            findings.refuse(document, f"OpenAPI {version[:20]}; 2.0, 3.0, 3.1 and 3.2 are read")
        elif title := title_of(document, findings):
            _read_api(document, title, version, findings)


def _read_api(document: Document, title: str, version: str, findings: Findings) -> None:
    info, at = mapping(document.get("info")), document.at("info")
    servers = list(dict.fromkeys(islice(_servers(document), MAX_SERVERS)))
    counts = {
        "paths": len(mapping(document.get("paths"))),
        "operations": _operations(document.get("paths")),
        "webhooks": _operations(document.get("webhooks")),
    }
    told = {"version": _version(info), "specification": version}
    ref = findings.entity(
        api_ref(NAME, document, title, (server.partition("/")[0] for server in servers)),
        at,
        name=title,
        type=NAME,
        description=text_in(info.get("description")) or text_in(info.get("summary")),
        tags=tags_in(document.get("tags")),
        links=web_links(info, document.get("externalDocs")),
        spec={key: value for key, value in {**told, **counts}.items() if value},
        identifiers=[scoped("host", server) for server in servers],
    )
    hint_owners(ref, at, findings, info, document.value)


def _version(info: dict[str, Any]) -> str | None:
    version = info.get("version")
    return str(version)[:100] if isinstance(version, str | int | float) and version != "" else None


def _operations(paths: Any) -> int:
    items = [item for item in mapping(paths).values() if isinstance(item, dict)]
    named = sum(len(_METHODS & item.keys()) for item in items)
    return named + sum(len(mapping(item.get("additionalOperations"))) for item in items)


def _servers(document: Document) -> Iterator[str]:
    """`host/path` of each server."""
    if "swagger" in mapping(document.value):
        host, base = text_in(document.get("host")), text_in(document.get("basePath"))
        urls = [f"https://{host}/{(base or '').lstrip('/')}"] if host else []
    else:
        rows = mappings(document.get("servers"))
        urls = [filled(url, row.get("variables")) for _, row in rows if (url := text_in(row.get("url")))]
    for url in urls:
        host = host_in(url) if "://" in url else None
        if host and "{" not in url:
            yield f"{host}{_path(url)}"


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


CONNECTOR = Connector(
    name=NAME,
    description="APIs that OpenAPI documents describe",
    input="OpenAPI 2.0 (Swagger), 3.0, 3.1 and 3.2, YAML or JSON",
    claims=claims,
    read=read,
)
