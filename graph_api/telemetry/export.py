"""Spans to a collector, from a thread of its own: one that is down or slow costs spans, which are counted, not time."""

import logging
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from graph_api.telemetry.metrics import SPANS_DROPPED

WAITING = 4_096
"""Spans that wait for the collector at most."""
BATCH = 512
TIMEOUT = 5
LAST_SECONDS = 1.0
"""Seconds for the last spans, when the server ends."""

logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the metric tells of lost spans, not a line for each


class Export:
    def __init__(self, endpoint: str) -> None:
        self._queue = _Queue(OTLPSpanExporter(endpoint=endpoint, timeout=TIMEOUT))
        resource = Resource({"service.name": "graph-api", "service.version": version("graph-api")})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(self._queue)
        self._tracer = self._provider.get_tracer("graph_api")

    @contextmanager
    def span(self, name: str, headers: Mapping[str, str] | None) -> Iterator["_Span"]:
        parent = TraceContextTextMapPropagator().extract(headers) if headers is not None else None
        # What an exception says may quote a client's text.
        with self._tracer.start_as_current_span(
            name, parent, record_exception=False, set_status_on_exception=False
        ) as current:
            yield _Span(current)

    def close(self) -> None:
        self._queue.shutdown()


class _Span:
    def __init__(self, current: trace.Span) -> None:
        self._current = current
        self.trace_id: str | None = trace.format_trace_id(current.get_span_context().trace_id)

    def set(self, name: str, value: str | int | None) -> None:
        if value is not None:
            self._current.set_attribute(name, value)


class _Queue(SpanProcessor):
    """Bounded: what finds no place in it, or no collector behind it, is dropped and counted."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._waiting: queue.Queue[ReadableSpan | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="span-export", daemon=True)
        self._thread.start()

    def on_start(self, span: trace.Span, parent_context: Context | None = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        try:
            self._waiting.put_nowait(span)
        except queue.Full:
            SPANS_DROPPED.inc()

    def shutdown(self) -> None:
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(LAST_SECONDS)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the interface's
        return self._waiting.empty()

    def _run(self) -> None:
        while batch := self._batch():
            spans = [span for span in batch if span]
            if spans and self._export(spans) is not SpanExportResult.SUCCESS:
                SPANS_DROPPED.inc(len(spans))
            if batch[-1] is None:
                return

    def _export(self, spans: list[ReadableSpan]) -> SpanExportResult:
        try:
            return self._exporter.export(spans)
        except Exception:
            return SpanExportResult.FAILURE

    def _batch(self) -> list[ReadableSpan | None]:
        """Wait for the first span, and return it with others that wait. None, at the end, is the last."""
        batch = [self._waiting.get()]
        while batch[-1] is not None and len(batch) < BATCH:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch
