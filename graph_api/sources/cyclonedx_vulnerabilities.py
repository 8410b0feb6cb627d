"""Vulnerabilities of CycloneDX, and what the analysis says of them (VEX)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place, dig, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.materials import Bill
from graph_api.sources.weaknesses import Tally, Weaknesses, newest_score, same, severity_of, worst

_VEX = {
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}
_STRENGTH = (None, "not_affected", "fixed", "under_investigation", "affected")
"""Of what is said of one product and vulnerability, the last of these counts."""


@dataclass(frozen=True, slots=True)
class _Said:
    at: Place
    severity: str
    vex: str | None
    justification: str | None


def read_vulnerabilities(bills: Sequence[Bill], elsewhere: Mapping[str, Ref], findings: Findings) -> None:
    """`elsewhere` are things in any bill by their BOM-Links."""
    weaknesses, tally = Weaknesses(findings), Tally()
    said: dict[tuple[Ref, Ref], _Said] = {}
    for bill in bills:
        for place, row in mappings(bill.document.get("vulnerabilities")):
            at = bill.document.at("vulnerabilities", place)
            if not isinstance(row.get("id"), str) or not row["id"]:
                findings.problem("a vulnerability without id", at)
                continue
            found = _Said(at, _severity(row), _vex(row), _justification(row))
            vulnerability = _state(row, found, weaknesses)
            if bill.subject:
                tally.add(bill.subject, bill.document.at("vulnerabilities"), vulnerabilities=[found.severity])
            for target in _targets(row, bill, elsewhere, at, findings):
                key = target, vulnerability
                said[key] = max(said.get(key, found), found, key=lambda one: _STRENGTH.index(one.vex))
    for (target, vulnerability), one in said.items():
        weaknesses.affect(
            target, vulnerability, one.at, severity=one.severity, vex=one.vex, justification=one.justification
        )
    weaknesses.finish()
    tally.finish(findings)


def _state(row: dict[str, Any], found: _Said, weaknesses: Weaknesses) -> Ref:
    related = texts([other.get("id") for _, other in mappings(row.get("references"))])
    ratings = [rating for _, rating in mappings(row.get("ratings"))]
    return weaknesses.state(
        same(row["id"], related),
        found.at,
        severity=found.severity,
        score=newest_score((rating.get("method"), rating.get("score")) for rating in ratings),
        description=row.get("description"),
        url=dig(row, "source", "url"),
    )


def _severity(row: dict[str, Any]) -> str:
    return worst(severity_of(rating.get("severity")) for _, rating in mappings(row.get("ratings")))


def _vex(row: dict[str, Any]) -> str | None:
    state = dig(row, "analysis", "state")
    return _VEX.get(state) if isinstance(state, str) else None


def _justification(row: dict[str, Any]) -> str | None:
    value = dig(row, "analysis", "justification")
    return value if isinstance(value, str) else None


def _targets(
    row: dict[str, Any], bill: Bill, elsewhere: Mapping[str, Ref], at: Place, findings: Findings
) -> Iterator[Ref]:
    for _, affected in mappings(row.get("affects")):
        id_ = affected.get("ref")
        if not isinstance(id_, str):
            continue
        target = bill.refs.get(id_) or elsewhere.get(id_)
        if target:
            yield target
        else:
            findings.problem("`affects` names nothing that a document of this source lists", at)
