"""What scanners of code find, by rule: the same for all connectors that hear of it.

A rule named after a CVE or a GitHub advisory is that Vulnerability. Any other rule is the tool's own, as
`KIND:TOOL/RULE`: if it is about security, a Vulnerability that what was scanned is AFFECTED_BY, else a Metric that
DESCRIBES what was scanned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.packages import package_of
from graph_api.sources.weaknesses import Weaknesses, known_name, severity_of

LEVELS = ("none", "note", "warning", "error")
"""Mildest first."""

_SEVERITIES = {"error": "HIGH", "warning": "MEDIUM", "note": "LOW"}


@dataclass(slots=True, kw_only=True)
class RuleFindings:
    """All that one run found by one rule. `severity` is a tool's own word, `score` that of CVSS."""

    tool: str
    id: str
    at: Place
    path: str = ""
    title: object = None
    url: object = None
    is_security: bool = False
    severity: object = None
    score: float | None = None
    purls: Sequence[str] = ()
    levels: list[str] = field(default_factory=list)

    def add(self, level: object) -> None:
        self.levels.append(level if isinstance(level, str) and level in LEVELS else "warning")

    @property
    def level(self) -> str:
        return max(self.levels, key=LEVELS.index)


def state_rule(found: RuleFindings, target: Ref, findings: Findings, weaknesses: Weaknesses) -> None:
    """State the rule, and on its link with the target the number of findings, the worst level and the first path."""
    if known_name(found.id) or found.is_security:
        _state_vulnerability(found, target, findings, weaknesses)
        return
    metric = findings.entity(
        ref_of("metric", found.tool, found.id),
        found.at,
        name=found.id,
        type="finding",
        title=found.title if isinstance(found.title, str) else None,
    )
    told = {"findings": len(found.levels), "level": found.level, "path": found.path}
    findings.link(
        metric, "DESCRIBES", target, found.at, properties={key: value for key, value in told.items() if value}
    )


def _state_vulnerability(found: RuleFindings, target: Ref, findings: Findings, weaknesses: Weaknesses) -> None:
    known, at = known_name(found.id), found.at
    by_level = _SEVERITIES.get(found.level) if found.score is None else None
    severity = severity_of(found.severity or by_level, found.score)
    vulnerability = weaknesses.state(
        [known or found.id],
        at,
        ref=None if known else ref_of("vulnerability", found.tool, found.id),
        severity=severity,
        score=found.score,
        title=found.title,
        url=found.url,
    )
    weaknesses.affect(
        target,
        vulnerability,
        at,
        severity=severity,
        findings=len(found.levels),
        level=found.level,
        path=found.path,
    )
    for purl in found.purls:
        if affected := package_of(findings, at, purl):
            findings.link(target, "CONTAINS", affected, at)
            weaknesses.affect(affected, vulnerability, at, severity=severity)
