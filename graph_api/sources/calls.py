"""Calls between services, counted over all documents before they are stated; shared by the connectors of traffic."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graph_api.catalog.entity import LinkKey
from graph_api.catalog.ref import Ref
from graph_api.sources.api import ApiError
from graph_api.sources.documents import Document, Place
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import MAX_COUNT, count_in, number_in, text_in

DEFAULT_HOURS = 24
"""How far back a tool is asked for calls, where nobody says."""


def last_hours(options: Mapping[str, str]) -> dict[str, int]:
    """What Jaeger and Zipkin are asked for: the last `hours`, in milliseconds. ApiError where that is no number."""
    hours = number_in(options.get("hours", str(DEFAULT_HOURS)))
    if not hours or hours < 0:
        raise ApiError("the option hours is no positive number")
    return {"endTs": int(time.time() * 1000), "lookback": int(hours * 3_600_000)}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a document that is only looked up where something is stated for the first time."""

    document: Document
    keys: Keys = ()

    def place(self) -> Place:
        return self.document.at(*self.keys)


@dataclass(frozen=True, slots=True)
class Service:
    """`namespace` tells services of one name apart; empty where the tool knows none."""

    name: str
    namespace: str = ""


@lru_cache(4_096)
def service_ref(connector: str, service: Service) -> Ref:
    return ref_of("component", f"{connector}-{service.namespace}", service.name)


def service_names(service: Service) -> list[str]:
    """The identifiers of a service: its name as telemetry has it, alone and within its namespace."""
    qualified = [scoped("service.name", f"{service.namespace}/{service.name}")] if service.namespace else []
    return [scoped("service.name", service.name), *qualified]


@dataclass(slots=True)
class _Seen:
    spot: Spot
    calls: int = 0
    errors: int = 0
    observed_at: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


class Calls:
    """What one connector saw. Services are stated at once, links with their counts by `state`."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._seen: dict[LinkKey, _Seen] = {}

    def service(self, service: Service, spot: Spot, spec: Mapping[str, Any] | None = None) -> Ref:
        """State the service, where it is first seen."""
        ref = service_ref(self._findings.connector, service)
        if spec or not self._findings.knows(ref):
            names = service_names(service)
            self._findings.entity(ref, spot.place(), name=service.name, type="service", identifiers=names, spec=spec)
        return ref

    def resource(self, type_: str, name: str, spot: Spot, identifiers: list[str]) -> Ref:
        """State a thing that is called and tells nothing itself."""
        ref = ref_of("resource", self._findings.connector, name)
        if not self._findings.knows(ref):
            self._findings.entity(ref, spot.place(), name=name, type=type_, identifiers=identifiers)
        return ref

    def link(
        self,
        source: Ref,
        target: Ref,
        spot: Spot,
        *,
        relation: str = "DEPENDS_ON",
        calls: int = 1,
        errors: int = 0,
        observed_at: str | None = None,
        environment: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Count calls. What a service does within itself is no link."""
        if source == target:
            return
        seen = self._seen.setdefault(LinkKey(source, relation, target, environment), _Seen(spot))
        seen.calls = min(seen.calls + calls, MAX_COUNT)
        seen.errors = min(seen.errors + errors, MAX_COUNT)
        seen.observed_at = max(filter(None, (seen.observed_at, observed_at)), default=None)
        seen.properties = {**(properties or {}), **seen.properties}

    def dependency(self, row: Mapping[str, Any], spot: Spot, observed_at: str | None = None) -> None:
        """Count the calls that Zipkin, or Jaeger (which tells no errors), has counted between two services."""
        parent, child, count = text_in(row.get("parent")), text_in(row.get("child")), row.get("callCount")
        if not (parent and child):
            self._findings.problem("a dependency without `parent` or `child`; it is left out", spot.place())
            return
        if count is not None and number_in(count) is None:
            self._findings.problem("`callCount` is no number; the calls are not counted", spot.place())
        source, target = self.service(Service(parent), spot), self.service(Service(child), spot)
        errors = count_in(row.get("errorCount"))
        self.link(source, target, spot, calls=count_in(count), errors=errors, observed_at=observed_at)

    def state(self) -> None:
        for key, seen in self._seen.items():
            self._findings.link(
                *key[:3],
                seen.spot.place(),
                environment=key.environment,
                properties={**_counts(seen), **seen.properties},
                observed_at=seen.observed_at,
            )


def _counts(seen: _Seen) -> dict[str, int]:
    """None where the tool counts no calls, as of plain TCP."""
    return {"calls": seen.calls, "errors": seen.errors} if seen.calls or seen.errors else {}
