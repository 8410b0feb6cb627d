"""SARIF 2.1.0: the results of code scanners, linters and image scanners, a finding a rule.

| SARIF                                        | catalog                                                              |
|----------------------------------------------|----------------------------------------------------------------------|
| run with `versionControlProvenance`          | is about the Repository                                              |
| run with `imageName` or `repoTags` (Trivy)   | is about the image                                                   |
| any other run                                | is about a Component of the connector, by the file's path            |
| rule named after a CVE or GitHub advisory    | that Vulnerability; what the run is about is AFFECTED_BY it          |
| rule with `security-severity`, tag or CWE    | a Vulnerability of the tool; likewise                                |
| any other rule                               | a Metric of the tool that DESCRIBES what the run is about            |
| results of a rule                            | on that link: `findings`, the worst `level`, the first `path`        |
| `properties.purls` of a rule (Grype)         | Packages that are AFFECTED_BY it, contained in what the run is about |

Suppressed results (and those of kind `pass`, `notApplicable` or `informational`, and absent ones of a baseline) are no
findings; the suppressed are counted. The level is the result's, else the rule's, else `warning`; severity is that of
`security-severity`, else HIGH, MEDIUM and LOW for error, warning and note. Messages and snippets are not kept: they may
quote secrets.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, repository_ref, without_user
from graph_api.sources.packages import image, is_archive
from graph_api.sources.rules import LEVELS, RuleFindings, state_rule
from graph_api.sources.scalars import number_in
from graph_api.sources.weaknesses import Weaknesses

NAME = "sarif"
VERSION = "2.1.0"

_NO_FINDINGS = ("pass", "notApplicable", "informational")
_UNDECIDED = ("underReview", "rejected")

Rules = Mapping[str, dict[str, Any]]
"""What is said of rules, by their ids."""


def claims(document: Document) -> bool:
    value = document.value
    return isinstance(value, dict) and isinstance(value.get("runs"), list) and "version" in value


def read(documents: Sequence[Document], findings: Findings) -> None:
    weaknesses = Weaknesses(findings)
    for document in documents:
        if document.get("version") != VERSION:
            findings.refuse(document, f"SARIF {document.get('version')!r}; {VERSION} is read")
            continue
        for place, run in mappings(document.get("runs")):
            _read_run(document, place, run, findings, weaknesses)
    weaknesses.finish()


def _read_run(document: Document, place: int, run: dict[str, Any], findings: Findings, weaknesses: Weaknesses) -> None:
    at = document.at("runs", place)
    target = _target(document, run, at, findings)
    found: dict[str, RuleFindings] = {}
    rules = _rules(run)
    suppressed = 0
    for number_, result in mappings(run.get("results")):
        if _is_suppressed(result):
            suppressed += 1
        elif result.get("kind") not in _NO_FINDINGS and result.get("baselineState") != "absent":
            _collect(result, run, rules, document.at("runs", place, "results", number_), found, findings)
    for finding in found.values():
        state_rule(finding, target, findings, weaknesses)
    levels = Counter(level for finding in found.values() for level in finding.levels)
    spec = {"findings": {level: levels[level] for level in reversed(LEVELS) if levels[level]}, "suppressed": suppressed}
    findings.entity(target, at, spec={key: value for key, value in spec.items() if value})


def _target(document: Document, run: dict[str, Any], at: Place, findings: Findings) -> Ref:
    url = dig(run, "versionControlProvenance", 0, "repositoryUri")
    repository = repository_ref(url) if isinstance(url, str) else None
    if repository and isinstance(url, str):
        return findings.entity(repository, at, identifiers=[url])
    properties = mapping(run.get("properties"))
    names = [name for name in texts([properties.get("imageName")]) if name and not is_archive(name)]
    names += [name for key in ("repoTags", "repoDigests") for name in texts(properties.get(key))]
    if names:
        return image(findings, at, names)
    return findings.entity(ref_of("component", NAME, document.path), at, name=document.path, type="artifact")


def _is_suppressed(result: dict[str, Any]) -> bool:
    rows = [row for _, row in mappings(result.get("suppressions"))]
    return bool(rows) and all(row.get("status") not in _UNDECIDED for row in rows)


def _collect(
    result: dict[str, Any],
    run: dict[str, Any],
    rules: Rules,
    at: Place,
    found: dict[str, RuleFindings],
    findings: Findings,
) -> None:
    id_, rule = _rule(result, run, rules)
    if not id_:
        findings.problem("a result that names no rule", at)
        return
    finding = found.get(id_)
    if finding is None:
        finding = found[id_] = _finding(id_, rule, run, at, _path(result))
    finding.add(result.get("level") or dig(rule, "defaultConfiguration", "level"))


def _finding(id_: str, rule: dict[str, Any], run: dict[str, Any], at: Place, path: str) -> RuleFindings:
    return RuleFindings(
        tool=str(dig(run, "tool", "driver", "name") or NAME),
        id=id_,
        at=at,
        path=path,
        title=dig(rule, "shortDescription", "text") or dig(rule, "fullDescription", "text"),
        url=rule.get("helpUri"),
        is_security=_is_security(rule),
        score=number_in(dig(rule, "properties", "security-severity")),
        purls=texts(dig(rule, "properties", "purls")),
    )


def _rule(result: dict[str, Any], run: dict[str, Any], rules: Rules) -> tuple[str, dict[str, Any]]:
    """The id of a result's rule, and what the driver or an extension says of it."""
    extension = dig(result, "rule", "toolComponent", "index")
    tool = dig(run, "tool", "driver") if extension is None else dig(run, "tool", "extensions", extension)
    index = result.get("ruleIndex", dig(result, "rule", "index"))
    by_index = mapping(dig(tool, "rules", index)) if isinstance(index, int) and index >= 0 else {}
    id_ = result.get("ruleId") or dig(result, "rule", "id") or by_index.get("id")
    if not isinstance(id_, str):
        return "", {}
    return id_, by_index or rules.get(id_) or rules.get(id_.rpartition("/")[0] or id_, {})


def _rules(run: dict[str, Any]) -> Rules:
    """Those of the driver and of its extensions; of two with one id the first."""
    tools = (dig(run, "tool", "driver"), *(tool for _, tool in mappings(dig(run, "tool", "extensions"))))
    rules = [rule for tool in tools for _, rule in mappings(mapping(tool).get("rules"))]
    return {rule["id"]: rule for rule in reversed(rules) if isinstance(rule.get("id"), str)}


def _path(result: dict[str, Any]) -> str:
    """`src/main.py:12` of a result's first location."""
    location = dig(result, "locations", 0, "physicalLocation")
    uri, line = dig(location, "artifactLocation", "uri"), dig(location, "region", "startLine")
    if not isinstance(uri, str):
        return ""
    return without_user(uri) + (f":{line}" if isinstance(line, int) else "")


def _is_security(rule: dict[str, Any]) -> bool:
    tags = [tag.lower() for tag in texts(dig(rule, "properties", "tags"))]
    related = [
        str(dig(row, "target", "toolComponent", "name")).upper() for _, row in mappings(rule.get("relationships"))
    ]
    return (
        number_in(dig(rule, "properties", "security-severity")) is not None
        or any(tag == "security" or "cwe" in tag for tag in tags)
        or "CWE" in related
    )


CONNECTOR = Connector(
    name=NAME,
    description="Findings of code scanners, linters and image scanners, by rule",
    input="SARIF 2.1.0",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
)
