"""A writer's planning in a thread, so that the event loop answers others while thousands of rows are planned."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, Generic, TypeVar, cast

from graph_api.store.protocol import WriteTransaction

T = TypeVar("T")


async def in_thread(tx: WriteTransaction, work: Callable[[WriteTransaction], Coroutine[Any, Any, T]]) -> T:
    """What `work` makes of a write transaction. It may await nothing else.

    Its own steps run in a thread, what it asks of the transaction runs here.
    """
    running = work(cast("WriteTransaction", _Questions(tx)))
    step: Callable[[], _Call] = partial(running.send, None)
    freeze = not is_frozen_for_good()
    try:
        while True:
            reached = await asyncio.to_thread(_advance, step, freeze=freeze)
            if isinstance(reached, _Result):
                return cast("T", reached.value)
            try:
                step = partial(running.send, await reached.ask())
            except Exception as error:
                step = partial(running.throw, error)
    finally:
        # Cancelled before a thread took it, it would complain that nobody awaited it.
        if getcoroutinestate(running) == CORO_CREATED:
            running.close()
        if freeze:
            gc.unfreeze()


@cache
def is_frozen_for_good() -> bool:
    """What a server has frozen for good cannot be told apart from what is frozen here, and takes milliseconds to count:
    who freezes it clears the cache."""
    return gc.get_freeze_count() > 0


@dataclass(frozen=True, slots=True)
class _Result(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _Call:
    """Awaited, it suspends the work until the transaction has been asked."""

    ask: Callable[[], Awaitable[Any]]

    def __await__(self) -> Generator["_Call", Any, Any]:
        return (yield self)


class _Questions:
    """Stands for the transaction in the thread."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    @property
    def revision(self) -> int:
        return self._tx.revision

    def __getattr__(self, name: str) -> Callable[..., _Call]:
        method = getattr(self._tx, name)
        return lambda *arguments: _Call(partial(method, *arguments))


def _advance(step: Callable[[], _Call], *, freeze: bool) -> _Call | _Result[Any]:
    try:
        with _no_garbage_collection(freeze=freeze):
            return step()
    except StopIteration as done:
        return _Result(done.value)


@contextmanager
def _no_garbage_collection(*, freeze: bool) -> Iterator[None]:
    """A large plan makes millions of objects that stay: looking for cycles among them takes as long as planning.

    Frozen, they are not looked at while the plan is written either.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if freeze:
            gc.freeze()
        gc.enable()
