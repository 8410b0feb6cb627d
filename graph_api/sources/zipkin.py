"""Zipkin: dependencies that it has counted, and spans of its API v2.

- `/api/v2/dependencies` (`[{parent, child, callCount, errorCount}]`): the parent DEPENDS_ON the child, with `calls` and
  `errors`. A list alone of Jaeger's dependencies has the same shape and is read here too.
- Spans v2 in a list, or traces as lists of lists: calls as graph_api/sources/spans.py finds them. A client span that
  nobody answers calls what its `remoteEndpoint` names, where its tags say nothing.

Each service is a component in the namespace `zipkin` with the identifier `service.name:NAME`; Zipkin has all names in
lower case. Spans of the API v1 (with `binaryAnnotations`) are refused. A dependency that is both counted and in a trace
is one link; the counts are added, so sync the one or the other.

Online: `/api/v2/dependencies` for the last `hours` (default 24), and `/api/v2/services`.

Shapes of answers checked against zipkin2-api.yaml of 2024-01-17.

https://zipkin.io/zipkin-api/
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.sources.answers import answer_to
from graph_api.sources.api import Api
from graph_api.sources.calls import DEFAULT_HOURS, Calls, Service, Spot, last_hours
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, dig, listed, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import number_in, text_in
from graph_api.sources.spans import KEPT, Span, Traces

NAME = "zipkin"


def claims(document: Document) -> bool:
    first = document.get(0)
    if isinstance(first, str):
        return document.path.removesuffix(".json").endswith("api/v2/services")
    row = dig(first, 0) if isinstance(first, list) else first
    if not isinstance(row, dict):
        return False
    is_span = "traceId" in row and "id" in row
    return is_span or ("parent" in row and "child" in row and "callCount" in row)


def read(documents: Sequence[Document], findings: Findings) -> None:
    calls = Calls(findings)
    spans: list[Span] = []
    for document in documents:
        if any("binaryAnnotations" in row for _, row in _rows(document)):
            findings.refuse(document, "spans of Zipkin's API v1; v2 is read: ask /api/v2/traces")
            continue
        for keys, row in _rows(document):
            spot = Spot(document, keys)
            if row.keys() & {"parent", "child", "callCount"}:
                calls.dependency(row, spot)
            elif span := _span(row, spot):
                spans.append(span)
        for number, name in enumerate(listed(document.value)):
            if text_in(name):
                calls.service(Service(name.strip()), Spot(document, (number,)))
    Traces(spans, findings, calls).state()


def _rows(document: Document) -> Iterator[tuple[Keys, dict[str, Any]]]:
    for number, row in mappings(document.value):
        yield (number,), row
    for place, trace in enumerate(listed(document.value)):
        for number, row in mappings(trace):
            yield (place, number), row


def _span(row: dict[str, Any], spot: Spot) -> Span | None:
    trace, id_ = text_in(row.get("traceId")), text_in(row.get("id"))
    name = text_in(dig(row, "localEndpoint", "serviceName"))
    if not (trace and id_ and name):
        return None
    tags = {key: value for key, value in mapping(row.get("tags")).items() if key in KEPT and text_in(value)}
    remote = text_in(dig(row, "remoteEndpoint", "serviceName"))
    start, duration = number_in(row.get("timestamp")), number_in(row.get("duration"))
    return Span(
        trace=trace,
        id=id_,
        parent=text_in(row.get("parentId")),
        service=Service(name),
        spot=spot,
        kind=(text_in(row.get("kind")) or "").lower(),
        error="error" in mapping(row.get("tags")),
        ended=start and (start + (duration or 0)) / 1e6,
        attributes={"peer.service": remote, **tags} if remote else tags,
    )


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    yield await answer_to(api, "/api/v2/dependencies", last_hours(options))
    yield await answer_to(api, "/api/v2/services")


CONNECTOR = Connector(
    name=NAME,
    description="Calls between services that Zipkin has seen",
    input="Answers of /api/v2/dependencies, /api/v2/traces and /api/v2/services, and spans v2 in lists",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url=None,
        token_variable="ZIPKIN_TOKEN",
        fetch=fetch,
        options={"hours": f"How far back dependencies are asked for, in hours; default {DEFAULT_HOURS}"},
    ),
)
