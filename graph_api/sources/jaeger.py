"""Jaeger: dependencies that it has counted, and traces of its UI and of its Elasticsearch indexes.

- `/api/dependencies` (`{"data": [{parent, child, callCount}]}`) and the documents of the index jaeger-dependencies, as
  they stand, in a search's answer (`hits.hits[]._source`), and in the requests that Jaeger writes (`ndjson`): the
  parent DEPENDS_ON the child, with `calls`; errors are not told, so 0.
- Traces as the UI shows and downloads them (`{"data": [{spans, processes}]}`), and spans alone or in a list with their
  `process`, as in the index jaeger-span: calls as graph_api/sources/spans.py finds them. Only CHILD_OF makes a call;
  FOLLOWS_FROM waits for nobody.
- `/api/services`, `/api/v3/services` and trace summaries: services without calls. Spans in OTLP (`/api/v3/traces`) are
  read by the connector otel.

Each service is a component in the namespace `jaeger` with the identifier `service.name:NAME`. A dependency that is both
counted and in a trace is one link; the counts are added, so sync the one or the other.

Online: `/api/dependencies` for the last `hours` (default 24), and `/api/services`.

https://www.jaegertracing.io/docs/latest/architecture/apis/
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.sources.answers import answer_to
from graph_api.sources.api import Api
from graph_api.sources.calls import DEFAULT_HOURS, Calls, Service, Spot, last_hours
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, dig, listed, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import number_in, text_in
from graph_api.sources.spans import KEPT, Span, Traces

NAME = "jaeger"


def claims(document: Document) -> bool:
    value = document.value
    if isinstance(value, list):
        return _is_span(dig(value, 0))
    if not isinstance(value, dict):
        return False
    return _is_span(value) or _is_services(document) or any(_dependencies(document)) or _is_answer(document)


def _is_span(value: Any) -> bool:
    return isinstance(value, dict) and "traceID" in value and "spanID" in value


def _is_answer(document: Document) -> bool:
    """Of the UI's API: traces, or dependencies of which there may be none."""
    first = document.get("data", 0)
    is_trace = isinstance(first, dict) and "traceID" in first and "spans" in first
    return is_trace or ("total" in document.value and "limit" in document.value and "errors" in document.value)


def _is_services(document: Document) -> bool:
    names = document.get("services")
    return (set(document.value) == {"services"} and bool(texts(names))) or bool(
        text_in(document.get("summaries", 0, "traceId"))
    )


def read(documents: Sequence[Document], findings: Findings) -> None:
    calls = Calls(findings)
    spans: list[Span] = []
    for document in documents:
        for keys, rows, seen_at in _dependencies(document):
            for number, row in mappings(rows):
                calls.dependency(row, Spot(document, (*keys, number)), seen_at)
        for name, keys in _names(document):
            calls.service(Service(name), Spot(document, keys))
        spans += _read_spans(document, findings)
    Traces(spans, findings, calls).state()


def _dependencies(document: Document) -> Iterator[tuple[Keys, list[Any], str | None]]:
    """Lists of dependencies with their keys and time, wherever the document holds them."""
    if _is_dependency(document.get("data", 0)):
        yield ("data",), listed(document.get("data")), None
    holders: list[Keys] = [()]
    holders += [("ndjson", number) for number, _ in mappings(document.get("ndjson"))]
    holders += [("hits", "hits", number, "_source") for number, _ in mappings(document.get("hits", "hits"))]
    for keys in holders:
        if _is_dependency(document.get(*keys, "dependencies", 0)):
            seen_at = text_in(document.get(*keys, "timestamp"))
            yield (*keys, "dependencies"), listed(document.get(*keys, "dependencies")), seen_at


def _is_dependency(value: Any) -> bool:
    return isinstance(value, dict) and "parent" in value and "child" in value


def _names(document: Document) -> Iterator[tuple[str, Keys]]:
    for key in ("services", "data"):
        for number, name in enumerate(listed(document.get(key))):
            if text_in(name):
                yield name.strip(), (key, number)
    for place, summary in mappings(document.get("summaries")):
        for number, row in mappings(summary.get("services")):
            if name := text_in(row.get("name")):
                yield name, ("summaries", place, "services", number)


def _read_spans(document: Document, findings: Findings) -> Iterator[Span]:
    nobodys = 0
    for keys, row, processes in _span_rows(document):
        span = _span(row, processes, Spot(document, keys))
        if span:
            yield span
        else:
            nobodys += 1
    if nobodys:
        message = f"spans without traceID, spanID or the serviceName of their process: {nobodys}; they are left out"
        findings.problem(message, document.at())


def _span_rows(document: Document) -> Iterator[tuple[Keys, dict[str, Any], dict[str, Any]]]:
    if _is_span(document.value):
        yield (), document.value, {}
    for number, row in mappings(document.value):
        yield (number,), row, {}
    for number, hit in mappings(document.get("hits", "hits")):
        if _is_span(hit.get("_source")):
            yield ("hits", "hits", number, "_source"), hit["_source"], {}
    for place, trace in mappings(document.get("data")):
        for number, row in mappings(trace.get("spans")):
            yield ("data", place, "spans", number), row, mapping(trace.get("processes"))


def _span(row: dict[str, Any], processes: Mapping[str, Any], spot: Spot) -> Span | None:
    process = row.get("process") or dig(processes, str(row.get("processID")))
    trace, id_, name = (
        text_in(value) for value in (row.get("traceID"), row.get("spanID"), dig(process, "serviceName"))
    )
    if not (trace and id_ and name):
        return None
    tags, own = _tags(row), _tags(mapping(process))
    start, duration = number_in(row.get("startTime")), number_in(row.get("duration"))
    return Span(
        trace=trace,
        id=id_,
        parent=_parent(row),
        service=Service(name),
        spot=spot,
        kind=tags.get("span.kind", ""),
        error=tags.get("error") == "true" or tags.get("otel.status_code") == "ERROR",
        ended=start and (start + (duration or 0)) / 1e6,
        environment=own.get("deployment.environment.name") or own.get("deployment.environment"),
        attributes={key: text for key, text in tags.items() if key in KEPT},
    )


def _parent(row: Mapping[str, Any]) -> str | None:
    for _, reference in mappings(row.get("references")):
        if reference.get("refType") == "CHILD_OF":
            return text_in(reference.get("spanID"))
    return text_in(row.get("parentSpanID"))


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    """Tags as a list, or as the object that Elasticsearch may hold, with `@` for the dots in keys."""
    found = {key.replace("@", "."): value for key, value in mapping(row.get("tag")).items() if isinstance(key, str)}
    found |= {tag["key"]: tag.get("value") for _, tag in mappings(row.get("tags")) if isinstance(tag.get("key"), str)}
    return {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in found.items()
        if isinstance(value, bool | str)
    }


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    yield await answer_to(api, "/api/dependencies", last_hours(options))
    yield await answer_to(api, "/api/services")


CONNECTOR = Connector(
    name=NAME,
    description="Calls between services that Jaeger has seen",
    input="Answers of /api/dependencies and /api/services, traces of the UI, documents of its Elasticsearch indexes",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url=None,
        token_variable="JAEGER_TOKEN",
        fetch=fetch,
        options={"hours": f"How far back dependencies are asked for, in hours; default {DEFAULT_HOURS}"},
    ),
)
