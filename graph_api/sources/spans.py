"""Spans of traces, whatever format they came in -> calls between services, and to what is behind them.

- A span whose parent is a span of another service is a call of that service; it is an error if the span failed, or
  the client's span above it did. Spans read twice count once.
- A client span that no other service answers tells what was called by its attributes: `db.system.name` (or
  `db.system`) a database, `peer.service` a service of that name if the source has seen it and something external
  otherwise, else `server.address` (`net.peer.name`, the host of `url.full`) something external.
- Messages go through a queue, named by `messaging.system` and `messaging.destination.name`: it is WRITTEN_BY the
  producer, and the consumer READS_FROM it. Where no queue is named, the consumer depends on the producer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graph_api.catalog.ref import Ref
from graph_api.sources.calls import Calls, Service, Spot, service_ref
from graph_api.sources.findings import Findings
from graph_api.sources.naming import host_names, scoped
from graph_api.sources.scalars import host_in, iso_time

DATABASE = ("db.system.name", "db.system")
_DATABASE_NAME = ("db.namespace", "db.name")
_HOST = ("server.address", "net.peer.name", "url.full", "http.url")
_DESTINATION = ("messaging.destination.name", "messaging.destination")
_OPERATION = ("messaging.operation.type", "messaging.operation")
_SENDING = frozenset({"send", "publish", "create"})

KEPT = frozenset((*DATABASE, *_DATABASE_NAME, *_HOST, *_DESTINATION, *_OPERATION, "peer.service", "messaging.system"))
"""Attributes that are looked at; everything else of a span may hold anybody's data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`kind` is client, server, producer, consumer, internal or empty; `ended` in seconds since 1970."""

    trace: str
    id: str
    parent: str | None
    service: Service
    spot: Spot
    kind: str = ""
    error: bool = False
    ended: float | None = None
    environment: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, bool]:
        """Unique: Zipkin's client and server share one id."""
        return self.trace, self.id, self.kind == "server"

    @property
    def is_message(self) -> bool:
        return self.kind in ("producer", "consumer") or "messaging.system" in self.attributes

    def first(self, names: Sequence[str]) -> str | None:
        return next((self.attributes[name] for name in names if self.attributes.get(name)), None)


class Traces:
    """All spans of one source, joined by trace and parent. `calls` may hold what was counted before."""

    def __init__(self, spans: Iterable[Span], findings: Findings, calls: Calls | None = None) -> None:
        self._connector = findings.connector
        self._findings = findings
        self._calls = calls or Calls(findings)
        self._spans: dict[tuple[str, str, bool], Span] = {}
        for span in spans:
            self._spans.setdefault(span.key, span)
        self._answered: set[tuple[str, str, bool]] = set()

    def state(self) -> None:
        self._state_services()
        for span in self._spans.values():
            self._read_parent(span)
        for span in self._spans.values():
            if span.is_message:
                self._read_message(span)
            elif span.kind == "client" and span.key not in self._answered:
                self._read_peer(span)
        self._calls.state()

    def _state_services(self) -> None:
        counts: dict[Service, int] = {}
        spots: dict[Service, Spot] = {}
        for span in self._spans.values():
            counts[span.service] = counts.get(span.service, 0) + 1
            spots.setdefault(span.service, span.spot)
        for service, count in counts.items():
            self._calls.service(service, spots[service], {"spans": count})

    def _read_parent(self, span: Span) -> None:
        parent = self._parent(span)
        if parent is None:
            return
        if span.service != parent.service or span.kind == "client":
            self._answered.add(parent.key)
        if span.service == parent.service:
            return
        if parent.kind != "producer" and span.kind != "consumer":
            self._count(span, parent.service, span.service, error=span.error or (parent.error and _calls(parent)))
        elif not (span.first(_DESTINATION) or parent.first(_DESTINATION)):
            self._count(span, span.service, parent.service, error=span.error, via="messaging")

    def _parent(self, span: Span) -> Span | None:
        half = self._spans.get((span.trace, span.id, False)) if span.kind == "server" else None
        if half and half.kind == "client" and half.service != span.service:
            return half
        if span.parent is None:
            return None
        key = span.trace, span.parent
        return self._spans.get((*key, True)) or self._spans.get((*key, False))

    def _count(self, span: Span, source: Service, target: Service, *, error: bool, via: str | None = None) -> None:
        self._link(
            span,
            service_ref(self._connector, source),
            service_ref(self._connector, target),
            error=error,
            properties={"via": via} if via else {},
        )

    def _link(
        self,
        span: Span,
        source: Ref,
        target: Ref,
        *,
        error: bool,
        relation: str = "DEPENDS_ON",
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self._calls.link(
            source,
            target,
            span.spot,
            relation=relation,
            errors=int(error),
            observed_at=iso_time(span.ended),
            environment=span.environment,
            properties=properties,
        )

    def _read_message(self, span: Span) -> None:
        name = span.first(_DESTINATION)
        if name is None:
            return
        system = span.attributes.get("messaging.system", "messages")
        queue = self._calls.resource("queue", f"{system}-{name}", span.spot, [])
        service = service_ref(self._connector, span.service)
        if span.kind == "producer" or (span.kind != "consumer" and span.first(_OPERATION) in _SENDING):
            self._link(span, queue, service, error=span.error, relation="WRITTEN_BY")
        else:
            self._link(span, service, queue, error=span.error, relation="READS_FROM")

    def _read_peer(self, span: Span) -> None:
        target = self._database(span) if span.first(DATABASE) else self._external(span)
        if target:
            self._link(span, service_ref(self._connector, span.service), target, error=span.error)

    def _database(self, span: Span) -> Ref:
        """By its system and host, or its own name; a database without either is the caller's alone."""
        system, host = span.first(DATABASE), host_in(span.first(_HOST))
        name = host or span.first(_DATABASE_NAME) or span.attributes.get("peer.service") or span.service.name
        return self._calls.resource("database", f"{system}-{name}", span.spot, host_names(host) if host else [])

    def _external(self, span: Span) -> Ref | None:
        peer, host = span.attributes.get("peer.service"), host_in(span.first(_HOST))
        if peer:
            for namespace in (span.service.namespace, ""):
                ref = service_ref(self._connector, Service(peer, namespace))
                if self._findings.knows(ref):
                    return ref
            return self._calls.resource("external", peer, span.spot, [scoped("service.name", peer)])
        return self._calls.resource("external", host, span.spot, host_names(host)) if host else None


def _calls(span: Span) -> bool:
    return span.kind in ("client", "producer")
