"""Results of osv-scanner, and records of the OSV schema.

| OSV                                     | catalog                                                                   |
|-----------------------------------------|---------------------------------------------------------------------------|
| osv-scanner: source of type `docker`    | the image                                                                 |
| osv-scanner: any other source           | a Component of the connector, by its path                                 |
| osv-scanner: package of a source        | Package by ecosystem, name and version; the source CONTAINS it            |
| osv-scanner: a group of vulnerabilities | one Vulnerability with all aliases; the package is AFFECTED_BY it         |
| record with its `aliases`               | Vulnerability; what it affects is named, not linked: no version is known  |

Severity is that of the group's CVSS score, else what the database says; scores are not computed from vectors.
`upstream` of one CVE (as of a distribution's record) counts as an alias, `related` does not. Withdrawn records say
nothing. Counts are of groups, as in osv-scanner's own summary; a group may have several records.

https://google.github.io/osv-scanner/output/
https://ossf.github.io/osv-schema/
"""

from collections.abc import Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.packages import image, package
from graph_api.sources.scalars import number_in
from graph_api.sources.weaknesses import Tally, Weaknesses, same, severity_of

NAME = "osv"

Record = dict[str, Any]
_MARKS = ("affected", "aliases", "schema_version", "withdrawn")


def claims(document: Document) -> bool:
    return _is_record(document.value) or isinstance(document.get("results", 0, "packages"), list)


def _is_record(value: Any) -> bool:
    return isinstance(dig(value, "id"), str) and "modified" in value and any(mark in value for mark in _MARKS)


def read(documents: Sequence[Document], findings: Findings) -> None:
    weaknesses, tally = Weaknesses(findings), Tally()
    for document in documents:
        if _is_record(document.value):
            _read_record(document, weaknesses)
        for place, result in mappings(document.get("results")):
            _read_source(document, place, result, findings, weaknesses, tally)
    weaknesses.finish()
    tally.finish(findings)


def _read_record(document: Document, weaknesses: Weaknesses) -> None:
    record = mapping(document.value)
    if record.get("withdrawn") or not record["id"]:
        return
    packages = [mapping(affected.get("package")) for _, affected in mappings(record.get("affected"))]
    names = [f"{row.get('ecosystem')}:{row.get('name')}" for row in packages if row.get("name")]
    _state([record], [], document.at(), weaknesses, {"affects": sorted(set(names))} if names else {})


def _read_source(
    document: Document, place: int, result: Record, findings: Findings, weaknesses: Weaknesses, tally: Tally
) -> None:
    at = document.at("results", place, "source")
    scanned = _scanned(document, result, at, findings)
    for number_, row in mappings(result.get("packages")):
        here = document.at("results", place, "packages", number_)
        severities = _read_package(row, scanned, here, findings, weaknesses)
        tally.add(scanned, at, vulnerabilities=severities)


def _scanned(document: Document, result: Record, at: Place, findings: Findings) -> Ref:
    path, type_ = dig(result, "source", "path"), dig(result, "source", "type")
    name = path if isinstance(path, str) and path else document.path
    if type_ == "docker":
        return image(findings, at, [name])
    return findings.entity(ref_of("component", NAME, name), at, name=name, type=str(type_ or "artifact"))


def _read_package(row: Record, scanned: Ref, at: Place, findings: Findings, weaknesses: Weaknesses) -> list[str]:
    """The severities of what affects a package."""
    name, version = dig(row, "package", "name"), str(dig(row, "package", "version") or "")
    if not isinstance(name, str) or not name:
        findings.problem("a package without a name", at)
        return []
    affected = package(
        findings,
        at,
        name=name,
        version=version,
        ecosystem=str(dig(row, "package", "ecosystem") or ""),
        scope=NAME,
    )
    findings.link(scanned, "CONTAINS", affected, at)
    severities = []
    for records, group in _groups(row):
        vulnerability, severity = _state(records, [group], at, weaknesses, {})
        fixed = sorted({version for record in records for version in _fixed(record, name)})
        weaknesses.affect(affected, vulnerability, at, severity=severity, fixed=", ".join(fixed))
        severities.append(severity)
    return severities


def _groups(row: Record) -> list[tuple[list[Record], Record]]:
    """The records of a package that are of one vulnerability each, with what osv-scanner says of the group."""
    records = {row["id"]: row for _, row in mappings(row.get("vulnerabilities")) if isinstance(row.get("id"), str)}
    found = []
    for _, group in mappings(row.get("groups")):
        members = [records.pop(id_) for id_ in texts(group.get("ids")) if id_ in records]
        if members:
            found.append((members, group))
    return [*found, *(([record], {}) for record in records.values())]


def _state(
    records: list[Record], groups: list[Record], at: Place, weaknesses: Weaknesses, spec: Record
) -> tuple[Ref, str]:
    """The vulnerability that all the records are of, and its severity."""
    first = records[0]
    names = [name for row in records for name in (row["id"], *texts(row.get("aliases")), *texts(row.get("upstream")))]
    names += [name for group in groups for name in texts(group.get("aliases"))]
    score = next((found for group in groups if (found := number_in(group.get("max_severity"))) is not None), None)
    words = (dig(row, "database_specific", "severity") for row in records)
    severity = severity_of(next((word for word in words if word), None) if score is None else None, score)
    vectors = sorted(
        {str(row["score"]) for record in records for _, row in mappings(record.get("severity")) if row.get("score")}
    )
    vulnerability = weaknesses.state(
        same(first["id"], names),
        at,
        severity=severity,
        score=score,
        title=first.get("summary"),
        url=f"https://osv.dev/vulnerability/{first['id']}",
        spec=spec | ({"vectors": vectors} if vectors else {}),
    )
    return vulnerability, severity


def _fixed(record: Record, name: str) -> list[str]:
    return [
        str(event["fixed"])
        for _, affected in mappings(record.get("affected"))
        if dig(affected, "package", "name") == name
        for _, range_ in mappings(affected.get("ranges"))
        for _, event in mappings(range_.get("events"))
        if event.get("fixed") and range_.get("type") != "GIT"
    ]


CONNECTOR = Connector(
    name=NAME,
    description="Vulnerabilities that osv-scanner found, and records of OSV databases",
    input="Results of `osv-scanner ... --format json`, and single records of the OSV schema as JSON or YAML",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
)
