"""Trivy's reports, of the command line (JSON, schema version 2) and of the Trivy operator in Kubernetes.

| Trivy                                        | catalog                                                              |
|----------------------------------------------|----------------------------------------------------------------------|
| artifact `container_image`                   | `resource:image/...`, whatever its tag; tags and digests identify it |
| artifact `repository` with a URL             | the Repository                                                       |
| any other artifact (path, disk, SBOM)        | a Component of the connector, by its name                            |
| a vulnerable package                         | Package; the artifact CONTAINS it                                    |
| a vulnerability                              | Vulnerability; the package is AFFECTED_BY it                         |
| misconfigurations that failed, secrets       | counted by severity on the artifact, never copied                    |
| findings that a policy or VEX took out       | counted as `suppressed`                                              |
| operator: workload of a report               | a Component of the connector that RUNS_IMAGE, `kubernetes:NS/NAME`   |

Counts on the artifact are over all reports on it and count a finding in two targets twice, as Trivy's own tables do;
as links, a package of one version and its vulnerability are there once. A package is known by its package URL without
qualifiers. The image of an archive is what its metadata say (`Reference`, `RepoTags`). Severity is the one that Trivy
chose, on the link; on the vulnerability, the worst of all its findings. CVSS scores are read, never computed. A
ReplicaSet's report is on the Deployment whose name it bears.

https://trivy.dev/docs/latest/configuration/reporting/
https://aquasecurity.github.io/trivy-operator/latest/docs/crds/
"""

from collections.abc import Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources import trivy_operator
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, repository_ref
from graph_api.sources.packages import image, is_archive, package
from graph_api.sources.scalars import number_in
from graph_api.sources.weaknesses import Tally, Weaknesses, known_name, same, severity_of

NAME = "trivy"
VERSION = 2


def claims(document: Document) -> bool:
    value = document.value
    if not isinstance(value, dict):
        return False
    return trivy_operator.claims(value) or (
        "SchemaVersion" in value and ("ArtifactName" in value or "Results" in value) and "bomFormat" not in value
    )


def read(documents: Sequence[Document], findings: Findings) -> None:
    weaknesses, tally = Weaknesses(findings), Tally()
    for document in documents:
        if trivy_operator.claims(document.value):
            trivy_operator.read_reports(document, findings, weaknesses, tally)
        elif document.get("SchemaVersion") != VERSION:
            findings.refuse(document, f"schema version {document.get('SchemaVersion')!r}; {VERSION} is read")
        else:
            _read_report(document, findings, weaknesses, tally)
    weaknesses.finish()
    tally.finish(findings)


def _read_report(document: Document, findings: Findings, weaknesses: Weaknesses, tally: Tally) -> None:
    artifact = _artifact(document, findings)
    for number_, result in mappings(document.get("Results")):
        at = document.at("Results", number_)
        found = [row for _, row in mappings(result.get("Vulnerabilities"))]
        failed = [row for _, row in mappings(result.get("Misconfigurations")) if row.get("Status", "FAIL") == "FAIL"]
        modified = [mapping(row.get("Finding")) for _, row in mappings(result.get("ExperimentalModifiedFindings"))]
        tally.add(
            artifact,
            at,
            vulnerabilities=_severities(found),
            misconfigurations=_severities(failed),
            secrets=_severities([row for _, row in mappings(result.get("Secrets"))]),
            suppressed=_severities(modified),
        )
        for place, row in mappings(result.get("Vulnerabilities")):
            at = document.at("Results", number_, "Vulnerabilities", place)
            _read_vulnerability(row, str(result.get("Type") or ""), artifact, at, findings, weaknesses)


def _severities(rows: list[dict[str, Any]]) -> list[str]:
    return [severity_of(row.get("Severity")) for row in rows]


def _artifact(document: Document, findings: Findings) -> Ref:
    name, kind = str(document.get("ArtifactName") or document.path), document.get("ArtifactType")
    at = document.at("ArtifactName")
    if kind == "container_image" and (names := _image_names(name, mapping(document.get("Metadata")))):
        return image(findings, at, names)
    url = dig(document.get("Metadata"), "RepoURL")
    repository = repository_ref(url if isinstance(url, str) and url else name) if kind == "repository" else None
    if repository:
        return findings.entity(repository, at, identifiers=[name])
    return findings.entity(ref_of("component", NAME, name), at, name=name, type=str(kind or "artifact"))


def _image_names(name: str, metadata: dict[str, Any]) -> list[str]:
    """What the image is called, first the name that counts; none for an archive that does not say."""
    told = [*texts([metadata.get("Reference")]), *texts(metadata.get("RepoTags")), *texts(metadata.get("RepoDigests"))]
    return list(dict.fromkeys(told if is_archive(name) else [name, *told]))


def _read_vulnerability(
    row: dict[str, Any], type_: str, artifact: Ref, at: Place, findings: Findings, weaknesses: Weaknesses
) -> None:
    id_ = row.get("VulnerabilityID")
    if not isinstance(id_, str) or not id_:
        findings.problem("a vulnerability without VulnerabilityID", at)
        return
    severity = severity_of(row.get("Severity"))
    vulnerability = weaknesses.state(
        same(id_, filter(known_name, texts(row.get("VendorIDs")))),
        at,
        severity=severity,
        score=_score(mapping(row.get("CVSS"))),
        title=row.get("Title"),
        url=row.get("PrimaryURL"),
    )
    affected = _package(row, type_, at, findings)
    findings.link(artifact, "CONTAINS", affected, at)
    weaknesses.affect(
        affected,
        vulnerability,
        at,
        severity=severity,
        status=str(row.get("Status") or ""),
        fixed=str(row.get("FixedVersion") or ""),
    )


def _package(row: dict[str, Any], type_: str, at: Place, findings: Findings) -> Ref:
    name = row.get("PkgName")
    return package(
        findings,
        at,
        name=name if isinstance(name, str) and name else "unknown",
        version=str(row.get("InstalledVersion") or ""),
        purl=dig(row.get("PkgIdentifier"), "PURL"),
        ecosystem=type_,
        scope=NAME,
    )


def _score(scores: dict[str, Any]) -> float | None:
    """The national database's score, else the highest; of the newest version of CVSS."""
    for vendors in ([mapping(scores.get("nvd"))], [mapping(row) for row in scores.values()]):
        for key in ("V40Score", "V3Score", "V2Score"):
            found = [value for row in vendors if (value := number_in(row.get(key))) is not None]
            if found:
                return max(found)
    return None


CONNECTOR = Connector(
    name=NAME,
    description="Vulnerabilities that Trivy found in images, repositories, file systems and Kubernetes workloads",
    input="Reports of `trivy ... --format json`, schema version 2; VulnerabilityReport, ConfigAuditReport and "
    "ExposedSecretReport of the Trivy operator, one by one or as lists of `kubectl get -o json|yaml`",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
)
