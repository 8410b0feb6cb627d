"""A writer's planning in a thread, so that the event loop answers others while thousands of rows are planned."""

import gc
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from inspect import CORO_CREATED, getcoroutinestate
from time import monotonic
from typing import Any, Generic, TypeVar, cast

from graph_api.store.protocol import WriteTransaction

T = TypeVar("T")

LONGEST_STEP = 1.0
"""Seconds after which a plan comes out of its thread, where it may be cancelled and garbage is collected."""


async def in_thread(tx: WriteTransaction, work: Callable[[WriteTransaction], Coroutine[Any, Any, T]]) -> T:
    """What `work` makes of a write transaction. It may await nothing else.

    It runs in the transaction's thread, and so does what it asks, if that can be answered there.
    """
    thread = await tx.thread()
    running = work(cast("WriteTransaction", _Questions(tx, thread.here)))
    step: Callable[[], _Call] = partial(running.send, None)
    freeze = not is_frozen_for_good()
    try:
        while True:
            reached = await thread.run(partial(_advance, step, freeze=freeze))
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

    def __init__(self, tx: WriteTransaction, here: Callable[[], object]) -> None:
        self._tx = tx
        self._here = here
        self._step_ends = monotonic() + LONGEST_STEP

    @property
    def revision(self) -> int:
        return self._tx.revision

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if (method := getattr(self._here(), name, None)) and monotonic() < self._step_ends:
            return cast("Callable[..., Awaitable[Any]]", method)
        return partial(self._ask_outside, getattr(self._tx, name))

    async def _ask_outside(self, method: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        answer = await _Call(partial(method, *arguments))
        self._step_ends = monotonic() + LONGEST_STEP
        return answer


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
