"""OpenTelemetry's OTLP in JSON: services, and the calls between them that their spans tell.

Read are traces, metrics and logs (`resourceSpans`, `resourceMetrics`, `resourceLogs`) as the collector's file exporter
writes them, one JSON value or one a line, and the answers of Jaeger's `/api/v3/traces`; in JSON as it stands, because
protobuf's own reader of JSON takes the hexadecimal ids for base64. Also `instrumentationLibrarySpans`, of before 2022.

- Each `service.name` is a component of type service, in the namespace `otel-` and its `service.namespace`, with the
  identifiers `service.name:NAME`, `service.name:NAMESPACE/NAME`, `kubernetes:NAMESPACE/WORKLOAD` by its `k8s.*`
  attributes, its image (also as RUNS_IMAGE), and the ARN in `cloud.resource_id`. `spec.spans` counts distinct spans.
- `deployment.environment.name` (or `deployment.environment`) is an environment that the service is DEPLOYED_TO, and
  the environment of the calls.
- Calls are found as graph_api/sources/spans.py says, over all files of the source, with the number of `calls` and
  `errors` and the time of the last. A span whose parent is in no file makes no call; nor do links of spans.
- Spans without `service.name` are nobody's and are named as a problem.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.calls import Service, Spot, service_names, service_ref
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, dig, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import image_name, image_ref, ref_of, scoped
from graph_api.sources.scalars import number_in, text_in
from graph_api.sources.spans import KEPT, Span, Traces

NAME = "otel"

_SIGNALS = ("resourceSpans", "resourceMetrics", "resourceLogs")
_SCOPES = ("scopeSpans", "instrumentationLibrarySpans")
_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_FAILED = (2, "STATUS_CODE_ERROR")
_ENVIRONMENT = ("deployment.environment.name", "deployment.environment")
_WORKLOADS = tuple(f"k8s.{kind}.name" for kind in ("deployment", "statefulset", "daemonset", "cronjob", "job"))
_NAMES = ("service.name", "service.namespace", "k8s.namespace.name", "container.image.name", "cloud.resource_id")
_SERVICE = frozenset((*_NAMES, *_WORKLOADS, *_ENVIRONMENT, "telemetry.sdk.language"))

Attributes = frozenset[tuple[str, str]]


def claims(document: Document) -> bool:
    return any(isinstance(document.get(*keys), list) for signal in _SIGNALS for keys in ((signal,), ("result", signal)))


def read(documents: Sequence[Document], findings: Findings) -> None:
    stated: dict[Attributes, Service | None] = {}
    spans = [span for document in documents for span in _read_document(document, stated, findings)]
    Traces(spans, findings).state()


def _read_document(document: Document, stated: dict[Attributes, Service | None], findings: Findings) -> Iterator[Span]:
    """The spans; a resource is stated once, however many batches of spans it sends."""
    for keys in ((), ("result",)):
        for signal in _SIGNALS:
            for number, part in mappings(document.get(*keys, signal)):
                spot = Spot(document, (*keys, signal, number))
                attributes = _attributes(dig(part, "resource", "attributes"), _SERVICE)
                key = frozenset(attributes.items())
                if key not in stated:
                    stated[key] = _read_resource(attributes, spot, findings)
                if service := stated[key]:
                    yield from _spans(part, spot, service, _environment(attributes))


def _attributes(value: Any, kept: frozenset[str]) -> dict[str, str]:
    """Attributes that are texts; numbers and lists name nothing that is looked for."""
    found = {}
    for _, attribute in mappings(value):
        key, text = str(attribute.get("key")), text_in(dig(attribute, "value", "stringValue"))
        if key in kept and text:
            found[key] = text
    return found


def _read_resource(attributes: Mapping[str, str], spot: Spot, findings: Findings) -> Service | None:
    name = attributes.get("service.name")
    if name is None:
        message = "a resource without service.name, so nobody's: set OTEL_SERVICE_NAME where it comes from"
        findings.problem(message, spot.place())
        return None
    service = Service(name, attributes.get("service.namespace", ""))
    ref, at = service_ref(NAME, service), spot.place()
    findings.entity(
        ref,
        at,
        name=name,
        type="service",
        labels={"language": attributes.get("telemetry.sdk.language")},
        identifiers=[*service_names(service), *_foreign_names(attributes)],
    )
    if "container.image.name" in attributes:
        image = attributes["container.image.name"]
        findings.link(ref, "RUNS_IMAGE", findings.entity(image_ref(image), at, name=image, type="container-image"), at)
    _read_environment(ref, attributes, spot, findings)
    return service


def _foreign_names(attributes: Mapping[str, str]) -> Iterator[str]:
    workload = next((attributes[key] for key in _WORKLOADS if key in attributes), None)
    if workload and "k8s.namespace.name" in attributes:
        yield scoped("kubernetes", f"{attributes['k8s.namespace.name']}/{workload}")
    if "container.image.name" in attributes:
        yield scoped("image", image_name(attributes["container.image.name"]))
    if attributes.get("cloud.resource_id", "").startswith("arn:"):
        yield attributes["cloud.resource_id"]


def _environment(attributes: Mapping[str, str]) -> str | None:
    return next((attributes[key] for key in _ENVIRONMENT if key in attributes), None)


def _read_environment(ref: Ref, attributes: Mapping[str, str], spot: Spot, findings: Findings) -> None:
    name = _environment(attributes)
    if name:
        names = [scoped("deployment.environment.name", name)]
        target = findings.entity(ref_of("environment", NAME, name), spot.place(), name=name, identifiers=names)
        findings.link(ref, "DEPLOYED_TO", target, spot.place())


def _spans(part: Mapping[str, Any], spot: Spot, service: Service, environment: str | None) -> Iterator[Span]:
    for scopes in _SCOPES:
        for place, scope in mappings(part.get(scopes)):
            for number, row in mappings(scope.get("spans")):
                keys = (*spot.keys, scopes, place, "spans", number)
                if span := _span(row, service, environment, Spot(spot.document, keys)):
                    yield span


def _span(row: Mapping[str, Any], service: Service, environment: str | None, spot: Spot) -> Span | None:
    trace, id_ = text_in(row.get("traceId")), text_in(row.get("spanId"))
    if trace is None or id_ is None:
        return None
    parent = (text_in(row.get("parentSpanId")) or "").lower().lstrip("0")
    ended = number_in(row.get("endTimeUnixNano"))
    return Span(
        trace=trace.lower(),
        id=id_.lower().lstrip("0"),
        parent=parent or None,
        service=service,
        spot=spot,
        kind=_kind(row.get("kind")),
        error=dig(row, "status", "code") in _FAILED,
        ended=ended and ended / 1e9,
        environment=environment,
        attributes=_attributes(row.get("attributes"), KEPT),
    )


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return value.removeprefix("SPAN_KIND_").lower()
    return _KINDS.get(value, "") if isinstance(value, int) else ""


CONNECTOR = Connector(
    name=NAME,
    description="Services and their calls in OpenTelemetry traces",
    input="OTLP in JSON, one value or one a line: traces, metrics and logs; answers of Jaeger's /api/v3",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
)
