"""Writers of one process take turns. Those that change little are committed together where they would only wait for
each other: the lock, the gate and the commit cost as much for one write as for several.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from time import monotonic

from graph_api.errors import CatalogError
from graph_api.store.neo4j.database import LOCK_TIMEOUT
from graph_api.store.neo4j.failures import LockedError, closing
from graph_api.store.neo4j.transaction import Neo4jTransaction
from graph_api.store.neo4j.writes import Neo4jWrite

MOST = 32
"""Writes that are committed together."""
LONGEST = 0.2
"""Seconds after which nobody joins any more: the first one waits for all."""


class _Turn:
    """`given` once the write may begin, `left` with its error once it has ended, `done` once it is committed."""

    def __init__(self, *, small: bool) -> None:
        loop = asyncio.get_running_loop()
        self.small = small
        self.given: asyncio.Future[Neo4jWrite] = loop.create_future()
        self.left: asyncio.Future[BaseException | None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()

    def leave(self, error: BaseException | None = None) -> None:
        if not self.left.done():
            self.left.set_result(error)

    def fail(self, error: Exception) -> None:
        for future in (self.given, self.done):
            if not future.done():
                future.set_exception(error)
                future.exception()  # Whoever waits for it may be gone.


class Turns:
    """`open_` begins a transaction that holds the catalog's lock."""

    def __init__(self, open_: Callable[[], AbstractAsyncContextManager[Neo4jTransaction]]) -> None:
        self._open = open_
        self._waiting: deque[_Turn] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._is_committing = False

    @asynccontextmanager
    async def turn(self, *, small: bool) -> AsyncIterator[Neo4jWrite]:
        """Leaving it waits for the commit, also where nothing was written: what was seen may not be committed yet.

        Raises CatalogError UNAVAILABLE.
        """
        turn = _Turn(small=small)
        write = await self._begun(turn)
        try:
            yield write
        except BaseException as error:
            turn.leave(error)
            if isinstance(error, Exception):
                await asyncio.shield(turn.done)
            raise
        turn.leave()
        await asyncio.shield(turn.done)

    async def close(self) -> None:
        """Whoever still writes has lost it; what is being committed is waited for."""
        _fail(self._waiting, closing())
        if self._serving:
            if not self._is_committing:
                self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)

    async def _begun(self, turn: _Turn) -> Neo4jWrite:
        self._waiting.append(turn)
        if self._serving is None or self._serving.done():
            # In the context of no request: it serves them all.
            self._serving = asyncio.get_running_loop().create_task(self._serve(), context=Context())
        try:
            async with asyncio.timeout(LOCK_TIMEOUT):
                return await asyncio.shield(turn.given)
        except BaseException as error:
            # It may have been given at this very moment.
            turn.given.cancel()
            turn.leave(error)
            if isinstance(error, TimeoutError):
                raise LockedError from None
            raise

    async def _serve(self) -> None:
        while turn := self._next():
            turns = [turn]
            try:
                await self._commit_together(turns)
            except LockedError as error:
                _fail(turns, error)
            except Exception as error:
                # Whoever waits would meet the same, one after the other.
                _fail(turns if turn.given.done() else [*turns, *self._waiting], error)
            except BaseException:
                _fail([*turns, *self._waiting], closing())
                raise

    async def _commit_together(self, turns: list[_Turn]) -> None:
        """The first one with those that come while it lasts, which are put behind it."""
        async with self._open() as transaction:
            until = monotonic() + LONGEST
            turn: _Turn | None = turns[0]
            while turn:
                await self._take(turn, transaction)
                may_join = turn.small and transaction.is_open and len(turns) < MOST and monotonic() < until
                turn = self._next(small=True) if may_join else None
                turns += [turn] if turn else []
            self._is_committing = True
            try:
                await transaction.commit()
                _tell(turns)
                await transaction.finish()
            finally:
                self._is_committing = False

    async def _take(self, turn: _Turn, transaction: Neo4jTransaction) -> None:
        write = transaction.begin(turn.leave)
        if turn.given.done():
            return
        turn.given.set_result(write)
        error = await turn.left
        try:
            transaction.end(write, error)
        except CatalogError:
            turn.done.set_result(None)  # It has an error of its own.
            raise

    def _next(self, *, small: bool = False) -> _Turn | None:
        """Of those that still wait. With `small` none, where the first one is not."""
        while self._waiting and self._waiting[0].given.done():
            self._waiting.popleft()
        return self._waiting.popleft() if self._waiting and (self._waiting[0].small or not small) else None


def _tell(turns: Iterable[_Turn]) -> None:
    """That they are committed."""
    for turn in turns:
        if not turn.done.done():
            turn.done.set_result(None)


def _fail(turns: Iterable[_Turn], error: Exception) -> None:
    for turn in turns:
        turn.fail(error)
