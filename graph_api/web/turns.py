"""Whose request runs next: every caller has a share, and those who wait take turns."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph_api.web.places import share_of


class BusyError(Exception):
    """There is no place left to wait, for this caller or for all."""


class Turns:
    """At most `running` requests run and `waiting` wait. One caller may have a sixteenth of the running ones (two at
    the least), because they also share one processor, and three quarters of all places.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._most_running = running
        self._most_present = running + waiting
        self._share_running = share_of(running)
        self._share_present = max(self._share_running + 1, 3 * self._most_present // 4)
        self._running: Counter[str] = Counter()
        self._present: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Event]] = {}

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Raises BusyError."""
        if self._present.total() >= self._most_present or self._present[caller] >= self._share_present:
            raise BusyError
        self._present[caller] += 1
        try:
            await self._wait(caller)
            try:
                yield
            finally:
                self._leave(self._running, caller)
        finally:
            self._leave(self._present, caller)
            self._let_run()

    async def _wait(self, caller: str) -> None:
        if not self._waiting and self._may_run(caller) and self._running.total() < self._most_running:
            self._running[caller] += 1
            return
        place = asyncio.Event()
        self._waiting.setdefault(caller, deque()).append(place)
        self._let_run()
        try:
            await place.wait()
        except asyncio.CancelledError:
            self._give_up(caller, place)
            raise

    def _give_up(self, caller: str, place: asyncio.Event) -> None:
        if place.is_set():
            self._leave(self._running, caller)
            return
        self._waiting[caller].remove(place)
        if not self._waiting[caller]:
            del self._waiting[caller]

    def _let_run(self) -> None:
        while self._running.total() < self._most_running and (caller := self._next()) is not None:
            # Whoever had a turn comes last in the next round.
            places = self._waiting.pop(caller)
            place = places.popleft()
            if places:
                self._waiting[caller] = places
            self._running[caller] += 1
            place.set()

    def _next(self) -> str | None:
        return next(filter(self._may_run, self._waiting), None)

    def _may_run(self, caller: str) -> bool:
        return self._running[caller] < self._share_running

    def _leave(self, places: Counter[str], caller: str) -> None:
        places[caller] -= 1
        if not places[caller]:
            del places[caller]
