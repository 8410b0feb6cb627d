"""A store that is measured: how long each question took, for metrics, traces and the record of the request."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import wraps
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any, cast

from prometheus_client import Histogram

from graph_api.catalog.audience import Visibility
from graph_api.store.protocol import Needed, Store, WriteTransaction
from graph_api.telemetry.metrics import STORE_RUNNING, STORE_SECONDS
from graph_api.telemetry.record import CURRENT
from graph_api.telemetry.tracing import span

Question = Callable[..., Coroutine[Any, Any, Any]]


def watched(store: Store, written: Callable[[], None] = lambda: None) -> Store:
    """Return the store; whatever is awaited of it is measured. `written` is called after each write transaction."""
    return cast("Store", _Watched(store, written))


class _Watched:
    def __init__(self, store: Any, written: Callable[[], None]) -> None:
        self._store = store
        self._written = written

    def seen_by(self, visibility: Visibility, needed: Needed | None = None) -> Any:
        seen = self._store.seen_by(visibility, needed)
        return self if seen is self._store else _Watched(seen, self._written)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name == "write":
            found = _watch_write(found, self._written)
        elif iscoroutinefunction(found):
            found = _watch(name, found)
        else:
            return found  # may be another one the next time
        setattr(self, name, found)
        return found


def _watch(name: str, question: Question) -> Question:
    seconds, span_name = STORE_SECONDS.labels(name), f"store.{name}"

    @wraps(question)
    async def ask(*arguments: Any, **named: Any) -> Any:
        begun = _begin()
        try:
            with span(span_name):
                return await question(*arguments, **named)
        finally:
            _end(begun, seconds)

    return ask


def _watch_write(
    write: Callable[..., AbstractAsyncContextManager[WriteTransaction]], written: Callable[[], None]
) -> Callable[..., AbstractAsyncContextManager[WriteTransaction]]:
    seconds = STORE_SECONDS.labels("write")

    @asynccontextmanager
    async def measured_write(*, small: bool = False) -> AsyncIterator[WriteTransaction]:
        begun = _begin()
        try:
            with span("store.write"):
                async with write(small=small) as transaction:
                    yield transaction
        finally:
            _end(begun, seconds)
        written()

    return measured_write


def _begin() -> float:
    STORE_RUNNING.inc()
    return perf_counter()


def _end(begun: float, seconds: Histogram) -> None:
    STORE_RUNNING.dec()
    taken = perf_counter() - begun
    seconds.observe(taken)
    if request := CURRENT.get():
        request.questions += 1
        request.store_seconds += taken
