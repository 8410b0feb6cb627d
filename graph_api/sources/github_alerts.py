"""GitHub's Dependabot and code scanning alerts: of an organization online, of any recorded answer as a file.

| GitHub                                     | catalog                                                                |
|--------------------------------------------|------------------------------------------------------------------------|
| open Dependabot alert                      | its Repository is AFFECTED_BY the advisory: one Vulnerability by CVE   |
|                                            | and GHSA id, with package, manifest and fixed version on the link      |
| open code scanning alerts of a rule        | as of SARIF: Vulnerability or Metric of the tool, with the number      |
| dismissed alerts                           | counted on the Repository as `suppressed`                              |
| fixed alerts                               | nothing                                                                |

Dependabot does not say which version is installed, so no Package is stated: one without a version would join
repositories that have different ones. The packages themselves come from bills of materials. Several alerts of one
repository on one advisory (in several manifests) are one link with the first manifest and the number of alerts. The
repository is read from the alert's own web address, so answers on one repository and on an organization read alike.

Online, open alerts are asked for. Where GitHub says that code scanning is not enabled there are none of it; where it
refuses them otherwise (403, 404), which may be for want of permission, that is told, and what was read of it before
stays. The Dependabot alerts are read either way. The token needs `security_events` (or read access to both kinds of
alerts); on GitHub Enterprise Server the base URL ends in `/api/v3`.

Shapes of answers checked against GitHub's OpenAPI, as of @octokit/openapi-types 29.0.1.

https://docs.github.com/en/rest/dependabot/alerts
https://docs.github.com/en/rest/code-scanning/code-scanning
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.answers import options_in, pages_of
from graph_api.sources.api import Api, ApiError
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, Unanswered, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import repository_ref
from graph_api.sources.rules import RuleFindings, state_rule
from graph_api.sources.scalars import number_in
from graph_api.sources.weaknesses import Tally, Weaknesses, newest_score, same, severity_of

NAME = "github_alerts"
CODE_SCANNING = "code-scanning"
ALERTS = ("dependabot", CODE_SCANNING)
REFUSED = (403, 404)
_NOT_ENABLED = re.compile(
    r"no analysis found|code scanning is not enabled|(?:advanced|code) security must be enabled", re.IGNORECASE
)
"""What GitHub says where there is no code scanning; else either status may be that of a token that may no longer."""

Alert = dict[str, Any]
_PAGE = {"state": "open", "per_page": 100}


def claims(document: Document) -> bool:
    first = document.get(0)
    return isinstance(first, dict) and "number" in first and (_is_dependabot(first) or _is_code_scanning(first))


def _is_dependabot(alert: Alert) -> bool:
    return "security_advisory" in alert and "dependency" in alert


def _is_code_scanning(alert: Alert) -> bool:
    return "rule" in alert and "tool" in alert


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document | Unanswered]:
    """Every page of the organization's open alerts. ApiError without an organization, or of unknown alerts."""
    organization = options.get("organization")
    wanted = options_in(options, "alerts") or ALERTS
    if not organization:
        raise ApiError("github_alerts needs the option `organization`")
    if unknown := set(wanted) - set(ALERTS):
        raise ApiError(f"no such alerts: {', '.join(sorted(unknown))}; there are {', '.join(ALERTS)}")
    for kind in wanted:
        async for answer in _alerts(api, organization, kind):
            yield answer


async def _alerts(api: Api, organization: str, kind: str) -> AsyncIterator[Document | Unanswered]:
    """What the first page answers for code scanning may be that there is none; a later page is not missing."""
    path, read = f"orgs/{organization}/{kind}/alerts", 0
    try:
        async for page in pages_of(api, path, _PAGE):
            read += 1
            yield page
    except ApiError as error:
        if read or kind != CODE_SCANNING or error.status not in REFUSED:
            raise
        if not _NOT_ENABLED.search(error.reason):
            message = f"GitHub answers {error.status}: may the token read it? What it answered last stays"
            yield Unanswered(api.url(path), message)


def read(documents: Sequence[Document], findings: Findings) -> None:
    weaknesses, tally = Weaknesses(findings), Tally()
    rules: dict[tuple[Ref, str, str], RuleFindings] = {}
    affected: dict[tuple[Ref, Ref], tuple[Place, dict[str, Any]]] = {}
    for document in documents:
        for place, alert in mappings(document.value):
            at = document.at(place)
            repository = _repository(alert, at, findings)
            if repository is None or alert.get("state") == "fixed":
                continue
            if alert.get("state") != "open":
                tally.add(repository, at, suppressed=[_severity(alert)])
            elif _is_code_scanning(alert):
                _collect(alert, repository, at, rules)
            else:
                _read_advisory(alert, repository, at, affected, findings, weaknesses)
    for (repository, _, _), finding in rules.items():
        state_rule(finding, repository, findings, weaknesses)
    for (repository, vulnerability), (at, properties) in affected.items():
        weaknesses.affect(repository, vulnerability, at, **properties)
    weaknesses.finish()
    tally.finish(findings)


