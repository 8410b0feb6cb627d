"""Service graph metrics: what the OpenTelemetry collector's connector servicegraph, Grafana Tempo and Alloy count.

Read are `traces_service_graph_request_total` and `traces_service_graph_request_failed_total` in Prometheus' text format
(files `*.prom`, `*.metrics`, `*.openmetrics`, `metrics.txt`) and answers of Prometheus' `/api/v1/query` and
`/api/v1/query_range` whose series have the labels `client` and `server`. In an answer without the metric's name, the
file's name or URL tells failures (`failed`); of a range, the last sample counts.

- `client` and `server` are components of type service, in the namespace `servicegraph-` and the label
  `client_service_namespace` or `server_service_namespace`; the client DEPENDS_ON the server with `calls` and `errors`.
- `connection_type="database"`: the server is a database. `"virtual_node"`: one end sent no spans; a server is something
  external, a client (`virtual_node="client"`, or the name `user`) stands for people and is left out.
  `"messaging_system"`: the server receives what the client sends, so the server depends on the client.
- Answers with a label `service_name` and no client and server (span metrics, as Jaeger asks for) tell services.

Online: the increase in the last `hours` (default 24), from Prometheus or what speaks its API (Mimir, Thanos).

https://grafana.com/docs/tempo/latest/metrics-from-traces/service_graphs/
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.answers import answer_to
from graph_api.sources.api import Api, ApiError
from graph_api.sources.calls import DEFAULT_HOURS, Calls, Service, Spot
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, listed, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import scoped
from graph_api.sources.scalars import count_in, iso_time, number_in, text_in

NAME = "servicegraph"
METRIC = "traces_service_graph_request"

_SAMPLE = re.compile(r'(?P<name>\w+)\{(?P<labels>(?:[^"}]|"(?:[^"\\]|\\.)*")*)\}\s+(?P<value>\S+)(?:\s+(?P<time>\S+))?')
_LABEL = re.compile(r'\b(\w++)\s*+=\s*+"((?:[^"\\]|\\.)*+)"')
_ESCAPED = re.compile(r"\\(.)")
_BY = "client, server, connection_type, client_service_namespace, server_service_namespace"
_QUERY = 'label_replace(sum by ({by}) (increase({metric}_{what}[{hours}h])), "measure", "{what}", "", "")'


@dataclass(frozen=True, slots=True)
class _Sample:
    labels: Mapping[str, str]
    count: int
    failed: bool
    seen_at: str | None
    spot: Spot


def claims(document: Document) -> bool:
    if document.value is None:
        return f"{METRIC}_total{{" in document.text
    if document.get("data", "resultType") not in ("vector", "matrix"):
        return False
    labels = mapping(document.get("data", "result", 0, "metric"))
    return document.get("data", "result") == [] or {"client", "server"} <= labels.keys() or "service_name" in labels


def read(documents: Sequence[Document], findings: Findings) -> None:
    calls = Calls(findings)
    for document in documents:
        for number, text in enumerate(listed(document.get("warnings"))):
            if text_in(text):
                findings.problem(f"Prometheus warns: {text}", document.at("warnings", number))
        for sample in _text_samples(document) if document.value is None else _answered_samples(document):
            _read_sample(sample, calls)
    calls.state()


def _text_samples(document: Document) -> Iterator[_Sample]:
    for number, line in enumerate(document.text.split("\n"), start=1):
        match = _SAMPLE.match(line) if line.startswith(METRIC) else None
        if match and match["name"] in (f"{METRIC}_total", f"{METRIC}_failed_total"):
            labels = {key: _ESCAPED.sub(r"\1", value) for key, value in _LABEL.findall(match["labels"])}
            when = number_in(match["time"])
            # OpenMetrics has seconds with a fraction, Prometheus' own text milliseconds.
            seconds = when and (when if "." in match["time"] else when / 1000)
            spot = Spot(Document(document.path, line=number))
            yield _Sample(labels, count_in(match["value"]), "failed" in match["name"], iso_time(seconds), spot)


def _answered_samples(document: Document) -> Iterator[_Sample]:
    for number, series in mappings(document.get("data", "result")):
        labels = {key: text for key, value in mapping(series.get("metric")).items() if (text := text_in(value))}
        values = series.get("values")
        sample = values[-1] if isinstance(values, list) and values else series.get("value")
        when, value = (*sample, None, None)[:2] if isinstance(sample, list) else (None, None)
        told = labels.get("measure") or labels.get("__name__") or document.name
        spot = Spot(document, ("data", "result", number))
        yield _Sample(labels, count_in(value), "failed" in told, iso_time(number_in(when)), spot)


def _read_sample(sample: _Sample, calls: Calls) -> None:
    labels, spot = sample.labels, sample.spot
    if not labels.get("client") or not labels.get("server"):
        if name := labels.get("service_name"):
            calls.service(Service(name, labels.get("service_namespace", "")), spot)
        return
    server = _server(labels, calls, spot)
    if _has_virtual_client(labels):
        return
    client = calls.service(_service(labels, "client"), spot)
    through_queue = labels.get("connection_type") == "messaging_system"
    calls.link(
        *((server, client) if through_queue else (client, server)),
        spot,
        calls=0 if sample.failed else sample.count,
        errors=sample.count if sample.failed else 0,
        observed_at=sample.seen_at,
        properties={"via": "messaging"} if through_queue else None,
    )


def _service(labels: Mapping[str, str], end: str) -> Service:
    return Service(labels[end], labels.get(f"{end}_service_namespace", ""))


def _has_virtual_client(labels: Mapping[str, str]) -> bool:
    return labels.get("connection_type") == "virtual_node" and (
        labels.get("virtual_node") == "client" or labels["client"] == "user"
    )


def _server(labels: Mapping[str, str], calls: Calls, spot: Spot) -> Ref:
    name, type_ = labels["server"], labels.get("connection_type")
    if type_ == "database":
        return calls.resource("database", name, spot, [])
    if type_ == "virtual_node" and not _has_virtual_client(labels):
        return calls.resource("external", name, spot, [scoped("service.name", name)])
    return calls.service(_service(labels, "server"), spot)


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    hours = options.get("hours", str(DEFAULT_HOURS))
    if not hours.isdecimal() or not int(hours):
        raise ApiError("the option hours is no positive whole number")
    asked = [_QUERY.format(by=_BY, metric=METRIC, what=what, hours=hours) for what in ("total", "failed_total")]
    yield await answer_to(api, "/api/v1/query", {"query": " or ".join(asked)})


CONNECTOR = Connector(
    name=NAME,
    description="Calls between services that a service graph of traces counts",
    input="Metrics traces_service_graph_request_total: Prometheus' text format, answers of /api/v1/query",
    claims=claims,
    read=read,
    files=("*.prom", "*.metrics", "*.openmetrics", "metrics.txt"),
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url=None,
        token_variable="PROMETHEUS_TOKEN",
        fetch=fetch,
        options={"hours": f"How far back calls are asked for, in whole hours; default {DEFAULT_HOURS}"},
    ),
)
