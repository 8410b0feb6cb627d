"""News of the catalog for those who listen: one poller of its revision for all of them, whoever writes."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from graph_api.catalog.changes import Change
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.protocol import Store

BATCH = 100
"""Changes that are read at a time. Nothing waits for a slow listener: it reads on when it comes back."""
SHARED_READS = 32
AT_ONCE = 16
"""Listeners that look for what concerns them: hundreds hear of a write in the same moment."""
TURN = 0.1
"""Seconds after which a listener that still looks counts no more: whoever waits for the store keeps nobody waiting."""

_Place = tuple[int, Ref]

logger = logging.getLogger(__name__)


class ChangesReader(Protocol):
    """A store, or what one reader sees of it."""

    def changes(self, since: int, limit: int, after: _Place | None = None) -> Coroutine[Any, Any, list[Change]]: ...


class _Read:
    def __init__(self, task: asyncio.Task[list[Change]]) -> None:
        self._task = task
        self._waiting = 0

    async def answer(self) -> list[Change]:
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._task.cancel()

    @property
    def is_useless(self) -> bool:
        return not self._task.done() or self._task.cancelled() or self._task.exception() is not None


class LiveChanges:
    """Polls every `interval` seconds while somebody listens, and at once when it is woken."""

    def __init__(self, store: Store, interval: float = 1.0) -> None:
        self._store = store
        self._interval = interval
        self._revision = -1
        self._news = asyncio.Event()
        self._woken = asyncio.Event()
        self._listeners = 0
        self._poller: asyncio.Task[None] | None = None
        self._reads: dict[tuple[ChangesReader, int, _Place | None], _Read] = {}
        self._closed: str | None = None
        self._turns = asyncio.Semaphore(AT_ONCE)

    def wake(self) -> None:
        """Look for news at once: this process has written."""
        self._woken.set()

    def close(self, reason: str = "the server stops; listen again, since the last revision seen") -> None:
        """End with UNAVAILABLE for whoever listens, now or later."""
        self._closed = self._closed or reason
        self._tell()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn to look through changes, so that others are answered in between."""
        await self._turns.acquire()
        has_turn = True

        def give_back() -> None:
            nonlocal has_turn
            if has_turn:
                has_turn = False
                self._turns.release()

        timer = asyncio.get_running_loop().call_later(TURN, give_back)
        try:
            yield
        finally:
            timer.cancel()
            give_back()

    async def batches(
        self, reader: ChangesReader, since: int, until: float | None = None
    ) -> AsyncGenerator[list[Change], None]:
        """The changes after a revision as they happen, as the reader sees them, in their order; never an empty list.

        Ends at `until`, in seconds since 1970. Raises CatalogError TOO_OLD, and UNAVAILABLE when the store does not
        answer or it is closed.
        """
        async with self._listening():
            while (revision := await self._past(since, until)) is not None:
                after: _Place | None = None
                while rows := await self._changes(reader, since, after):
                    yield rows
                    after = rows[-1].revision, rows[-1].ref
                since = max(revision, after[0] if after else 0)

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        self._listeners += 1
        poller = self._poller = self._poller or asyncio.create_task(self._poll())
        try:
            yield
        finally:
            self._listeners -= 1
            if not self._listeners:
                poller.cancel()
                self._poller = None

    async def _poll(self) -> None:
        while True:
            self._woken.clear()
            try:
                self._see(await self._store.revision())
            except CatalogError:
                pass  # Who reads is told by the store itself; the others wait until it is back.
            except Exception:
                logger.exception("The catalog's revision cannot be read")
            # asyncio.wait_for() of Python 3.11 may lose a cancellation.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._woken.wait()

    def _see(self, revision: int) -> None:
        if revision != self._revision:
            self._revision = revision
            self._tell()

    def _tell(self) -> None:
        self._reads.clear()
        self._news.set()
        self._news = asyncio.Event()

    async def _past(self, revision: int, until: float | None) -> int | None:
        """The catalog's revision, as soon as it is past this one; None when it is too late."""
        try:
            async with asyncio.timeout(None if until is None else until - time.time()):
                while not self._closed and self._revision <= revision:
                    await self._news.wait()
        except TimeoutError:
            return None
        if self._closed:
            raise CatalogError(ErrorCode.UNAVAILABLE, self._closed)
        return self._revision

    async def _changes(self, reader: ChangesReader, since: int, after: _Place | None) -> list[Change]:
        """All who see everything and are at one place share one read, which ends when none of them waits any more."""
        key = reader, since, after
        if key not in self._reads:
            if len(self._reads) >= SHARED_READS:
                self._reads.clear()
            self._reads[key] = _Read(asyncio.create_task(reader.changes(since, BATCH, after)))
        read = self._reads[key]
        try:
            return await read.answer()
        finally:
            if read.is_useless and self._reads.get(key) is read:
                del self._reads[key]
