"""Traces go to a collector by OTLP/HTTP; one that is down or blocks costs spans, and no request waits."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from graph_api.app import create_app
from graph_api.settings import load_settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.telemetry import export
from graph_api.telemetry.metrics import REGISTRY
from graph_api.telemetry.tracing import tracing

SOON = 20.0
"""Seconds: longer than a busy machine may take, and far less than a collector that blocks."""
CANARY = "canary-91be"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
QUERY = {"query": "query Names($t: String!) { search(text: $t) { totalCount } }", "variables": {"t": CANARY}}


class Collector:
    """Keeps what it got; one that `blocks` never answers."""

    def __init__(self, *, blocks: bool = False) -> None:
        self.bodies: list[bytes] = []
        self.released = threading.Event()
        if not blocks:
            self.released.set()

    @contextmanager
    def listening(self) -> Iterator[str]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                collector.released.wait(60)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/v1/traces"
            finally:
                self.released.set()
                server.shutdown()
                thread.join()

    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@asynccontextmanager
async def traced(folder: Path, endpoint: str) -> AsyncIterator[httpx.AsyncClient]:
    with tracing(endpoint):
        app = create_app(load_settings(chosen={"insecure_anonymous": True}), EmbeddedStore(folder / "catalog.db"))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        ):
            yield client


async def test_a_request_is_a_trace_of_its_operation_and_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "LAST_SECONDS", 60.0)
    collector = Collector()
    with collector.listening() as endpoint:
        async with traced(tmp_path, endpoint) as client:
            headers = {"traceparent": PARENT, "x-api-key": CANARY}
            assert (await client.post("/graphql", json=QUERY, headers=headers)).status_code == 200
    mine = [span for span in collector.spans() if span.trace_id.hex() == PARENT.split("-")[1]]
    (request,) = [span for span in mine if span.name == "request"]
    (operation,) = [span for span in mine if span.name == "graphql.query"]
    assert request.parent_span_id.hex() == PARENT.split("-")[2]
    assert operation.parent_span_id == request.span_id
    assert {span.parent_span_id for span in mine if span.name == "store.search"} == {operation.span_id}
    attributes = {pair.key: pair.value for pair in operation.attributes}
    assert attributes["graphql.operation.name"].string_value == "Names"
    assert len(attributes["graphql.document.sha256"].string_value) == 64
    assert CANARY.encode() not in b"".join(collector.bodies)
    assert b"totalCount" not in b"".join(collector.bodies)


def spans_dropped() -> float:
    return REGISTRY.get_sample_value("graph_api_spans_dropped_total") or 0


@pytest.mark.parametrize("fault", ["down", "blocking"])
async def test_a_collector_that_is_away_costs_spans_and_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(export, "WAITING", 20)
    monkeypatch.setattr(export, "BATCH", 10)
    monkeypatch.setattr(export, "TIMEOUT", 60)
    dropped = spans_dropped()
    collector = Collector(blocks=fault == "blocking")
    with collector.listening() as listening:
        endpoint = listening if fault == "blocking" else "http://127.0.0.1:1/v1/traces"
        async with traced(tmp_path, endpoint) as client:
            begun = time.monotonic()
            for _ in range(50):
                assert (await client.post("/graphql", json=QUERY)).status_code == 200
            assert time.monotonic() - begun < SOON
            stopped = time.monotonic()
        assert time.monotonic() - stopped < SOON
    assert spans_dropped() > dropped
