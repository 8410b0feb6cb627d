"""Grype's reports (JSON).

| Grype                                  | catalog                                                              |
|----------------------------------------|----------------------------------------------------------------------|
| source of type `image`                 | `resource:image/...`, whatever its tag; tags and digests identify it |
| source of any other type               | a Component of the connector, by its target                          |
| artifact of a match                    | Package; the source CONTAINS it                                      |
| vulnerability with its related ones    | one Vulnerability; the package is AFFECTED_BY it                     |
| ignored matches                        | counted as `suppressed`                                              |

A GitHub advisory and the CVE that it is related to are one vulnerability, called by the CVE. An advisory that is
related to several CVEs is none of them; the package is affected by it and by each of them. Matches are counted as Grype
does; one package and vulnerability that match in several places are one link. A target without a name (`.`) is told
apart by the report's own path.

https://github.com/anchore/grype
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
from graph_api.sources.weaknesses import Tally, Weaknesses, newest_score, same, severity_of

NAME = "grype"
_STATUS = {"fixed": "fixed", "not-fixed": "affected", "wont-fix": "will_not_fix"}


def claims(document: Document) -> bool:
    value = document.value
    return isinstance(value, dict) and "matches" in value and ("descriptor" in value or "source" in value)


def read(documents: Sequence[Document], findings: Findings) -> None:
    weaknesses, tally = Weaknesses(findings), Tally()
    for document in documents:
        if not isinstance(document.get("matches"), list):
            findings.refuse(document, "`matches` is no list; reports of `grype -o json` have one")
            continue
        scanned = _scanned(document, findings)
        rows, ignored = mappings(document.get("matches")), mappings(document.get("ignoredMatches"))
        tally.add(scanned, document.at(), vulnerabilities=_severities(rows), suppressed=_severities(ignored))
        for place, row in rows:
            _read_match(row, scanned, document.at("matches", place), findings, weaknesses)
    weaknesses.finish()
    tally.finish(findings)


def _severities(rows: list[tuple[int, dict[str, Any]]]) -> list[str]:
    return [severity_of(dig(row, "vulnerability", "severity")) for _, row in rows]


def _scanned(document: Document, findings: Findings) -> Ref:
    source, at = mapping(document.get("source")), document.at("source")
    target, type_ = source.get("target"), source.get("type")
    if isinstance(target, dict):
        names = texts([target.get("userInput"), *texts(target.get("tags")), *texts(target.get("repoDigests"))])
        named = [name for name in names if name and not name.startswith("sha256:")]
        if named:
            return image(findings, at, named, [target.get("manifestDigest")])
    name = target if isinstance(target, str) and any(map(str.isalnum, target)) else document.path
    return findings.entity(ref_of("component", NAME, name), at, name=name, type=str(type_ or "artifact"))


def _read_match(row: dict[str, Any], scanned: Ref, at: Place, findings: Findings, weaknesses: Weaknesses) -> None:
    found, artifact = mapping(row.get("vulnerability")), mapping(row.get("artifact"))
    id_, name = found.get("id"), artifact.get("name")
    if not isinstance(id_, str) or not id_ or not isinstance(name, str) or not name:
        findings.problem("a match without the id of its vulnerability or the name of its artifact", at)
        return
    severity = severity_of(found.get("severity"))
    related = {
        name: other for _, other in mappings(row.get("relatedVulnerabilities")) for name in texts([other.get("id")])
    }
    aliases = same(id_, related)
    vulnerability = _vulnerability(
        [found, *(related[name] for name in aliases if name in related)], aliases, at, weaknesses
    )
    affected = _package(name, artifact, at, findings)
    findings.link(scanned, "CONTAINS", affected, at)
    weaknesses.affect(
        affected,
        vulnerability,
        at,
        severity=severity,
        fixed=", ".join(texts(dig(found, "fix", "versions"))),
        status=_STATUS.get(str(dig(found, "fix", "state"))),
    )
    for other in sorted(related.keys() - aliases):
        weaknesses.affect(affected, weaknesses.state([other], at), at)


def _package(name: str, artifact: dict[str, Any], at: Place, findings: Findings) -> Ref:
    return package(
        findings,
        at,
        name=name,
        version=str(artifact.get("version") or ""),
        purl=artifact.get("purl"),
        ecosystem=str(artifact.get("type") or ""),
        scope=NAME,
    )


def _vulnerability(known: list[dict[str, Any]], aliases: list[str], at: Place, weaknesses: Weaknesses) -> Ref:
    """The match's own vulnerability is the first of those known by the aliases."""
    found = known[0]
    scores = [score for row in known for _, score in mappings(row.get("cvss"))]
    probability = number_in(dig(found, "epss", 0, "epss"))
    return weaknesses.state(
        aliases,
        at,
        severity=severity_of(found.get("severity")),
        score=newest_score((row.get("version"), dig(row, "metrics", "baseScore")) for row in scores),
        description=next((row["description"] for row in known if isinstance(row.get("description"), str)), None),
        url=found.get("dataSource"),
        labels={"knownExploited": True} if found.get("knownExploited") else {},
        spec={} if probability is None else {"epss": probability},
    )


CONNECTOR = Connector(
    name=NAME,
    description="Vulnerabilities that Grype matched in images, directories and bills of materials",
    input="Reports of `grype ... -o json`",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
)
