"""The security profile of SPDX 3.0: vulnerabilities, what they affect, and what was judged of that."""

from collections.abc import Iterator, Mapping
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Document, Place, listed, mappings, texts
from graph_api.sources.scalars import number_in, text_in
from graph_api.sources.weaknesses import Weaknesses, same, severity_of

_STATUSES = {
    "affects": "affected",
    "doesNotAffect": "not_affected",
    "fixedIn": "fixed",
    "underInvestigationFor": "under_investigation",
}
_FOUND, _JUDGED = "hasAssociatedVulnerability", "hasAssessmentFor"


def read_vulnerabilities(document: Document, refs: Mapping[str, Ref], weaknesses: Weaknesses) -> None:
    """`refs` are what the document lists, by id. The last judgement of a package in the document counts."""
    graph = mappings(document.get("@graph"))
    judged: dict[str, dict[str, Any]] = {}
    statuses: dict[tuple[str, str], tuple[Place, str | None]] = {}
    for place, row in graph:
        relation, source = row.get("relationshipType"), text_in(row.get("from"))
        if source is None:
            continue
        at = document.at("@graph", place)
        if relation == _JUDGED:
            score = number_in(row.get("security_score"))
            judged[source] = {"score": score, "severity": severity_of(row.get("security_severity"), score)}
        elif relation == _FOUND:
            for vulnerability in _targets(row):
                statuses.setdefault((source, vulnerability), (at, None))
        elif isinstance(relation, str) and relation in _STATUSES:
            assessed = text_in(row.get("security_assessedElement"))
            for target in [assessed] if assessed else _targets(row):
                statuses[target, source] = at, _STATUSES[relation]
    known = {id_: ref for place, row in graph for id_, ref in _stated(document, place, row, judged, weaknesses)}
    for (target, vulnerability), (at, status) in statuses.items():
        if target in refs and vulnerability in known:
            weaknesses.affect(refs[target], known[vulnerability], at, vex=status)


def _stated(
    document: Document, place: int, row: Mapping[str, Any], judged: Mapping[str, dict[str, Any]], weaknesses: Weaknesses
) -> Iterator[tuple[str, Ref]]:
    id_ = text_in(row.get("spdxId"))
    if id_ is None or row.get("type") != "security_Vulnerability":
        return
    others = (text_in(other.get("identifier")) for _, other in mappings(row.get("externalIdentifier")))
    names = [name for name in (*others, text_in(row.get("name"))) if name]
    if names:
        at = document.at("@graph", place)
        yield id_, weaknesses.state(same(names[0], names[1:]), at, title=row.get("summary"), **judged.get(id_, {}))


def _targets(row: Mapping[str, Any]) -> list[str]:
    return texts(listed(row.get("to")) or [row.get("to")])
