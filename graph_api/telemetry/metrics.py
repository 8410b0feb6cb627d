"""What Prometheus can ask for. Labels come from closed tables; of names of sources, a bounded number is told."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from graph_api.telemetry.record import RequestRecord

REGISTRY = CollectorRegistry()

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Counter(
    "graph_api_requests",
    "Requests by type of operation (http for what is none) and outcome: OK, a code of an error, or CLIENT_GONE.",
    ("type", "outcome"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "graph_api_request_seconds", "Seconds until the whole answer.", ("type",), buckets=_SECONDS, registry=REGISTRY
)
REQUEST_COST = Histogram(
    "graph_api_request_cost",
    "Estimated cost of operations.",
    buckets=(10, 100, 1_000, 10_000, 100_000, 1_000_000),
    registry=REGISTRY,
)
STORE_SECONDS = Histogram(
    "graph_api_store_seconds", "Seconds that the store took.", ("question",), buckets=_SECONDS, registry=REGISTRY
)
STORE_RUNNING = Gauge("graph_api_store_running", "Questions that the store answers now.", registry=REGISTRY)
STORE_UP = Gauge("graph_api_store_up", "Whether the store answered the last time it was asked.", registry=REGISTRY)
ROUND_TRIPS = Counter("graph_api_database_round_trips", "Statements sent to Neo4j.", registry=REGISTRY)
CONNECTIONS = Gauge("graph_api_database_connections_in_use", "Connections to Neo4j that are in use.", registry=REGISTRY)
RETRIES = Counter(
    "graph_api_database_retries",
    "Answers that were asked for again: torn by a commit, or refused for a passing reason such as a deadlock.",
    ("reason",),
    registry=REGISTRY,
)
MIRROR_STATE = Gauge("graph_api_mirror_state", "1 for the state of the mirror of Neo4j.", ("state",), registry=REGISTRY)
MIRROR_ENTITIES = Gauge("graph_api_mirror_entities", "Entities that were loaded into the mirror.", registry=REGISTRY)
MIRROR_LINKS = Gauge("graph_api_mirror_links", "Links that were loaded into the mirror.", registry=REGISTRY)
MIRROR_LAG = Gauge("graph_api_mirror_revisions_behind", "When it was last looked at.", registry=REGISTRY)
MIRROR_LOADS = Counter(
    "graph_api_mirror_loads", "How often the mirror began to be loaded, and why.", ("reason",), registry=REGISTRY
)
MIRROR_LOAD_SECONDS = Gauge("graph_api_mirror_load_seconds", "That the last load took.", registry=REGISTRY)
MIRROR_ANSWERS = Counter(
    "graph_api_mirror_answers", "Questions that the mirror can answer, by who did.", ("by",), registry=REGISTRY
)
STREAMS = Gauge("graph_api_streams_open", "WebSockets and event streams that are open.", registry=REGISTRY)
LOOP_LAG = Histogram(
    "graph_api_event_loop_lag_seconds",
    "How much later than planned the event loop came back to its watchdog.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5),
    registry=REGISTRY,
)
SPANS_DROPPED = Counter("graph_api_spans_dropped", "Spans that no collector took.", registry=REGISTRY)
BUILD = Gauge("graph_api_build_info", "1, by version.", ("version", "python"), registry=REGISTRY)

SYNC_AGE = Gauge(
    "graph_api_source_seconds_since_seen",
    "Seconds since what the source states was last read from it.",
    ("source",),
    registry=REGISTRY,
)
SYNCS_HELD = Gauge("graph_api_source_held", "Syncs that wait to be confirmed.", ("source",), registry=REGISTRY)
SYNC_FAILED = Gauge("graph_api_source_failed", "Whether its last sync failed.", ("source",), registry=REGISTRY)
REMOVED = Gauge(
    "graph_api_source_removed", "Entities and links that its last sync removed.", ("source",), registry=REGISTRY
)

CLIENT_GONE = "CLIENT_GONE"


def count_request(request: RequestRecord, status: int | None, seconds: float) -> None:
    """Count a request. `status` None: the client was gone before there was an answer."""
    type_ = request.operation_type or "http"
    outcome = CLIENT_GONE if status is None else request.code or ("OK" if status < 400 else str(status))
    _requests(type_, outcome).inc()
    _request_seconds(type_).observe(seconds)
    if request.cost is not None:
        REQUEST_COST.observe(request.cost)


@cache
def _requests(type_: str, outcome: str) -> Counter:
    return REQUESTS.labels(type_, outcome)


@cache
def _request_seconds(type_: str) -> Histogram:
    return REQUEST_SECONDS.labels(type_)
