"""Scrape jobs of Prometheus: of its configuration, and its targets as it found them."""

from collections.abc import Iterator, Mapping
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.calls import Service
from graph_api.sources.documents import Document, Place, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import host_names, ref_of
from graph_api.sources.scalars import host_in, text_in
from graph_api.sources.series import Subject, state_subject, subject_of

NAME = "prometheus"

_GLOBAL = ("scrape_interval", "evaluation_interval", "external_labels")
_KUBERNETES = "__meta_kubernetes_"


def is_configuration(value: dict[str, Any]) -> bool:
    return isinstance(value.get("scrape_configs"), list) or any(key in mapping(value.get("global")) for key in _GLOBAL)


def read_configuration(document: Document, scraped: dict[str, list[Ref]], findings: Findings) -> None:
    """State the jobs of a `prometheus.yml`, and put what each scrapes into `scraped`."""
    for number, job in mappings(document.get("scrape_configs")):
        name, at = text_in(job.get("job_name")), document.at("scrape_configs", number)
        if name is None:
            findings.problem("a scrape job without job_name", at)
            continue
        found = [key.removesuffix("_sd_configs") for key in job if str(key).endswith("_sd_configs")]
        targets = [
            target
            for place, group in mappings(job.get("static_configs"))
            for target in _static(group, document.at("scrape_configs", number, "static_configs", place), findings)
        ]
        ref = ref_of("metric", f"{NAME}-{document.path}", name)
        _state_job(ref, name, targets, LinkOrigin.DECLARED, at, findings, sorted(found))
        scraped.setdefault(name, []).extend(targets)


def _static(group: Mapping[str, Any], at: Place, findings: Findings) -> Iterator[Ref]:
    subject = subject_of(mapping(group.get("labels")))
    for address in texts(group.get("targets")):
        target = _target(subject, address, at, findings)
        if target:
            yield target


def _target(subject: Subject | None, address: str | None, at: Place, findings: Findings) -> Ref | None:
    """By its labels, else its host."""
    if subject and subject.label != "job":
        return state_subject(subject, at, findings)
    host = host_in(address)
    if host is None:
        return None
    return findings.entity(ref_of("component", NAME, host), at, name=host, type="service", identifiers=host_names(host))


def read_targets(document: Document, scraped: dict[str, list[Ref]], findings: Findings) -> None:
    """State the jobs of an answer of `/api/v1/targets`."""
    jobs: dict[str, dict[Ref, None]] = {}
    places: dict[str, Place] = {}
    for number, row in mappings(document.get("data", "activeTargets")):
        labels, at = mapping(row.get("labels")), document.at("data", "activeTargets", number)
        job = text_in(row.get("scrapePool")) or text_in(labels.get("job"))
        if job is None:
            findings.problem("a target without scrapePool and job", at)
            continue
        places.setdefault(job, at)
        found = jobs.setdefault(job, {})
        subject = _discovered(mapping(row.get("discoveredLabels"))) or subject_of(labels)
        target = _target(subject, text_in(labels.get("instance")), at, findings)
        if target:
            found[target] = None
    for job, targets in jobs.items():
        _state_job(ref_of("metric", NAME, job), job, list(targets), LinkOrigin.OBSERVED, places[job], findings, [])
        scraped.setdefault(job, []).extend(targets)


def _discovered(labels: Mapping[str, Any]) -> Subject | None:
    """The Kubernetes service, else the workload, behind a target."""
    namespace = text_in(labels.get(f"{_KUBERNETES}namespace"))
    name = text_in(labels.get(f"{_KUBERNETES}service_name"))
    return Subject("service", Service(name), namespace) if namespace and name else None


def _state_job(
    ref: Ref, name: str, targets: list[Ref], origin: LinkOrigin, at: Place, findings: Findings, discovery: list[str]
) -> None:
    spec = {"discovery": discovery} if discovery else {}
    findings.entity(ref, at, name=name, type="scrape-job", spec=spec)
    for target in targets:
        findings.link(ref, "DESCRIBES", target, at, origin=origin)
