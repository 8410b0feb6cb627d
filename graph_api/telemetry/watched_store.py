"""A store that is measured: how long each question took, for metrics, traces and the record of the request."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any, cast

from graph_api.catalog.audience import Visibility
from graph_api.store.protocol import Store, WriteTransaction
from graph_api.telemetry.metrics import STORE_RUNNING, STORE_SECONDS
from graph_api.telemetry.record import CURRENT
from graph_api.telemetry.tracing import span

Question = Callable[..., Coroutine[Any, Any, Any]]


def watched(store: Store, written: Callable[[], None] = lambda: None) -> Store:
    """The same store; whatever is awaited of it is measured. `written` is called after each write transaction."""
    return cast("Store", _Watched(store, written))


class _Watched:
    def __init__(self, store: Any, written: Callable[[], None]) -> None:
        self._store = store
        self._written = written

    def seen_by(self, visibility: Visibility) -> Any:
        return self if visibility.tokens is None else _Watched(self._store.seen_by(visibility), self._written)

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
    @wraps(question)
    async def ask(*arguments: Any, **named: Any) -> Any:
        with _measured(name):
            return await question(*arguments, **named)

    return ask


def _watch_write(
    write: Callable[[], AbstractAsyncContextManager[WriteTransaction]], written: Callable[[], None]
) -> Callable[[], AbstractAsyncContextManager[WriteTransaction]]:
    @asynccontextmanager
    async def measured_write() -> AsyncIterator[WriteTransaction]:
        with _measured("write"):
            async with write() as transaction:
                yield transaction
        written()

    return measured_write


@contextmanager
def _measured(question: str) -> Iterator[None]:
    begun = perf_counter()
    STORE_RUNNING.inc()
    try:
        with span(f"store.{question}"):
            yield
    finally:
        STORE_RUNNING.dec()
        seconds = perf_counter() - begun
        STORE_SECONDS.labels(question).observe(seconds)
        if request := CURRENT.get():
            request.questions += 1
            request.store_seconds += seconds
