"""Vulnerabilities as all scanners state them: one entity for all aliases, with its worst severity, and who is affected.

The status of a VEX statement stays on the link AFFECTED_BY as the property `vex`, in the words of OpenVEX. Where it is
`not_affected` or `fixed`, the link is SOFT: what is reached through it alone is DEGRADED, never DOWN, whatever other
sources say of the link.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from graph_api.catalog.entity import Criticality
from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place
from graph_api.sources.findings import Findings
from graph_api.sources.naming import vulnerability_ref
from graph_api.sources.scalars import number_in

SEVERITIES = ("UNKNOWN", "NONE", "NEGLIGIBLE", "LOW", "MEDIUM", "HIGH", "CRITICAL")
"""Mildest first."""

_WORDS = {"INFO": "NONE", "INFORMATIONAL": "NONE", "MODERATE": "MEDIUM", "IMPORTANT": "HIGH"}
_BOUNDS = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.1, "LOW"))
_NOT_EXPLOITABLE = frozenset({"not_affected", "fixed"})
_CVE = re.compile(r"CVE-\d+-\d+", re.IGNORECASE)
_NAME = re.compile(r"(?:CVE-\d+-\d+|GHSA(?:-[0-9a-z]{4}){3})", re.IGNORECASE)


def severity_of(word: object, score: float | None = None) -> str:
    """One of SEVERITIES: what a tool's word means, else what the CVSS score does."""
    upper = word.upper() if isinstance(word, str) else ""
    known = _WORDS.get(upper, upper)
    if known in SEVERITIES[1:]:
        return known
    return "UNKNOWN" if score is None else next((name for bound, name in _BOUNDS if score >= bound), "NONE")


def worst(severities: Iterable[str]) -> str:
    return max(severities, key=SEVERITIES.index, default="UNKNOWN")


def newest_score(scores: Iterable[tuple[object, object]]) -> float | None:
    """The highest of the scores of the newest version of CVSS, of pairs of version (`3.1`, `CVSSv31`) and score."""
    found = [(_version(version), score) for version, text in scores if (score := number_in(text)) is not None]
    return max(found, default=(0, None))[1]


def _version(text: object) -> int:
    """2, 3 or 4; 0 for scores of other methods."""
    match = re.search(r"(?:^|CVSSv)(\d)", text) if isinstance(text, str) else None
    return int(match[1]) if match else 0


def counted(severities: Iterable[str]) -> dict[str, int]:
    """How often each severity occurs, worst first."""
    listed = list(severities)
    return {name: listed.count(name) for name in reversed(SEVERITIES) if name in listed}


def known_name(text: str) -> str | None:
    """The CVE or GHSA id that a text starts with."""
    match = _NAME.match(text)
    return match[0] if match else None


def same(id_: str, related: Iterable[str]) -> list[str]:
    """The id with its aliases, if they can be aliases: an advisory on several CVEs is none of them."""
    names = list(dict.fromkeys((id_, *related)))
    cves = [name for name in names if _CVE.fullmatch(name)]
    return names if len(cves) <= 1 else [id_]


class Weaknesses:
    """The vulnerabilities of one source. `finish` states what only all documents together tell."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._worst: dict[Ref, tuple[Place, str, float | None]] = {}

    def state(
        self,
        aliases: Iterable[str],
        at: Place,
        *,
        ref: Ref | None = None,
        severity: str = "UNKNOWN",
        score: float | None = None,
        title: object = None,
        description: object = None,
        url: object = None,
        labels: Mapping[str, Any] | None = None,
        spec: Mapping[str, Any] | None = None,
    ) -> Ref:
        """State a vulnerability by all its names. `ref` is for what one tool alone knows; its name is no identifier."""
        names = list(aliases)
        own, ref = ref is not None, ref or vulnerability_ref(*names)
        self._findings.entity(
            ref,
            at,
            name=next((name for name in names if _CVE.fullmatch(name)), names[0]),
            title=_text(title),
            description=_text(description),
            links=[{"url": url}] if isinstance(url, str) and url.startswith(("http://", "https://")) else [],
            labels=labels,
            spec=spec,
            identifiers=() if own else names,
        )
        place, known, known_score = self._worst.get(ref, (at, "UNKNOWN", None))
        scores = [value for value in (known_score, score) if value is not None]
        self._worst[ref] = place, worst((known, severity)), max(scores, default=None)
        return ref

    def affect(
        self,
        source: Ref,
        vulnerability: Ref,
        at: Place,
        *,
        severity: str | None = None,
        fixed: str | None = None,
        vex: str | None = None,
        **properties: str | int | None,
    ) -> None:
        """State that something has a vulnerability; properties without a value are left out."""
        told = {"severity": _known(severity), "fixedVersion": fixed, "vex": vex, **properties}
        self._findings.link(
            source,
            "AFFECTED_BY",
            vulnerability,
            at,
            criticality=Criticality.SOFT if vex in _NOT_EXPLOITABLE else None,
            properties={key: value for key, value in told.items() if value},
        )

    def finish(self) -> None:
        for ref, (at, severity, score) in self._worst.items():
            known, spec = _known(severity), {} if score is None else {"cvss": score}
            self._findings.entity(ref, at, type=known, labels={"severity": known}, spec=spec)


def _known(severity: str | None) -> str | None:
    """None for UNKNOWN, which must not stand before what another source knows."""
    return None if severity == "UNKNOWN" else severity


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


class Tally:
    """Findings that are no entities of their own, counted on what they were found in, over all reports on it."""

    def __init__(self) -> None:
        self._found: dict[Ref, tuple[Place, dict[str, list[str]]]] = {}

    def add(self, ref: Ref, at: Place, **severities: list[str]) -> None:
        """Severities by what was found, such as `misconfigurations`."""
        _, found = self._found.setdefault(ref, (at, {}))
        for what, more in severities.items():
            found.setdefault(what, []).extend(more)

    def finish(self, findings: Findings) -> None:
        for ref, (at, found) in self._found.items():
            findings.entity(ref, at, spec={what: counted(rows) for what, rows in found.items() if rows})
