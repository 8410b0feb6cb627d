"""Grafana: dashboards and alert rules, and the services that they are about.

- A dashboard is a Document of type dashboard, known by its `uid`: as exported or provisioned (`panels`, of any
  schemaVersion), as `/api/dashboards/uid/UID` answers it, or as a resource `dashboard.grafana.app/v0alpha1` to `v2`,
  whose panels may be `elements`. Answers of `/api/search` give title, folder, tags and link alone.
- It DESCRIBES the services of its tags `service:NAME` and (inferred) those that its queries select by
  `service_name="..."` and the like; see graph_api/sources/series.py. Variables are chosen by whoever looks, so they
  name nothing. Tags `team:NAME` and `owner:NAME` hint at the owner.
- An alert rule, provisioned by file (`groups[].rules[]`) or as `/api/v1/provisioning/alert-rules` answers it, is a
  Metric of type alert, known by its `uid`. It DESCRIBES the service of its labels, else (inferred) those of its
  queries; labels `team`, `team_name` and `owner` hint at its owner.
- Contact points, policies and data sources are not read: they hold addresses and secrets, and no service.

Online: `/api/search?type=dash-db`, each dashboard found, and `/api/v1/provisioning/alert-rules`.

Shapes of answers checked against the models of grafana-openapi-client-go of 2026-07-24.

https://grafana.com/docs/grafana/latest/developers/http_api/
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urljoin

from graph_api.catalog.entity import LinkOrigin
from graph_api.sources.answers import answer_to, list_in, page_numbers
from graph_api.sources.api import Api
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import text_in
from graph_api.sources.series import describe, hint_owner, subject_of

NAME = "grafana"
PAGE = 1_000
RESOURCE = "dashboard.grafana.app/"

_TAGGED = ("service", "team", "owner")
_QUERIES = ("expr", "query", "expression")


def claims(document: Document) -> bool:
    value = document.value
    if isinstance(value, list):
        return _is_found(dig(value, 0)) or _is_rule(dig(value, 0))
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("groups"), list) and value.get("apiVersion") == 1:
        return True
    return _dashboard_keys(document) is not None


def _is_found(value: Any) -> bool:
    return isinstance(value, dict) and "uid" in value and value.get("type") == "dash-db"


def _is_rule(value: Any) -> bool:
    return isinstance(value, dict) and "uid" in value and "ruleGroup" in value


def _dashboard_keys(document: Document) -> Keys | None:
    """Where in the document the dashboard is."""
    if str(document.get("apiVersion")).startswith(RESOURCE):
        return ("spec",) if document.get("kind") == "Dashboard" else None
    if isinstance(document.get("meta"), dict) and {"title", "uid"} <= mapping(document.get("dashboard")).keys():
        return ("dashboard",)  # An answer of the API, which a dashboard without panels has, too.
    for keys in ((), ("dashboard",)):
        value = mapping(document.get(*keys))
        known = {"schemaVersion", "uid"} & value.keys()
        if "title" in value and known and isinstance(value.get("panels", value.get("rows")), list):
            return keys
    return None


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        keys = _dashboard_keys(document) if isinstance(document.value, dict) else None
        if keys is not None:
            _read_dashboard(document, keys, findings)
        for place, group in mappings(document.get("groups")):
            for number, rule in mappings(group.get("rules")):
                at = ("groups", place, "rules", number)
                _read_rule(rule, document, at, text_in(group.get("name")), text_in(group.get("folder")), findings)
        for number, row in mappings(document.value):
            if _is_found(row):
                _state_dashboard(document, (number,), row, row, findings)
            elif _is_rule(row):
                _read_rule(row, document, (number,), text_in(row.get("ruleGroup")), None, findings)


def _read_dashboard(document: Document, keys: Keys, findings: Findings) -> None:
    value = mapping(document.get(*keys))
    meta = mapping(document.get("meta")) or mapping(document.get("metadata"))
    _state_dashboard(document, keys, value, meta, findings)


def _state_dashboard(
    document: Document, keys: Keys, value: Mapping[str, Any], meta: Mapping[str, Any], findings: Findings
) -> None:
    at, title = document.at(*keys, "title"), text_in(value.get("title"))
    uid = text_in(value.get("uid")) or text_in(meta.get("name"))
    url, folder = text_in(meta.get("url")), text_in(meta.get("folderTitle"))
    tags = texts(value.get("tags"))
    shown = {"folder": folder, "panels": len(list(_panels(value))), "schemaVersion": value.get("schemaVersion")}
    ref = findings.entity(
        ref_of("document", NAME, uid or f"{document.path}-{title}"),
        at,
        name=title,
        type="dashboard",
        title=title,
        description=text_in(value.get("description")),
        tags=tags,
        links=[{"url": urljoin(document.path, url), "title": "Grafana"}] if url and document.is_url else [],
        spec={key: kept for key, kept in shown.items() if isinstance(kept, int | str) and kept},
    )
    labels = {key: name for key, colon, name in (tag.partition(":") for tag in tags) if colon and key in _TAGGED}
    describe(ref, subject_of(labels), _queries(value), at, findings)
    hint_owner(ref, labels, at, findings)


def _panels(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Panels, also those in rows, and those of version 2."""
    for _, panel in [*mappings(value.get("panels")), *mappings(value.get("rows"))]:
        inner = [inner for _, inner in mappings(panel.get("panels"))]
        yield from inner
        if not inner and panel.get("type") != "row":
            yield panel
    yield from (element for element in mapping(value.get("elements")).values() if isinstance(element, dict))


