"""PagerDuty (REST API v2): services, whose they are, who is on call for them, and what they depend on.

| PagerDuty                   | catalog                                                                                |
|-----------------------------|----------------------------------------------------------------------------------------|
| service                     | a Component of type service, `pagerduty:ID`                                            |
| business service            | a Component of type business-service, `pagerduty:ID`; its team owns it                 |
| team                        | a Group; users with teams are its members                                              |
| user                        | a User, by e-mail address where the answer has it                                      |
| teams of a service          | own it; where it has none, those of its escalation policy do (inferred)                |
| on-calls                    | those of the first level of a service's escalation policy own it, with role ON_CALL    |
| service dependencies        | the dependent service DEPENDS_ON the supporting one                                    |
| incidents                   | counted on their service by status as `spec.incidents`, open ones also by urgency, and |
|                             | as the label `pagerduty/open-incidents`                                                |
| status of a service         | `spec.status`, and the label `pagerduty/status`                                        |

A service whose descriptor has the annotation `pagerduty.com/service-id` or the identifier `pagerduty:ID` is the same
one: the descriptor's spec and owners are what it shows then, and what is on call is in the links OWNED_BY; labels stay.
An answer of `/oncalls` without `since` and `until` is the present; of a longer answer, all who are on call in it
are stated. How long incidents take is for the connector `dora`. Integrations, their keys, contact methods and titles of
incidents are not read.

Online, all of these are asked for, with incidents that are open. Pages follow `offset` and `more`. The token is one of
the REST API, read-only is enough.

Shapes of answers checked against PagerDuty's OpenAPI of 2026-08-14, which does not say that on-calls may lack an end.

https://developer.pagerduty.com/api-reference/
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.pagerduty_api import OPEN, fetch
from graph_api.sources.scalars import text_in

NAME = "pagerduty"

_SINGLE = {
    "teams": "team",
    "users": "user",
    "escalation_policies": "escalation_policy",
    "services": "service",
    "business_services": "business_service",
    "incidents": "incident",
}
_RELATED = frozenset({"supporting_service", "dependent_service"})
_ON_CALL = frozenset({"escalation_policy", "escalation_level"})
INFERRED = 0.8
"""Confidence that a service is the team's whose escalation policy it has."""

Row = dict[str, Any]


def service_ref(id_: str) -> Ref:
    """The service or business service of an id, which is unique in all of PagerDuty."""
    return ref_of("component", NAME, id_)


def claims(document: Document) -> bool:
    value = document.value
    if not isinstance(value, dict):
        return False
    if "more" in value and "offset" in value and not {*_SINGLE, "oncalls"}.isdisjoint(value):
        return True
    related, on_call = dig(value.get("relationships"), 0), dig(value.get("oncalls"), 0)
    if mapping(related).keys() >= _RELATED or mapping(on_call).keys() >= _ON_CALL:
        return True
    rows = [(type_, dig(value.get(key), 0) or value.get(type_)) for key, type_ in _SINGLE.items()]
    return any(dig(row, "type") == type_ and "id" in mapping(row) for type_, row in rows)


def read(documents: Sequence[Document], findings: Findings) -> None:
    known = _Known(findings)
    for key, read_row in known.readers():
        for document in documents:
            for at, row in _rows(document, key, findings):
                read_row(row, at)
    known.finish()


def _rows(document: Document, key: str, findings: Findings) -> Iterator[tuple[Place, Row]]:
    """The things of a list, or the one of an answer on one thing."""
    for number, row in mappings(document.get(key)):
        yield document.at(key, number), row
    single = _SINGLE.get(key, "")
    if isinstance(document.get(single), dict):
        yield document.at(single), mapping(document.get(single))
    if document.get(key) is not None and not isinstance(document.get(key), list):
        findings.problem(f"`{key}` is no list", document.at(key))


