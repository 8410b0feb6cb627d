"""OpenTelemetry's registries of telemetry, as Weaver reads them: which metrics there are, and of which service.

Read are definitions of `file_format: definition/2` and manifests; the older `groups` are read for their metrics.

- Each metric is a Metric of type metric, with its unit and instrument; it DESCRIBES the service in its annotation
  `service`, which is a component with the identifier `service.name:NAME`.
- A manifest is a Document of type telemetry-schema, with its schema URL as link.
- Attributes and groups of attributes say how data looks and not whose it is; they are counted in the Document's
  `spec`, by the manifest's folder and those below.

https://github.com/open-telemetry/weaver/blob/main/docs/registry.md
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from graph_api.sources.calls import Service, service_names
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, dig, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import text_in

NAME = "weaver"
FORMAT = "definition/2"

_DEFINED = ("attributes", "attribute_groups", "metrics")


def claims(document: Document) -> bool:
    value = document.value
    if not isinstance(value, dict):
        return False
    if str(value.get("file_format")).startswith("definition/"):
        return True
    is_group = isinstance(document.get("groups", 0, "id"), str) and isinstance(document.get("groups", 0, "type"), str)
    return is_group or _is_manifest(document)


def _is_manifest(document: Document) -> bool:
    return isinstance(document.get("name"), str) and any(
        isinstance(document.get(key), str) for key in ("semconv_version", "schema_base_url")
    )


def read(documents: Sequence[Document], findings: Findings) -> None:
    counts: dict[PurePosixPath, Counter[str]] = {}
    for document in documents:
        if _is_manifest(document):
            counts[document.folder] = Counter()
    for document in documents:
        version = document.get("file_format")
        if version not in (None, FORMAT):
            findings.refuse(document, f"file_format {version!r}; {FORMAT} is read")
            continue
        _count(document, counts)
        for keys, metric in _metrics(document):
            _read_metric(document, keys, metric, findings)
    for document in documents:
        if _is_manifest(document):
            _read_manifest(document, counts[document.folder], findings)


def _count(document: Document, counts: dict[PurePosixPath, Counter[str]]) -> None:
    folder = next((folder for folder in (document.folder, *document.folder.parents) if folder in counts), None)
    if folder is not None:
        counts[folder].update({part: len(mappings(document.get(part))) for part in _DEFINED})


def _metrics(document: Document) -> Iterator[tuple[Keys, dict[str, Any]]]:
    yield from ((("metrics", number), metric) for number, metric in mappings(document.get("metrics")))
    for number, group in mappings(document.get("groups")):
        if group.get("type") == "metric":
            yield ("groups", number), {**group, "name": group.get("metric_name")}


def _read_metric(document: Document, keys: Keys, metric: dict[str, Any], findings: Findings) -> None:
    name, at = text_in(metric.get("name")), document.at(*keys)
    if name is None:
        findings.problem("a metric without name", at)
        return
    shown = {key: text for key in ("instrument", "unit", "stability") if (text := text_in(metric.get(key)))}
    ref = findings.entity(
        ref_of("metric", NAME, name),
        at,
        name=name,
        type="metric",
        description=text_in(metric.get("brief")),
        spec=shown,
    )
    if service := text_in(dig(metric, "annotations", "service")):
        place = document.at(*keys, "annotations", "service")
        target, names = ref_of("component", NAME, service), service_names(Service(service))
        findings.mention(target, place, name=service, type="service", identifiers=names)
        findings.link(ref, "DESCRIBES", target, place)


def _read_manifest(document: Document, counts: Counter[str], findings: Findings) -> None:
    name, url = text_in(document.get("name")), text_in(document.get("schema_url"))
    findings.entity(
        ref_of("document", NAME, name or document.path),
        document.at("name"),
        name=name,
        type="telemetry-schema",
        title=text_in(document.get("short_description")),
        description=text_in(document.get("description")),
        links=[{"url": url, "title": "Schema"}] if url and url.startswith(("https://", "http://")) else [],
        spec=dict(sorted(counts.items())),
    )


CONNECTOR = Connector(
    name=NAME,
    description="Metrics in OpenTelemetry registries, and the services that they are of",
    input="Weaver's registries: file_format definition/2, groups, manifests",
    claims=claims,
    read=read,
)
