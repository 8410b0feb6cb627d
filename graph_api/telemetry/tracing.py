"""Traces: a request, the operation in it, and the questions to the store. No texts of clients, and nothing waits.

Outside of tracing() a span costs nothing and goes nowhere.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from graph_api.telemetry.export import Export


class Span(Protocol):
    trace_id: str | None

    def set(self, name: str, value: str | int | None) -> None:
        """Set an attribute; None sets nothing."""
        ...


class _NoSpan:
    trace_id: str | None = None

    def set(self, name: str, value: str | int | None) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


_NO_SPAN = _NoSpan()
_export: "Export | None" = None


@contextmanager
def tracing(endpoint: str | None) -> Iterator[None]:
    """Spans go to this OTLP/HTTP endpoint meanwhile. Raises ModuleNotFoundError without the extra `otel`."""
    global _export
    if endpoint is None:
        yield
        return
    from graph_api.telemetry.export import Export

    _export = Export(endpoint)
    try:
        yield
    finally:
        ended, _export = _export, None
        ended.close()


def span(name: str, headers: Mapping[str, str] | None = None) -> AbstractContextManager[Span]:
    """Return a context manager for a span; `headers` may name the client's own span (traceparent)."""
    return _NO_SPAN if _export is None else _export.span(name, headers)
