"""The server's own syncs: each configured source when it is due or asked for, on one replica at a time."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from graph_api.access.audit import Attempt
from graph_api.access.principal import LOCAL
from graph_api.catalog.merge import SourceOrder
from graph_api.errors import CatalogError
from graph_api.feeding import feed, leaves_no_run, names_of
from graph_api.recording import record_requests
from graph_api.source_entries import Configured
from graph_api.sources.folders import SourceError
from graph_api.store.protocol import Store

LEASE = 60.0
"""Seconds that a source stays with a replica that has died."""
RETRY = 2.0
"""Seconds until a source is tried again that another replica is at."""
PAUSE = 15.0
"""Seconds after the store did not answer, or after a defect."""
BY = Attempt(principal=replace(LOCAL, name="schedule"), action="sync")
AT_ONCE = 4
"""Sources that one replica syncs at a time."""

logger = logging.getLogger(__name__)


class Schedule:
    """`run` follows the sources until it is cancelled; `ask` makes one run soon, once for all who ask meanwhile."""

    def __init__(self, store: Store, sources: Sequence[Configured], order: SourceOrder, groups: Sequence[str]) -> None:
        self._store = store
        self._sources = sources
        self._order = order
        self._groups = groups
        self._asked = {source.name: asyncio.Event() for source in sources}
        self._askers: dict[str, dict[tuple[str, ...], tuple[Attempt, int]]] = {source.name: {} for source in sources}
        """Who asked since the last run, each with its first request and how many there were."""
        self._begun: dict[str, datetime] = {}
        self._leased: set[str] = set()
        self._holder = secrets.token_hex(8)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._ending = False
        self._idle = asyncio.Event()
        self._idle.set()

    def ask(self, name: str, by: Attempt, times: int = 1) -> None:
        """Have the source synced soon. It is recorded when the run begins: nobody who asks waits for a write to end."""
        askers, key = self._askers[name], (by.principal.name, by.action, by.client)
        first, before = askers.get(key, (by, 0))
        askers[key] = first, before + times
        self._asked[name].set()

    async def finish(self) -> None:
        """Begin no sync any more, and wait for those that run."""
        self._ending = True
        await self._idle.wait()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for source in self._sources:
                    group.create_task(self._follow(source))
        finally:
            # Whoever was cancelled while giving one back has not done it.
            for source in self._sources:
                if source.name in self._leased:
                    await self._give_back(source)

    async def _follow(self, source: Configured) -> None:
        while True:
            try:
                await self._wait(source)
                async with self._turns:
                    if self._ending:
                        return
                    tried = await self._try(source)
            except CatalogError as error:
                logger.warning("%s: %s", source.name, error.message)
                await asyncio.sleep(PAUSE)
            except Exception:
                logger.exception("The sync of %s failed", source.name)
                await asyncio.sleep(PAUSE)
            else:
                await asyncio.sleep(0 if tried else RETRY)

    async def _wait(self, source: Configured) -> None:
        """Wait until the source is due or asked for."""
        seconds = await self._seconds_left(source)
        # asyncio.wait_for() of Python 3.11 may lose a cancellation.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked[source.name].wait()

    async def _seconds_left(self, source: Configured) -> float | None:
        """Return the seconds until the source is due; None if nobody said how often it is."""
        if source.every is None:
            return None
        names = names_of(source)
        runs = [info.last_run.started_at for info in await self._store.sources() if info.name in names]
        begun = [datetime.fromisoformat(at) for at in runs]
        # A source with nothing to say leaves no run.
        begun += [self._begun[source.name]] if source.name in self._begun else []
        return max(0.0, source.every - (datetime.now(UTC) - max(begun)).total_seconds()) if begun else 0.0

    async def _try(self, source: Configured) -> bool:
        """Sync the source if it is still due or asked for; False if another replica is at it."""
        self._leased.add(source.name)
        self._idle.clear()
        try:
            if not await self._lease(source, LEASE):
                return False
            # Another replica may have been faster.
            if self._asked[source.name].is_set() or await self._seconds_left(source) == 0:
                await self._sync_while_leased(source)
        finally:
            await self._give_back(source)
            if not self._leased:
                self._idle.set()
        return True

    async def _give_back(self, source: Configured) -> None:
        with suppress(CatalogError):
            await self._lease(source, 0)
        self._leased.discard(source.name)

    async def _lease(self, source: Configured, seconds: float) -> bool:
        return await self._store.lease(f"sync of {source.name}", self._holder, seconds)

    async def _sync_while_leased(self, source: Configured) -> None:
        running = asyncio.create_task(self._sync(source))
        try:
            while not (await asyncio.wait([running], timeout=LEASE / 3))[0]:
                if not await self._still_leased(source):
                    logger.warning("%s: another replica has taken over", source.name)
                    return
            await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _still_leased(self, source: Configured) -> bool:
        try:
            return await self._lease(source, LEASE)
        except CatalogError:
            # Where a long write of ours keeps all others waiting, nobody else can take it either.
            return True

    async def _sync(self, source: Configured) -> None:
        asked = self._asked[source.name]
        asked.clear()
        begun = datetime.now(UTC)
        try:
            await self._record_askers(source.name)
            fed = await feed(self._store, source, self._order, self._groups, by=BY)
        except CatalogError as error:
            if leaves_no_run(error):
                asked.set()
            else:
                self._begun[source.name] = begun
            raise
        except SourceError as error:
            logger.warning("%s: FAILED, nothing is withdrawn: %s", source.name, error)
        else:
            fed.log_failures()
            for report in fed.reports:
                logger.info("%s: %s (revision %d)", report.run.source, report.run.status, report.run.revision)
        self._begun[source.name] = begun

    async def _record_askers(self, name: str) -> None:
        askers, self._askers[name] = self._askers[name], {}
        if not askers:
            return
        try:
            await record_requests(self._store, askers.values())
        except BaseException:
            for by, times in askers.values():
                self.ask(name, by, times)
            raise
