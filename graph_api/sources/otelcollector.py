"""Configurations of the OpenTelemetry collector (and of Jaeger 2, which is one): where telemetry comes from and goes.

- Each file is a component of type collector, named by its path, because a configuration has no name; files that are
  merged when a collector starts stay apart, as the start command says which. `spec` counts receivers, processors,
  exporters and connectors and lists the pipelines. `service.telemetry.resource` may give it a `service.name:NAME`.
- An exporter with an endpoint makes the collector DEPEND_ON a resource of type telemetry-backend, and a receiver that
  fetches from somewhere makes it READ_FROM a resource, softly; both by their host (`host:NAME`, and `kubernetes:...`
  within a cluster). Endpoints out of the environment (`${env:...}`) and those that others send to name nobody.
- Headers, passwords and everything else of the parts are not read.

https://opentelemetry.io/docs/collector/configuration/
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import Criticality
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import host_names, ref_of, scoped
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import host_in, text_in

NAME = "otelcollector"

_PARTS = ("receivers", "processors", "exporters", "connectors")
_LISTENING = frozenset(
    {"otlp", "jaeger", "zipkin", "opencensus", "syslog", "statsd", "tcplog", "udplog", "fluentforward"}
)


def claims(document: Document) -> bool:
    return isinstance(document.get("service", "pipelines"), dict) and any(
        isinstance(document.get(part), dict) for part in _PARTS
    )


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        ref = _state_collector(document, findings)
        for keys, part in _parts(document, "exporters"):
            for host in _hosts(part):
                target = _state_host(host, "telemetry-backend", document, keys, findings)
                findings.link(ref, "DEPENDS_ON", target, document.at(*keys))
        for keys, part in _parts(document, "receivers"):
            for host in _fetched_from(str(keys[-1]).partition("/")[0], part):
                target = _state_host(host, "telemetry-source", document, keys, findings)
                findings.link(ref, "READS_FROM", target, document.at(*keys), criticality=Criticality.SOFT)


def _state_collector(document: Document, findings: Findings) -> Ref:
    service = text_in(mapping(document.get("service", "telemetry", "resource")).get("service.name"))
    counts = {part: len(mapping(document.get(part))) for part in _PARTS}
    pipelines = sorted(str(name) for name in mapping(document.get("service", "pipelines")))
    return findings.entity(
        ref_of("component", NAME, document.path),
        document.at("service"),
        name=document.name,
        type="collector",
        identifiers=[scoped("service.name", service)] if service else [],
        spec={**counts, "pipelines": pipelines},
    )


def _parts(document: Document, kind: str) -> Iterator[tuple[Keys, dict[str, Any]]]:
    for name, part in mapping(document.get(kind)).items():
        if isinstance(name, str):
            yield (kind, name), mapping(part)


def _hosts(part: Mapping[str, Any]) -> list[str]:
    """Of the fields that parts have for where they send to or fetch from."""
    http = mapping(part.get("http"))
    addresses = [part.get("endpoint"), http.get("endpoint"), *texts(part.get("endpoints")), *texts(part.get("brokers"))]
    addresses += [target.get("endpoint") for _, target in mappings(part.get("targets"))]
    found = (host_in(address) for address in addresses if "$" not in (text_in(address) or "$"))
    return list(dict.fromkeys(host for host in found if host))


def _fetched_from(type_: str, part: Mapping[str, Any]) -> list[str]:
    if type_ in _LISTENING:
        return []
    jobs = mappings(dig(part, "config", "scrape_configs"))
    scraped = [texts(group.get("targets")) for _, job in jobs for _, group in mappings(job.get("static_configs"))]
    found = (host_in(address) for targets in scraped for address in targets if "$" not in address)
    return list(dict.fromkeys([*_hosts(part), *(host for host in found if host)]))


def _state_host(host: str, type_: str, document: Document, keys: Keys, findings: Findings) -> Ref:
    at = document.at(*keys)
    return findings.mention(ref_of("resource", NAME, host), at, name=host, type=type_, identifiers=host_names(host))


CONNECTOR = Connector(
    name=NAME,
    description="Where OpenTelemetry collectors fetch telemetry and send it to",
    input="Configurations of the collector, and of Jaeger 2: YAML with `service.pipelines`",
    claims=claims,
    read=read,
)