class _Known:
    """What is put together from several answers before it is stated."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._policies: dict[Ref, str] = {}
        self._policy_teams: dict[str, list[Row]] = {}
        self._on_call: dict[str, dict[Ref, tuple[int, Place]]] = defaultdict(dict)
        self._incidents: dict[Ref, tuple[Place, Counter[str]]] = {}
        self._owned: set[Ref] = set()
        self._places: dict[Ref, Place] = {}

    def readers(self) -> tuple[tuple[str, Callable[[Row, Place], None]], ...]:
        """What is said of things comes before what only mentions them."""
        return (
            ("teams", self._read_team),
            ("users", self._read_user),
            ("escalation_policies", self._read_policy),
            ("services", self._read_service),
            ("business_services", self._read_business_service),
            ("relationships", self._read_relationship),
            ("oncalls", self._read_on_call),
            ("incidents", self._read_incident),
        )

    def _state(self, kind: str, row: Any, at: Place, type_: str | None = None) -> Ref | None:
        """The thing or what mentions it; None, and a problem, without an id."""
        id_ = text_in(dig(row, "id"))
        if id_ is None:
            self._findings.problem(f"a {kind} without an id", at)
            return None
        ref, url = ref_of(kind, NAME, id_), text_in(row.get("html_url")) or ""
        return self._findings.entity(
            ref,
            at,
            name=text_in(row.get("name")) or text_in(row.get("summary")) or id_,
            type=type_,
            description=text_in(row.get("description")),
            links=[{"url": url, "title": "PagerDuty"}] if url.startswith("https://") else [],
            identifiers=[scoped(NAME, id_), text_in(row.get("email")) or ""],
        )

    def _read_team(self, row: Row, at: Place) -> None:
        self._state("group", row, at)

    def _read_user(self, row: Row, at: Place) -> None:
        user = self._state("user", row, at)
        for _, team in mappings(row.get("teams")):
            if user and (group := self._state("group", team, at)):
                self._findings.link(user, "MEMBER_OF", group, at, origin=LinkOrigin.DECLARED)

    def _read_policy(self, row: Row, at: Place) -> None:
        id_ = text_in(row.get("id"))
        if id_ is None:
            self._findings.problem("an escalation policy without an id", at)
            return
        self._policy_teams[id_] = [team for _, team in mappings(row.get("teams"))]

    def _read_service(self, row: Row, at: Place) -> None:
        service = self._state("component", row, at, "service")
        if service is None:
            return
        self._places[service] = at
        shown = {"status": row.get("status"), "escalationPolicy": dig(row, "escalation_policy", "summary")}
        spec = {key: text for key, value in shown.items() if (text := text_in(value))}
        self._findings.entity(service, at, spec=spec, labels={"pagerduty/status": row.get("status")})
        self._own(service, [team for _, team in mappings(row.get("teams"))], at)
        if policy := text_in(dig(row, "escalation_policy", "id")):
            self._policies[service] = policy

    def _read_business_service(self, row: Row, at: Place) -> None:
        service = self._state("component", row, at, "business-service")
        if service:
            self._own(service, [row["team"]] if isinstance(row.get("team"), dict) else [], at)

    def _own(self, service: Ref, teams: Sequence[Row], at: Place, confidence: float | None = None) -> None:
        origin = LinkOrigin.INFERRED if confidence else LinkOrigin.DECLARED
        for place, team in enumerate(teams):
            if group := self._state("group", team, at):
                self._owned.add(service)
                properties = {"role": "OWNER", "primary": place == 0}
                self._findings.link(
                    service, "OWNED_BY", group, at, properties=properties, origin=origin, confidence=confidence
                )

    def _read_relationship(self, row: Row, at: Place) -> None:
        ends = []
        for key in ("dependent_service", "supporting_service"):
            is_business = (text_in(dig(row, key, "type")) or "").startswith("business_service")
            ends.append(self._state("component", row.get(key), at, "business-service" if is_business else "service"))
        if ends[0] and ends[1]:
            self._findings.link(ends[0], "DEPENDS_ON", ends[1], at, origin=LinkOrigin.DECLARED)

    def _read_on_call(self, row: Row, at: Place) -> None:
        policy, level = text_in(dig(row, "escalation_policy", "id")), row.get("escalation_level")
        user = self._state("user", row.get("user"), at)
        if user is None or policy is None or not isinstance(level, int):
            self._findings.problem("an on-call without user, escalation policy and level", at)
            return
        first = self._on_call[policy].get(user)
        self._on_call[policy][user] = min(first, (level, at)) if first else (level, at)

    def _read_incident(self, row: Row, at: Place) -> None:
        service, status = self._state("component", row.get("service"), at, "service"), text_in(row.get("status"))
        if service is None or status is None:
            self._findings.problem("an incident without service and status", at)
            return
        _, counts = self._incidents.setdefault(service, (at, Counter()))
        counts[status] += 1
        urgency = text_in(row.get("urgency"))
        if urgency and status in OPEN:
            counts[f"{urgency}Urgency"] += 1

    def finish(self) -> None:
        for service, policy in self._policies.items():
            if service not in self._owned:
                self._own(service, self._policy_teams.get(policy, []), self._places[service], INFERRED)
            on_call = self._on_call.get(policy, {})
            first = min((level for level, _ in on_call.values()), default=0)
            for user, (level, at) in on_call.items():
                if level == first:
                    self._findings.link(service, "OWNED_BY", user, at, properties={"role": "ON_CALL", "primary": False})
        for service, (at, counts) in self._incidents.items():
            open_ = sum(counts[status] for status in OPEN)
            labels = {"pagerduty/open-incidents": str(open_) if open_ else None}
            self._findings.entity(service, at, spec={"incidents": dict(sorted(counts.items()))}, labels=labels)


CONNECTOR = Connector(
    name=NAME,
    description="Services, teams, on-calls, incidents and dependencies of PagerDuty",
    input="Answers of the REST API v2: /services, /business_services, /teams, /users, /escalation_policies, /oncalls, "
    "/incidents, /service_dependencies",
    claims=claims,
    read=read,
    # What PagerDuty knows is not made where a recorded answer lies; and who is on call is seen, not told.
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url="https://api.pagerduty.com",
        token_variable="PAGERDUTY_TOKEN",
        fetch=fetch,
        authorization="Token token={token}",
        headers={"Accept": "application/vnd.pagerduty+json;version=2"},
    ),
)
