"""A writer's planning in a thread, so that the event loop answers others while thousands of rows are planned."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from inspect import CORO_CREATED, getcoroutinestate
from time import monotonic
from typing import Any, Generic, TypeVar, cast

from graph_api.catalog.entity import Entity, Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.store.protocol import NotHereError, WriteTransaction

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

LONGEST_STEP = 1.0
"""Seconds after which a plan comes out of its thread, where it may be cancelled and garbage is collected."""
MOST_KNOWN = 10_000
"""Answers to each question that are kept at most; those of a large write stay with the plan itself."""


async def in_thread(tx: WriteTransaction, work: Callable[[WriteTransaction], Coroutine[Any, Any, T]]) -> T:
    """Return what `work` makes of a write transaction. It may await nothing else.

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


async def pause(tx: WriteTransaction) -> None:
    """Come out of the thread once a step has taken long. To be called in each turn of a long loop that asks nothing."""
    if isinstance(tx, _Questions):
        await tx.pause()


@cache
def is_frozen_for_good() -> bool:
    """Whether a server has frozen objects for good. They cannot be told apart from what is frozen here, and take
    milliseconds to count: who freezes them clears the cache.
    """
    return gc.get_freeze_count() > 0


@dataclass(frozen=True, slots=True)
class _Result(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _Call:
    """A question of the work: awaited, it suspends the work until the transaction has been asked."""

    ask: Callable[[], Awaitable[Any]]

    def __await__(self) -> Generator["_Call", Any, Any]:
        return (yield self)


class _Questions:
    """Stands for the transaction in the thread. What the plan has read of single things it need not ask again, until
    it writes.
    """

    def __init__(self, tx: WriteTransaction, here: Callable[[], object]) -> None:
        self._tx = tx
        self._here = here
        self._step_ends = monotonic() + LONGEST_STEP
        self._known: dict[str, dict[Any, Any]] = {}

    @property
    def revision(self) -> int:
        return self._tx.revision

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        return await self._each("entities", refs)

    async def links(self, keys: Collection[LinkKey]) -> dict[LinkKey, Link]:
        return await self._each("links", keys)

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return await self._each("resolve", identifiers)

    async def pause(self) -> None:
        if monotonic() >= self._step_ends:
            await self._ask_outside(partial(asyncio.sleep, 0))

    async def _each(self, question: str, keys: Collection[K]) -> dict[K, Any]:
        known = self._known.setdefault(question, {})
        missing = [key for key in keys if key not in known]
        found = await self._asking(question)(missing) if missing else {}
        if len(known) + len(missing) <= MOST_KNOWN:
            known.update(dict.fromkeys(missing) | found)
        return found | {key: known[key] for key in keys if known.get(key) is not None}

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name.startswith("apply"):
            self._known.clear()
        return self._asking(name)

    def _asking(self, name: str) -> Callable[..., Awaitable[Any]]:
        outside = getattr(self._tx, name)
        if (method := getattr(self._here(), name, None)) and monotonic() < self._step_ends:
            return partial(self._ask_here, method, outside)
        return partial(self._ask_outside, outside)

    async def _ask_here(
        self, method: Callable[..., Awaitable[Any]], outside: Callable[..., Awaitable[Any]], *arguments: Any
    ) -> Any:
        try:
            return await method(*arguments)
        except NotHereError:
            return await self._ask_outside(outside, *arguments)

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
