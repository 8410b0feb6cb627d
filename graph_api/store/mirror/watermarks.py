"""Where Neo4j is, at one statement for all who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable

from graph_api.store.neo4j.watermark import Watermark


class Watermarks:
    def __init__(self, ask: Callable[[], Awaitable[Watermark]]) -> None:
        self._ask = ask
        self._running: asyncio.Task[Watermark] | None = None
        self._next: asyncio.Task[Watermark] | None = None

    async def newest(self) -> Watermark:
        """Return where Neo4j is, by a statement that is sent from now on: one runs, and one is for all who come
        meanwhile.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._asked_after(self._running))
            self._next.add_done_callback(_heard)
        return await asyncio.shield(self._next)

    async def _asked_after(self, running: asyncio.Task[Watermark] | None) -> Watermark:
        if running:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        return await self._ask()

    async def close(self) -> None:
        tasks = [task for task in (self._running, self._next) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _heard(task: asyncio.Task[Watermark]) -> None:
    """Take notice of the task's error: whoever waited for it may be gone."""
    if not task.cancelled():
        task.exception()
