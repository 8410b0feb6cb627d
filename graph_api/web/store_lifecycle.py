"""The store is opened beside the server: a database that is down at the start does not keep the process down."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from graph_api.errors import UNREACHABLE, CatalogError, ErrorCode
from graph_api.store.protocol import Store

FIRST_TRY = 5.0
"""Seconds that the server's start waits for the first try, so that usually the first request finds the store open."""
FIRST_WARMTH = 0.5
"""Seconds that it waits besides until the store is warm: no longer, since a lookup does not need that."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 2.0

logger = logging.getLogger(__name__)


class StoreLifecycle:
    """`on_open` runs before the first question, `warm_up` before the store counts as warm, and `beside` from then on,
    until it is cancelled; before that, `finish` lets it come to an end of its own. `on_replaced` is told why nothing is
    asked any more once the store is another one.
    """

    def __init__(
        self,
        store: Store,
        on_open: Callable[[], Awaitable[None]] | None = None,
        warm_up: Callable[[], Awaitable[None]] | None = None,
        beside: Callable[[], Awaitable[None]] | None = None,
        finish: Callable[[], Awaitable[None]] | None = None,
        on_replaced: Callable[[str], None] | None = None,
    ) -> None:
        self.store = store
        self._on_open = on_open
        self._warm_up = warm_up
        self._beside = beside
        self._finish = finish
        self._on_replaced = on_replaced
        self._opening: asyncio.Task[None] | None = None
        self._finishing: asyncio.Task[None] | None = None
        self.warm = False
        """Whether the first answers come as fast as later ones, as far as that can be helped."""
        self.problem: str | None = "The store is being opened."
        """Why the store cannot be asked; None once it is open."""
        self._replaced = False
        self.draining = False
        """Whether the server is about to end: what has begun is finished, and nothing new begins."""
        self._tried, self._warmed = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Opens the store, in the background if need be, and closes it. Raises what no further try can mend."""
        opening = self._opening = asyncio.create_task(self._open())
        try:
            await _wait(self._tried, FIRST_TRY)
            if self.problem is None:
                await _wait(self._warmed, FIRST_WARMTH)
            if opening.done():
                opening.result()
            yield
        finally:
            if self._finishing:
                await asyncio.gather(self._finishing, return_exceptions=True)
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            await self.store.close()

    def drain(self, seconds: float) -> None:
        """Begin nothing new beside the requests from now on; what runs there has so many seconds to end well."""
        if self.draining:
            return
        self.draining = True
        if self._finish:
            self._finishing = asyncio.create_task(self._end(self._finish, seconds))

    async def _end(self, finish: Callable[[], Awaitable[None]], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await finish()
        except TimeoutError:
            logger.warning("What runs beside the requests is ended after %g s and undone", seconds)

    def give_up(self, problem: str) -> None:
        """Ask nothing of the store any more, which is not the one that was opened; what runs beside ends now."""
        logger.error("Nothing is answered or synced any more: %s", problem)
        self.problem = problem
        self._replaced = True
        self._finish = None
        if self._opening:
            self._opening.cancel()
        if self._on_replaced:
            self._on_replaced(problem)

    def require_open(self) -> None:
        """Raise CatalogError UNAVAILABLE while the store cannot be asked."""
        if self.problem:
            raise CatalogError(ErrorCode.UNAVAILABLE, self.problem)

    def require_same(self) -> None:
        """Raise CatalogError UNAVAILABLE once the store has been replaced; for what can wait until it is open."""
        if self._replaced:
            self.require_open()

    async def _open(self) -> None:
        pause = FIRST_PAUSE
        while not await self._try_to_open():
            logger.warning("The store does not open, next try in %g s: %s", pause, self.problem)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        self._tried.set()
        await self._try_to_warm_up()
        self.warm = True
        self._warmed.set()
        if self._beside:
            await self._beside()

    async def _try_to_open(self) -> bool:
        try:
            await self.store.open()
            if self._on_open:
                await self._on_open()
        except CatalogError as error:
            self._tried.set()
            self.problem = error.message
            if error.code in UNREACHABLE:
                return False
            raise
        except Exception:
            self._tried.set()
            self.problem = "The store cannot be opened; the log says why."
            logger.exception("The store cannot be opened")
            raise
        self.problem = None
        return True

    async def _try_to_warm_up(self) -> None:
        try:
            if self._warm_up:
                await self._warm_up()
        except Exception as error:
            logger.warning("The first answers may be slow: warming up failed (%s)", str(error) or type(error).__name__)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, so many seconds at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