def _repository(alert: Alert, at: Place, findings: Findings) -> Ref | None:
    url = alert.get("html_url")
    url = url.partition("/security/")[0] if isinstance(url, str) else ""
    ref = repository_ref(url)
    if ref is None:
        findings.problem("an alert whose `html_url` leads to no repository", at)
        return None
    return findings.entity(ref, at, identifiers=[url])


def _severity(alert: Alert) -> str:
    return severity_of(dig(alert, "security_advisory", "severity") or dig(alert, "rule", "security_severity_level"))


def _read_advisory(
    alert: Alert,
    repository: Ref,
    at: Place,
    affected: dict[tuple[Ref, Ref], tuple[Place, dict[str, Any]]],
    findings: Findings,
    weaknesses: Weaknesses,
) -> None:
    advisory = mapping(alert.get("security_advisory"))
    names = texts([advisory.get("cve_id"), advisory.get("ghsa_id")])
    names += texts([identifier.get("value") for _, identifier in mappings(advisory.get("identifiers"))])
    if not any(names):
        findings.problem("a Dependabot alert without an advisory's id", at)
        return
    probability = number_in(dig(advisory, "epss", "percentage"))
    vulnerability = weaknesses.state(
        same(next(filter(None, names)), filter(None, names)),
        at,
        severity=_severity(alert),
        score=_score(advisory),
        title=advisory.get("summary"),
        spec={} if probability is None else {"epss": probability},
    )
    _, properties = affected.setdefault((repository, vulnerability), (at, _properties(alert)))
    properties["alerts"] += 1


def _score(advisory: Alert) -> float | None:
    """GitHub writes 0 where it knows no score."""
    scores = [("4", dig(advisory, "cvss_severities", "cvss_v4", "score"))]
    scores.append(("3", dig(advisory, "cvss_severities", "cvss_v3", "score")))
    scores.append(("3", dig(advisory, "cvss", "score")))
    return newest_score((version, score) for version, score in scores if number_in(score))


def _properties(alert: Alert) -> dict[str, Any]:
    found = mapping(alert.get("security_vulnerability"))
    package = mapping(dig(alert, "dependency", "package"))
    return {
        "severity": severity_of(found.get("severity") or dig(alert, "security_advisory", "severity")),
        "fixed": _text(dig(found, "first_patched_version", "identifier")),
        "package": ":".join(texts([package.get("ecosystem"), package.get("name")])),
        "vulnerableVersions": _text(found.get("vulnerable_version_range")),
        "path": _text(dig(alert, "dependency", "manifest_path")),
        "scope": _text(dig(alert, "dependency", "scope")),
        "alerts": 0,
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _collect(alert: Alert, repository: Ref, at: Place, rules: dict[tuple[Ref, str, str], RuleFindings]) -> None:
    rule, tool = mapping(alert.get("rule")), str(dig(alert, "tool", "name") or NAME)
    id_ = str(rule.get("id") or rule.get("name") or "unnamed")
    location = mapping(dig(alert, "most_recent_instance", "location"))
    line, level = location.get("start_line"), rule.get("security_severity_level")
    finding = rules.setdefault(
        (repository, tool, id_),
        RuleFindings(
            tool=tool,
            id=id_,
            at=at,
            path=f"{location.get('path') or ''}" + (f":{line}" if isinstance(line, int) else ""),
            title=rule.get("description"),
            is_security=bool(level) or "security" in texts(rule.get("tags")),
            severity=level,
        ),
    )
    finding.add(rule.get("severity"))


CONNECTOR = Connector(
    name=NAME,
    description="GitHub's Dependabot and code scanning alerts on repositories",
    input="Answers of `/orgs/O/dependabot/alerts`, `/orgs/O/code-scanning/alerts` and of the same below `/repos/O/R`",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url="https://api.github.com",
        token_variable="GITHUB_TOKEN",
        fetch=fetch,
        options={
            "organization": "The organization whose alerts are asked for",
            "alerts": "`dependabot`, `code-scanning`, or both, the default, with a comma between",
        },
    ),
)
