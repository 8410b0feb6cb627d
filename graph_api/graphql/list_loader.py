"""Strawberry's DataLoader for lists: who asks for many keys waits for one future, not for one per key."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from itertools import chain
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ListLoader(Generic[K, V]):
    """`ask` answers keys in their order. What is asked in one tick is one question; what was answered is kept."""

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        self._ask = ask
        self._answers: dict[K, V] = {}
        self._lists: DataLoader[tuple[K, ...], None] = DataLoader(load_fn=self._load)

    async def load(self, key: K) -> V:
        return (await self.load_many((key,)))[0]

    async def load_many(self, keys: Iterable[K]) -> list[V]:
        """Return the answers to these keys, in order. Raises what `ask` raises."""
        keys = tuple(keys)
        missing = tuple(key for key in keys if key not in self._answers)
        if missing:
            await self._lists.load(missing)
        return [self._answers[key] for key in keys]

    async def _load(self, lists: Sequence[tuple[K, ...]]) -> list[None]:
        keys = list(dict.fromkeys(chain.from_iterable(lists)))
        self._answers.update(zip(keys, await self._ask(keys), strict=True))
        return [None] * len(lists)
