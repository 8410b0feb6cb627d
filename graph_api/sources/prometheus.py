"""Prometheus: alerts, recording rules and scrape jobs, and the services that they are about.

Read are rule files, `prometheus.yml`, PrometheusRule resources (monitoring.coreos.com/v1) and answers of
`/api/v1/rules`, `/api/v1/alerts` and `/api/v1/targets`.

- Each rule is a Metric of type alert or recording-rule, told apart by its file (or resource), group and name; what
  stands twice in a group gets a number, so the figures are those of `promtool check rules`, and recording rules with
  the same name and labels in one document are named as a problem. What fires now (`/api/v1/alerts`) only adds what
  the alert of that name was seen to be about; an alert that no rule here has is a Metric by its name.
- A rule DESCRIBES the service that its labels name, else (inferred) those that its expression selects; see
  graph_api/sources/series.py. `runbook_url` and `dashboard_url` are its links, `team` and `owner` hint at its owner.
- Each scrape job is a Metric of type scrape-job that DESCRIBES what it scrapes: a service by its labels, its Kubernetes
  service, else its host (`host:NAME`). A rule about a `job` that is a scrape job here is about what that job scrapes.
- Passwords, tokens, parameters and relabelling are not looked at.

Online: `/api/v1/rules`, `/api/v1/targets?state=active` and `/api/v1/alerts`.

Shapes of answers checked against Prometheus' OpenAPI of 2026-08-21.

https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.answers import answer_to
from graph_api.sources.api import Api
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, mapping, mappings
from graph_api.sources.fields import text_of
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.parsing import Keys
from graph_api.sources.prometheus_targets import is_configuration, read_configuration, read_targets
from graph_api.sources.scalars import text_in
from graph_api.sources.series import describe, hint_owner, state_subject, subject_of

NAME = "prometheus"
RESOURCE = "monitoring.coreos.com/v1"

_PAGES = ("runbook_url", "dashboard_url")


def claims(document: Document) -> bool:
    value = document.value
    if not isinstance(value, dict):
        return False
    if "apiVersion" in value:
        return value.get("kind") == "PrometheusRule"
    data = mapping(value.get("data")) if "status" in value else {}
    return (
        any(isinstance(data.get(key), list) for key in ("groups", "alerts", "activeTargets"))
        or any("rules" in group for _, group in mappings(value.get("groups")))
        or is_configuration(value)
    )


def read(documents: Sequence[Document], findings: Findings) -> None:
    scraped: dict[str, list[Ref]] = {}
    for document in documents:
        read_configuration(document, scraped, findings)
        read_targets(document, scraped, findings)
    alerts: dict[str, Ref] = {}
    for document in documents:
        version = document.get("apiVersion")
        if version not in (None, RESOURCE):
            findings.refuse(document, f"apiVersion {version!r} of a PrometheusRule; {RESOURCE} is read")
            continue
        rules = _Rules(document, scraped, alerts, findings)
        for keys, group in _groups(document):
            rules.read_group(keys, group)
    for document in documents:
        for number, alert in mappings(document.get("data", "alerts")):
            _read_alert(alert, document.at("data", "alerts", number), alerts, findings)


def _groups(document: Document) -> Iterator[tuple[Keys, dict[str, Any]]]:
    for keys in (("groups",), ("spec", "groups"), ("data", "groups")):
        for number, group in mappings(document.get(*keys)):
            yield (*keys, number), group


class _Rules:
    """The rules of one document."""

    def __init__(
        self, document: Document, scraped: Mapping[str, list[Ref]], alerts: dict[str, Ref], findings: Findings
    ) -> None:
        self._document = document
        self._scraped = scraped
        self._alerts = alerts
        self._findings = findings
        self._names: Counter[tuple[str, str]] = Counter()
        self._recorded: set[tuple[str, str]] = set()

    def read_group(self, keys: Keys, group: dict[str, Any]) -> None:
        name = text_in(group.get("name")) or str(keys[-1])
        metadata = mapping(self._document.get("metadata"))
        resource = "-".join(str(metadata[key]) for key in ("namespace", "name") if text_in(metadata.get(key)))
        namespace = "-".join((NAME, text_in(group.get("file")) or resource or self._document.path, name))
        for number, rule in mappings(group.get("rules")):
            self._read_rule((*keys, "rules", number), rule, namespace, name)

    def _read_rule(self, keys: Keys, rule: dict[str, Any], namespace: str, group: str) -> None:
        at = self._document.at(*keys)
        type_, name = _named(rule)
        if name is None:
            self._findings.problem(f"a rule of the group {group} without alert or record", at)
            return
        labels = mapping(rule.get("labels"))
        if type_ == "recording-rule":
            self._check_recorded(name, labels, keys)
        self._names[namespace, name] += 1
        count = self._names[namespace, name]
        expression = text_of(rule.get("expr", rule.get("query"))) or ""
        ref = self._findings.entity(
            ref_of("metric", namespace, name if count == 1 else f"{name}-{count}"),
            at,
            name=name,
            type=type_,
            description=text_in(dig(rule, "annotations", "description"))
            or text_in(dig(rule, "annotations", "summary")),
            labels=labels,
            links=_pages(rule),
            spec={"group": group, "expression": expression[:1_000]},
        )
        if type_ == "alert":
            self._alerts.setdefault(name, ref)
        self._describe(ref, labels, expression, keys)
        hint_owner(ref, labels, at, self._findings)

    def _check_recorded(self, name: str, labels: dict[str, Any], keys: Keys) -> None:
        rule = name, repr(sorted(labels.items(), key=repr))
        if rule in self._recorded:
            message = f"{name} is recorded more than once with these labels; one overwrites the other"
            self._findings.problem(message, self._document.at(*keys), code=ProblemCode.DUPLICATE)
        self._recorded.add(rule)

    def _describe(self, ref: Ref, labels: dict[str, Any], expression: str, keys: Keys) -> None:
        at = self._document.at(*keys)
        subject = subject_of(labels)
        if subject and subject.label == "job" and subject.service.name in self._scraped:
            for target in self._scraped[subject.service.name]:
                self._findings.link(ref, "DESCRIBES", target, at, origin=LinkOrigin.DECLARED)
        else:
            describe(ref, subject, [] if subject else [expression], at, self._findings)


def _named(rule: Mapping[str, Any]) -> tuple[str, str | None]:
    """Type and name of a rule in a file, or in an answer of the API."""
    alert = text_in(rule.get("alert")) or (text_in(rule.get("name")) if rule.get("type") == "alerting" else None)
    if alert:
        return "alert", alert
    return "recording-rule", text_in(rule.get("record")) or text_in(rule.get("name"))


def _pages(rule: Mapping[str, Any]) -> list[Mapping[str, str]]:
    found = {key: text_in(dig(rule, "annotations", key)) for key in _PAGES}
    pages = {
        key.removesuffix("_url"): url for key, url in found.items() if url and url.startswith(("https://", "http://"))
    }
    return [{"url": url, "title": title} for title, url in pages.items()]


def _read_alert(alert: dict[str, Any], at: Place, alerts: Mapping[str, Ref], findings: Findings) -> None:
    labels = mapping(alert.get("labels"))
    name = text_in(labels.get("alertname"))
    if name is None:
        findings.problem("an alert without the label alertname", at)
        return
    ref = alerts.get(name) or findings.entity(
        ref_of("metric", f"{NAME}-alerts", name), at, name=name, type="alert", links=_pages(alert)
    )
    if subject := subject_of(labels):
        target = state_subject(subject, at, findings)
        findings.link(ref, "DESCRIBES", target, at, observed_at=text_in(alert.get("activeAt")))
    hint_owner(ref, labels, at, findings)


async def fetch(api: Api, _options: Mapping[str, str]) -> AsyncIterator[Document]:
    for path, asked in (("/api/v1/rules", {}), ("/api/v1/targets", {"state": "active"}), ("/api/v1/alerts", {})):
        yield await answer_to(api, path, asked)


CONNECTOR = Connector(
    name=NAME,
    description="Alerts, recording rules and scrape jobs of Prometheus",
    input="Rule files, prometheus.yml, PrometheusRule v1, answers of /api/v1/rules, /api/v1/alerts and /api/v1/targets",
    claims=claims,
    read=read,
    # Services that a rule names are not made where the rule is; so nothing gets the rule's repository.
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url=None,
        token_variable="PROMETHEUS_TOKEN",
        fetch=fetch,
    ),
)
