"""Whose request runs next: every caller has a share, and those who wait take turns."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from time import monotonic

from graph_api.web.places import share_of

OTHERS_ASK = 10.0
"""Seconds after a request for which its caller counts as one who asks."""
ALONE = 8
"""Requests that run together may share what each would have to ask of the database: where the catalog is, a commit."""
BEGINNING = 0.25
"""Seconds that a request needs the processor for; one that runs longer mostly waits for its answers."""


class BusyError(Exception):
    """There is no place left to wait, for this caller or for all."""


class FairQueue:
    """At most `running` requests run and `waiting` wait. One caller may have three quarters of all places.

    While nobody else asks, up to ALONE of its requests run (a quarter of all, if that is less). While others ask too, a
    sixteenth of all (two at the least), because they also share one processor, and its requests begin one after the
    other, each when the one before has ended or is beyond its beginning.
    """

    def __init__(self, running: int, waiting: int, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._most_running = running
        self._most_present = running + waiting
        self._share_running = share_of(running)
        self._share_alone = max(self._share_running, min(ALONE, running // 4))
        self._share_present = max(self._share_running + 1, 3 * self._most_present // 4)
        self._running: Counter[str] = Counter()
        self._present: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Event]] = {}
        self._beginning: dict[str, asyncio.Event] = {}
        """The place of each caller that began last, while it is in its beginning."""
        self._last_caller: str | None = None
        self._shared_until = 0.0

    def turn(self, caller: str) -> "_Turn":
        """Return a context manager that waits for the caller's turn and holds it. Entering it raises BusyError."""
        return _Turn(self, caller)

    async def enter(self, caller: str) -> tuple[asyncio.Event, asyncio.TimerHandle]:
        """Wait for the caller's turn, and return what leave() takes. Raises BusyError."""
        if self._present.total() >= self._most_present or self._present[caller] >= self._share_present:
            raise BusyError
        self._note(caller)
        self._present[caller] += 1
        try:
            place = await self._wait(caller)
        except asyncio.CancelledError:
            self._go(caller)
            raise
        return place, asyncio.get_running_loop().call_later(BEGINNING, self._let_next, caller, place)

    def leave(self, caller: str, place: asyncio.Event, timer: asyncio.TimerHandle) -> None:
        timer.cancel()
        self._end(caller, place)
        self._go(caller)

    def _go(self, caller: str) -> None:
        self._leave(self._present, caller)
        self._let_run()

    def _note(self, caller: str) -> None:
        if self._last_caller not in (None, caller):
            self._shared_until = self._clock() + OTHERS_ASK
        self._last_caller = caller

    async def _wait(self, caller: str) -> asyncio.Event:
        place = asyncio.Event()
        if not self._waiting and self._may_run(caller):
            self._begin(caller, place)
            return place
        self._waiting.setdefault(caller, deque()).append(place)
        self._let_run()
        try:
            await place.wait()
        except asyncio.CancelledError:
            self._give_up(caller, place)
            raise
        return place

    def _give_up(self, caller: str, place: asyncio.Event) -> None:
        if place.is_set():
            self._end(caller, place)
            return
        self._waiting[caller].remove(place)
        if not self._waiting[caller]:
            del self._waiting[caller]

    def _let_run(self) -> None:
        while (caller := next(filter(self._may_run, self._waiting), None)) is not None:
            # Whoever had a turn comes last in the next round.
            places = self._waiting.pop(caller)
            place = places.popleft()
            if places:
                self._waiting[caller] = places
            self._begin(caller, place)

    def _may_run(self, caller: str) -> bool:
        if self._running.total() >= self._most_running:
            return False
        if self._clock() >= self._shared_until:
            return self._running[caller] < self._share_alone
        return self._running[caller] < self._share_running and caller not in self._beginning

    def _begin(self, caller: str, place: asyncio.Event) -> None:
        self._running[caller] += 1
        self._beginning[caller] = place
        place.set()

    def _let_next(self, caller: str, place: asyncio.Event) -> None:
        self._end_beginning(caller, place)
        self._let_run()

    def _end_beginning(self, caller: str, place: asyncio.Event) -> None:
        if self._beginning.get(caller) is place:
            del self._beginning[caller]

    def _end(self, caller: str, place: asyncio.Event) -> None:
        self._end_beginning(caller, place)
        self._leave(self._running, caller)

    def _leave(self, places: Counter[str], caller: str) -> None:
        places[caller] -= 1
        if not places[caller]:
            del places[caller]


class _Turn:
    """A caller's turn as a context manager, without a generator, which costs more than the turn itself."""

    __slots__ = ("_caller", "_held", "_queue")

    def __init__(self, queue: FairQueue, caller: str) -> None:
        self._queue = queue
        self._caller = caller

    async def __aenter__(self) -> None:
        self._held = await self._queue.enter(self._caller)

    async def __aexit__(self, *_error: object) -> None:
        self._queue.leave(self._caller, *self._held)
