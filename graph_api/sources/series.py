"""Whom a time series, alert or dashboard is about, by the labels that tools agree on; for the connectors of metrics.

The labels `service_name` (or `service.name`), `service`, `app` and `job` name a service, the first of them that is
there; `service_namespace` tells services of one name apart, and `namespace` is Kubernetes'. A `job` with a `/` is
OpenTelemetry's `NAMESPACE/NAME`. Values that are templates (`{{`, `$`) name nothing yet.

Labels `team`, `team_name` and `owner` are a hint at an owner: the alert or dashboard, not the service, is OWNED_BY that
group, as inferred and with a confidence below 1.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.calls import Service, service_names
from graph_api.sources.documents import Place
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.scalars import text_in

HINT = 0.5
"""Confidence in an owner that only a label names."""
MATCHED = 0.8
"""Confidence that an expression is about the service that it selects."""

_NAMES = ("service_name", "service.name", "service", "app", "job")
_OWNERS = ("team", "team_name", "owner")
_SELECTOR = re.compile(r"\{([^{}]*)\}")
_EQUALS = re.compile(r'"?(?<![\w.])([\w.]++)"?\s*+=\s*+"((?:[^"\\]|\\.)*+)"')


@dataclass(frozen=True, slots=True)
class Subject:
    """A service as labels name it: `label` is the one that did, `kubernetes` its namespace there."""

    label: str
    service: Service
    kubernetes: str | None = None


def subject_of(labels: Mapping[str, Any]) -> Subject | None:
    label = next((key for key in _NAMES if _plain(labels.get(key))), None)
    if label is None:
        return None
    name, namespace = _plain(labels[label]) or "", _plain(labels.get("service_namespace")) or ""
    if label == "job":
        head, _, name = name.rpartition("/")
        namespace = namespace or head
    return Subject(label, Service(name, namespace), _plain(labels.get("namespace"))) if name else None


def subjects_in(expression: str) -> Iterator[Subject]:
    """Those that the selectors of a query name by `=`."""
    for selector in _SELECTOR.findall(expression):
        subject = subject_of(dict(_EQUALS.findall(selector)))
        if subject:
            yield subject


def describe(ref: Ref, subject: Subject | None, queries: Iterable[str], at: Place, findings: Findings) -> None:
    """State that the metric or document is about its subject, and (which is a guess) about what its queries select."""
    if subject:
        target = state_subject(subject, at, findings)
        findings.link(ref, "DESCRIBES", target, at, origin=LinkOrigin.DECLARED)
    for found in dict.fromkeys(found for text in queries for found in subjects_in(text)):
        target = state_subject(found, at, findings)
        if subject is None or found.service != subject.service:
            findings.link(ref, "DESCRIBES", target, at, origin=LinkOrigin.INFERRED, confidence=MATCHED)


def state_subject(subject: Subject, at: Place, findings: Findings) -> Ref:
    namespace = subject.service.namespace or subject.kubernetes or ""
    ref = ref_of("component", f"{findings.connector}-{namespace}", subject.service.name)
    names = service_names(subject.service)
    if subject.kubernetes:
        names.append(scoped("kubernetes", f"{subject.kubernetes}/{subject.service.name}"))
    return findings.entity(ref, at, name=subject.service.name, type="service", identifiers=names)


def hint_owner(ref: Ref, labels: Mapping[str, Any], at: Place, findings: Findings) -> None:
    name = next((name for key in _OWNERS if (name := _plain(labels.get(key)))), None)
    if name:
        group = findings.entity(
            ref_of("group", findings.connector, name), at, name=name, identifiers=[scoped("team", name)]
        )
        findings.link(ref, "OWNED_BY", group, at, origin=LinkOrigin.INFERRED, confidence=HINT)


def _plain(value: Any) -> str | None:
    text = text_in(value)
    return None if text is None or "{{" in text or "$" in text else text
