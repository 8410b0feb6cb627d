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


class _Waiter:
    """`begun` once the write may begin, `ended` with its error once it has ended, `committed` once it is committed."""

    def __init__(self, *, small: bool) -> None:
        loop = asyncio.get_running_loop()
        self.small = small
        self.begun: asyncio.Future[Neo4jWrite] = loop.create_future()
        self.ended: asyncio.Future[BaseException | None] = loop.create_future()
        self.committed: asyncio.Future[None] = loop.create_future()

    def leave(self, error: BaseException | None = None) -> None:
        if not self.ended.done():
            self.ended.set_result(error)

    def fail(self, error: Exception) -> None:
        for future in (self.begun, self.committed):
            if not future.done():
                future.set_exception(error)
                future.exception()  # Whoever waits for it may be gone.


class GroupCommit:
    """Commits small writes together. `open_` begins a transaction that holds the catalog's lock."""

    def __init__(self, open_: Callable[[], AbstractAsyncContextManager[Neo4jTransaction]]) -> None:
        self._open = open_
        self._waiting: deque[_Waiter] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._is_committing = False

    @asynccontextmanager
    async def write(self, *, small: bool) -> AsyncIterator[Neo4jWrite]:
        """Yield a write once it may begin. Leaving it waits for the commit, also where nothing was written: what was
        seen may not be committed yet.

        Raises CatalogError UNAVAILABLE.
        """
        waiter = _Waiter(small=small)
        write = await self._begun(waiter)
        try:
            yield write
        except BaseException as error:
            waiter.leave(error)
            if isinstance(error, Exception):
                await asyncio.shield(waiter.committed)
            raise
        waiter.leave()
        await asyncio.shield(waiter.committed)

    async def close(self) -> None:
        """End all writes: whoever still writes has lost it; what is being committed is waited for."""
        _fail(self._waiting, closing())
        if self._serving:
            if not self._is_committing:
                self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)

    async def _begun(self, waiter: _Waiter) -> Neo4jWrite:
        self._waiting.append(waiter)
        if self._serving is None or self._serving.done():
            # In the context of no request: it serves them all.
            self._serving = asyncio.get_running_loop().create_task(self._serve(), context=Context())
        try:
            async with asyncio.timeout(LOCK_TIMEOUT):
                return await asyncio.shield(waiter.begun)
        except BaseException as error:
            # It may have begun at this very moment.
            waiter.begun.cancel()
            waiter.leave(error)
            if isinstance(error, TimeoutError):
                raise LockedError from None
            raise

    async def _serve(self) -> None:
        while waiter := self._next():
            group = [waiter]
            try:
                await self._commit_together(group)
            except LockedError as error:
                _fail(group, error)
            except Exception as error:
                # Whoever waits would meet the same, one after the other.
                _fail(group if waiter.begun.done() else [*group, *self._waiting], error)
            except BaseException:
                _fail([*group, *self._waiting], closing())
                raise

    async def _commit_together(self, group: list[_Waiter]) -> None:
        """Commit the first one with those that come while it lasts, which are put behind it."""
        async with self._open() as transaction:
            until = monotonic() + LONGEST
            waiter: _Waiter | None = group[0]
            while waiter:
                await self._take(waiter, transaction)
                may_join = waiter.small and transaction.is_open and len(group) < MOST and monotonic() < until
                waiter = self._next(small=True) if may_join else None
                group += [waiter] if waiter else []
            self._is_committing = True
            try:
                await transaction.commit()
                _tell(group)
                await transaction.finish()
            finally:
                self._is_committing = False

    async def _take(self, waiter: _Waiter, transaction: Neo4jTransaction) -> None:
        write = transaction.begin(waiter.leave)
        if waiter.begun.done():
            return
        waiter.begun.set_result(write)
        error = await waiter.ended
        try:
            transaction.end(write, error)
        except CatalogError:
            waiter.committed.set_result(None)  # It has an error of its own.
            raise

    def _next(self, *, small: bool = False) -> _Waiter | None:
        """Take the first of those that still wait; None if there is none, or with `small` if the first one is not."""
        while self._waiting and self._waiting[0].begun.done():
            self._waiting.popleft()
        return self._waiting.popleft() if self._waiting and (self._waiting[0].small or not small) else None


def _tell(group: Iterable[_Waiter]) -> None:
    """Tell the group that they are committed."""
    for waiter in group:
        if not waiter.committed.done():
            waiter.committed.set_result(None)


def _fail(group: Iterable[_Waiter], error: Exception) -> None:
    for waiter in group:
        waiter.fail(error)
