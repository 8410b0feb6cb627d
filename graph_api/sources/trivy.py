"""Trivy reports (JSON, schema version 2): artifact -> packages -> vulnerabilities.

An image is `resource:image/...`, a repository its own Repository, a file system a component of the connector's. Each
vulnerable package is contained in the artifact and affected by the vulnerability; several reports of one artifact are
told apart by their documents. Misconfigurations and secrets are counted, never copied: a secret's text is no fact for
a catalog.

https://trivy.dev/docs/latest/configuration/reporting/
"""

from collections.abc import Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, listed, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import image_name, image_ref, package_ref, ref_of, repository_ref, vulnerability_ref

NAME = "trivy"
VERSION = 2


def claims(document: Document) -> bool:
    value = document.value
    return isinstance(value, dict) and "SchemaVersion" in value and ("ArtifactName" in value or "Results" in value)


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        if document.get("SchemaVersion") != VERSION:
            findings.refuse(document, f"schema version {document.get('SchemaVersion')!r}; {VERSION} is read")
            continue
        _read_report(document, findings)


def _read_report(document: Document, findings: Findings) -> None:
    artifact = _artifact(document, findings)
    for number, result in mappings(document.get("Results")):
        for place, row in mappings(result.get("Vulnerabilities")):
            at = document.at("Results", number, "Vulnerabilities", place)
            _read_vulnerability(row, result, artifact, at, findings)


def _artifact(document: Document, findings: Findings) -> Ref:
    name, kind = str(document.get("ArtifactName") or document.path), document.get("ArtifactType")
    at = document.at("ArtifactName")
    counts = {
        "misconfigurations": _count(document, "Misconfigurations"),
        "secrets": _count(document, "Secrets"),
        "vulnerabilities": _count(document, "Vulnerabilities"),
    }
    repository = repository_ref(name) if kind == "repository" else None
    if kind == "container_image":
        names = [f"image:{image_name(name)}", *(f"image:{image_name(tag)}" for tag in _tags(document))]
        return findings.entity(image_ref(name), at, name=name, type="container-image", spec=counts, identifiers=names)
    if repository:
        return findings.entity(repository, at, spec=counts, identifiers=[name])
    return findings.entity(ref_of("component", NAME, name), at, name=name, type=str(kind or "artifact"), spec=counts)


def _tags(document: Document) -> list[str]:
    return [tag for tag in listed(document.get("Metadata", "RepoTags")) if isinstance(tag, str)]


def _count(document: Document, part: str) -> int:
    return sum(len(listed(result.get(part))) for _, result in mappings(document.get("Results")))


def _read_vulnerability(
    row: dict[str, Any], result: dict[str, Any], artifact: Ref, at: Place, findings: Findings
) -> None:
    id_ = row.get("VulnerabilityID")
    if not isinstance(id_, str) or not id_:
        findings.problem("a vulnerability without VulnerabilityID", at)
        return
    vulnerability = findings.entity(
        vulnerability_ref(id_),
        at,
        name=id_,
        type=str(row.get("Severity") or "UNKNOWN"),
        title=row.get("Title") if isinstance(row.get("Title"), str) else None,
        identifiers=[id_],
        labels={"severity": row.get("Severity") or "UNKNOWN"},
    )
    package = _package(row, result, at, findings)
    findings.link(artifact, "CONTAINS", package, at)
    fixed = {"fixedVersion": row.get("FixedVersion"), "status": row.get("Status"), "severity": row.get("Severity")}
    findings.link(
        package, "AFFECTED_BY", vulnerability, at, properties={key: value for key, value in fixed.items() if value}
    )


def _package(row: dict[str, Any], result: dict[str, Any], at: Place, findings: Findings) -> Ref:
    name, version = str(row.get("PkgName") or "unknown"), str(row.get("InstalledVersion") or "")
    purl = dig(mapping(row.get("PkgIdentifier")), "PURL")
    ref = package_ref(purl) if isinstance(purl, str) else None
    return findings.entity(
        ref or ref_of("package", str(result.get("Type") or NAME), f"{name}-{version}"),
        at,
        name=name,
        type=str(result.get("Type") or "") or None,
        spec={"version": version},
        identifiers=[purl] if ref else [],
    )


CONNECTOR = Connector(
    name=NAME,
    description="Vulnerabilities that Trivy found in images, repositories and file systems",
    input="Reports of `trivy ... --format json`, schema version 2",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
)
