"""Questions to the store in batches, as Strawberry's DataLoader: but who asks for many keys waits once, not per key."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class DataLoader(Generic[K, V]):
    """`ask` answers keys in their order. What is asked in one tick is one question, and no key is asked twice."""

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        self._ask = ask
        self._answers: dict[K, V] = {}
        self._batches: dict[K, _Batch[K]] = {}
        self._open: _Batch[K] | None = None

    async def load(self, key: K) -> V:
        return (await self.load_many((key,)))[0]

    async def load_many(self, keys: Iterable[K]) -> list[V]:
        """Raises what `ask` raises, also later."""
        keys = list(keys)
        missing = [key for key in keys if key not in self._answers]
        if missing:
            for batch in self._batches_of(missing):
                await batch.ended()
        return [self._answers[key] for key in keys]

    def _batches_of(self, keys: Iterable[K]) -> "set[_Batch[K]]":
        new = [key for key in dict.fromkeys(keys) if key not in self._batches]
        if new:
            self._open = self._open or self._begin()
            self._open.keys += new
            self._batches.update(dict.fromkeys(new, self._open))
        return {self._batches[key] for key in keys}

    def _begin(self) -> "_Batch[K]":
        batch = _Batch[K]()
        asyncio.get_running_loop().call_soon(self._close, batch)
        return batch

    def _close(self, batch: "_Batch[K]") -> None:
        self._open = None
        batch.task = asyncio.ensure_future(self._answer(batch))

    async def _answer(self, batch: "_Batch[K]") -> None:
        try:
            self._answers.update(zip(batch.keys, await self._ask(batch.keys), strict=True))
        except Exception as error:
            batch.error = error
        batch.end()


class _Batch(Generic[K]):
    def __init__(self) -> None:
        self.keys: list[K] = []
        self.error: Exception | None = None
        self.task: asyncio.Future[None] | None = None
        self._is_over = False
        self._waiting: list[asyncio.Future[None]] = []

    async def ended(self) -> None:
        """Raises its error. Each waits for a future of its own, so that one that is cancelled cancels no other."""
        if not self._is_over:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
        if self.error:
            raise self.error

    def end(self) -> None:
        self._is_over = True
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