def _queries(value: Mapping[str, Any]) -> Iterator[str]:
    for panel in _panels(value):
        for _, target in mappings(panel.get("targets")):
            yield from _texts_of(target)
        for _, query in mappings(dig(panel, "spec", "data", "spec", "queries")):
            yield from _texts_of(mapping(dig(query, "spec", "query", "spec")))


def _texts_of(query: Mapping[str, Any]) -> Iterator[str]:
    yield from (text for key in _QUERIES if (text := text_in(query.get(key))))


def _read_rule(
    rule: dict[str, Any], document: Document, keys: Keys, group: str | None, folder: str | None, findings: Findings
) -> None:
    at = document.at(*keys)
    uid, title = text_in(rule.get("uid")), text_in(rule.get("title"))
    if not (uid or title):
        findings.problem("an alert rule without uid and title", at)
        return
    labels, annotations = mapping(rule.get("labels")), mapping(rule.get("annotations"))
    runbook = text_in(annotations.get("runbook_url")) or ""
    ref = findings.entity(
        ref_of("metric", NAME, uid or f"{folder}-{group}-{title}"),
        at,
        name=title or uid,
        type="alert",
        description=text_in(annotations.get("description")) or text_in(annotations.get("summary")),
        labels=labels,
        links=[{"url": runbook, "title": "runbook"}] if runbook.startswith(("https://", "http://")) else [],
        spec={key: text for key, text in (("group", group), ("folder", folder)) if text},
    )
    subject = subject_of(labels)
    queries = [text for _, row in mappings(rule.get("data")) for text in _texts_of(mapping(row.get("model")))]
    describe(ref, subject, [] if subject else queries, at, findings)
    hint_owner(ref, labels, at, findings)


async def fetch(api: Api, _options: Mapping[str, str]) -> AsyncIterator[Document]:
    for page in page_numbers(api.url("/api/search")):
        answer = await api.get("/api/search", {"type": "dash-db", "limit": PAGE, "page": page})
        found = list_in(answer, api.url("/api/search"), "uid")
        for uid in [uid for row in found if (uid := text_in(row.get("uid")))]:
            path = f"/api/dashboards/uid/{quote(uid, safe='')}"
            yield await answer_to(api, path)
        if len(found) < PAGE:
            break
    yield await answer_to(api, "/api/v1/provisioning/alert-rules")


CONNECTOR = Connector(
    name=NAME,
    description="Dashboards and alert rules of Grafana",
    input="Dashboards in JSON or as resources, alert rules provisioned by file, answers of the HTTP API",
    claims=claims,
    read=read,
    # Services that a dashboard names are not made where the dashboard is; so nothing gets its repository.
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url=None,
        token_variable="GRAFANA_TOKEN",
        fetch=fetch,
    ),
)
