"""Reports of the Trivy operator, as Kubernetes resources of `aquasecurity.github.io/v1alpha1`."""

from collections.abc import Iterator
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Document, Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.packages import image, package
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import number_in
from graph_api.sources.weaknesses import Tally, Weaknesses, severity_of

GROUP = "aquasecurity.github.io/"
NAME = "trivy"
_LABEL = "trivy-operator.resource."
_COUNTED = {"ConfigAuditReport": ("checks", "misconfigurations"), "ExposedSecretReport": ("secrets", "secrets")}
_KINDS = frozenset({"VulnerabilityReport", *_COUNTED})


def claims(value: Any) -> bool:
    """A report, or a list that starts with one."""
    return _is_report(value) or (str(dig(value, "kind")).endswith("List") and _is_report(dig(value, "items", 0)))


def _is_report(value: Any) -> bool:
    return str(dig(value, "apiVersion")).startswith(GROUP) and str(dig(value, "kind")).removesuffix("List") in _KINDS


def read_reports(document: Document, findings: Findings, weaknesses: Weaknesses, tally: Tally) -> None:
    for keys, report in _reports(document):
        at = document.at(*keys)
        workload = _workload(mapping(report.get("metadata")), at, findings)
        if report.get("kind") == "VulnerabilityReport":
            _read_image(report, workload, (document, keys), findings, weaknesses, tally)
        elif workload and str(report.get("kind")) in _COUNTED:
            rows, what = _COUNTED[str(report.get("kind"))]
            found = [row for _, row in mappings(dig(report, "report", rows)) if row.get("success") is not True]
            tally.add(workload, at, **{what: [severity_of(row.get("severity")) for row in found]})


def _reports(document: Document) -> Iterator[tuple[Keys, dict[str, Any]]]:
    items = document.get("items")
    if isinstance(items, list):
        yield from ((("items", place), item) for place, item in mappings(items) if _is_report(item))
    else:
        yield (), mapping(document.value)


def _workload(metadata: dict[str, Any], at: Place, findings: Findings) -> Ref | None:
    labels = mapping(metadata.get("labels"))
    kind, name, namespace = (labels.get(_LABEL + key) for key in ("kind", "name", "namespace"))
    if not isinstance(name, str) or not name:
        findings.problem(f"no label {_LABEL}name says which workload the report is about", at)
        return None
    if kind == "ReplicaSet" and "-" in name:
        name = name.rpartition("-")[0]
    namespace = namespace if isinstance(namespace, str) and namespace else "default"
    return findings.entity(
        ref_of("component", f"{NAME}-{namespace}", name),
        at,
        name=name,
        type="workload",
        identifiers=[scoped("kubernetes", f"{namespace}/{name}")],
    )


def _read_image(
    resource: dict[str, Any],
    workload: Ref | None,
    where: tuple[Document, Keys],
    findings: Findings,
    weaknesses: Weaknesses,
    tally: Tally,
) -> None:
    document, keys = where
    report, at = mapping(resource.get("report")), document.at(*keys)
    names = _image_names(report)
    if not names:
        findings.problem("report.artifact names no image", at)
        return
    scanned = image(findings, at, names, [dig(report, "artifact", "digest")])
    if workload:
        findings.link(workload, "RUNS_IMAGE", scanned, at)
    rows = mappings(report.get("vulnerabilities"))
    tally.add(scanned, at, vulnerabilities=[severity_of(row.get("severity")) for _, row in rows])
    for place, row in rows:
        found = document.at(*keys, "report", "vulnerabilities", place)
        _read_vulnerability(row, scanned, found, findings, weaknesses)


def _image_names(report: dict[str, Any]) -> list[str]:
    server = str(dig(report, "registry", "server") or "docker.io").replace("index.docker.io", "docker.io")
    repository, tag = dig(report, "artifact", "repository"), dig(report, "artifact", "tag")
    if not isinstance(repository, str) or not repository:
        return []
    return [f"{server}/{repository}" + (f":{tag}" if tag else "")]


def _read_vulnerability(
    row: dict[str, Any], scanned: Ref, at: Place, findings: Findings, weaknesses: Weaknesses
) -> None:
    id_, name = row.get("vulnerabilityID"), row.get("resource")
    if not isinstance(id_, str) or not id_ or not isinstance(name, str) or not name:
        findings.problem("a vulnerability without vulnerabilityID or resource", at)
        return
    severity = severity_of(row.get("severity"))
    vulnerability = weaknesses.state(
        [id_],
        at,
        severity=severity,
        score=number_in(row.get("score")),
        title=row.get("title"),
        url=row.get("primaryLink"),
    )
    affected = package(
        findings,
        at,
        name=name,
        version=str(row.get("installedVersion") or ""),
        purl=row.get("packagePURL"),
        ecosystem=str(row.get("packageType") or ""),
        scope=NAME,
    )
    findings.link(scanned, "CONTAINS", affected, at)
    weaknesses.affect(affected, vulnerability, at, severity=severity, fixed=str(row.get("fixedVersion") or ""))
