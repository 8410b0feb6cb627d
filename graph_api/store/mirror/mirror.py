"""Keeps a copy of a Neo4j catalog beside this process, and tells whether it is current.

A question is answered by the copy only if a statement that was sent after the question came says that the catalog is at
the copy's revision, and that nobody but graph-api has written to the database. The copy follows by the deltas that
writes leave; whatever they do not tell of makes it be loaded anew, and meanwhile Neo4j answers.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import StrEnum
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from graph_api.errors import CatalogError
from graph_api.store.embedded.following import Ahead
from graph_api.store.mirror.folder import Folder
from graph_api.store.mirror.loading import UnfollowedError, follow, shared
from graph_api.store.mirror.replica import Replica
from graph_api.store.mirror.watermarks import Watermarks
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.neo4j.watermark import Watermark
from graph_api.telemetry.metrics import MIRROR_LAG, MIRROR_LOAD_SECONDS, MIRROR_LOADS, MIRROR_STATE
from graph_api.telemetry.record import CURRENT

INTERVAL = 1.0
"""Seconds between two looks at Neo4j while nobody asks."""
PATIENCE = 0.2
"""Seconds that a question waits for the copy before Neo4j answers it."""
PAUSE = 0.003
SURE = 0.05
"""Seconds between two looks that tell a foreign write from one of ours that is not counted yet."""
LOOKS = 10
FAILED = 60.0
GATHER = 0.05
"""Seconds that a write waits for others, to be followed together, unless somebody asks."""

logger = logging.getLogger(__name__)


class State(StrEnum):
    LOADING = "loading"
    CURRENT = "current"
    TOO_LARGE = "too_large"


class Loss(StrEnum):
    """Why a copy is given up."""

    FIRST = "first"
    UNTOLD = "untold"
    REPLACED = "replaced"
    FOREIGN = "foreign"
    BROKEN = "broken"
    RENEWED = "renewed"


_SAID = {
    Loss.UNTOLD: "a write was too large to be followed, or another version's",
    Loss.REPLACED: "the database holds another catalog, or an earlier state of it",
    Loss.FOREIGN: "somebody else than graph-api has written to the database",
    Loss.BROKEN: "the copy cannot be read or written",
    Loss.RENEWED: "another process of this server has made a new one",
}


class Mirror:
    """`most`: entities of the largest catalog that is copied. `folder`: where the processes of one server share a copy;
    None: in one of its own, which goes with it.
    """

    def __init__(self, source: Neo4jStore, most: int, read_seconds: float, folder: Folder | None) -> None:
        self._source = source
        self._most = most
        self._read_seconds = read_seconds
        self._own: TemporaryDirectory[str] | None = None
        if folder is None:
            self._own = TemporaryDirectory(prefix="graph-api-")
            folder = Folder(Path(self._own.name), lasting=False)
        self._folder = folder
        self._marks = Watermarks(source.mark)
        self._replica: Replica | None = None
        self._reason = Loss.FIRST
        self._unwanted: str | None = None
        """The name of the copy that was given up last."""
        self._not_before = 0.0
        self._proved_at = 0.0
        self._waits_for = ""
        self._woken = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._dropped: dict[Replica, asyncio.Task[None]] = {}
        self._tell(State.LOADING)

    def start(self) -> None:
        """Begin to make a copy and to keep it current, once Neo4j is open."""
        self._watching = self._watching or asyncio.create_task(self._watch())

    def wake(self) -> None:
        """Look at Neo4j soon, since somebody has written, or the copy is not trusted."""
        self._woken.set()

    async def close(self) -> None:
        tasks = [task for task in (self._watching, self._following) if task]
        self._watching = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._marks.close()
        replica, self._replica = self._replica, None
        for open_one in (*self._dropped, *([replica] if replica else ())):
            await open_one.store.close()
        await asyncio.gather(*self._dropped.values())
        if self._own:
            self._own.cleanup()

    async def newest(self) -> Replica | None:
        """The copy, if it has all that anybody was told before; None where Neo4j is to be asked.

        The questions of one query ask Neo4j once: they need what was there when the query came. Raises CatalogError
        UNAVAILABLE while Neo4j does not answer.
        """
        if self._replica and _query_begun_at() < self._proved_at:
            return self._replica
        end = monotonic() + PATIENCE
        while replica := self._replica:
            asked_at, known = monotonic(), await self._now(replica)
            mark = await self._marks.newest()
            if mark.is_settled and self._is_trusted(replica, mark, known):
                if mark.revision > replica.revision:
                    await self._catch_up(replica, mark.revision, end)
                if mark.revision <= replica.revision:
                    self._proved_at = max(self._proved_at, asked_at)
                    return replica
            if monotonic() > end:
                break
            await asyncio.sleep(PAUSE)
        return None

    @asynccontextmanager
    async def ahead(self, store: str | None, revision: int) -> AsyncIterator[Ahead | None]:
        """Yield the copy to who has locked this catalog at this revision, to plan on, and to be written to as Neo4j is;
        None where it is not there in time.
        """
        async with AsyncExitStack() as stack:
            yield await self._ahead(stack, store, revision)

    async def _ahead(self, stack: AsyncExitStack, store: str | None, revision: int) -> Ahead | None:
        try:
            replica = await self._at(store, revision)
            if replica is None:
                return None
            async with AsyncExitStack() as attempt:
                ahead = await self._writing(attempt, replica)
                if replica is self._replica and ahead.revision == revision:
                    await stack.enter_async_context(attempt.pop_all())
                    return ahead
        except (TimeoutError, CatalogError):
            pass
        return None

    async def _writing(self, stack: AsyncExitStack, replica: Replica) -> Ahead:
        try:
            return await stack.enter_async_context(replica.writing(PATIENCE))
        except CatalogError:
            self.distrust(replica)
            raise

    async def _at(self, store: str | None, revision: int) -> Replica | None:
        """Return the copy at this revision, None where it does not get there. Nobody commits to the catalog, but its
        gate may still have to be opened.
        """
        for _ in range(LOOKS):
            if (replica := self._replica) is None or replica.store_id != store:
                break
            known = await self._now(replica)
            mark = await self._mark_while_following(replica, revision)
            if _loss(replica, mark, known) is None and mark.revision == revision:
                return replica
        return None

    async def _mark_while_following(self, replica: Replica, revision: int) -> Watermark:
        if replica.revision >= revision:
            return await self._marks.newest()
        mark, _ = await asyncio.gather(self._marks.newest(), self._catch_up(replica, revision, monotonic() + PATIENCE))
        return mark

    async def _now(self, replica: Replica) -> int:
        """Return the copy's revision, to which another process may have brought it."""
        try:
            return await replica.look()
        except CatalogError:
            self.distrust(replica)
            return replica.revision

    def distrust(self, replica: Replica) -> None:
        """Give up a copy that does not answer."""
        self._drop(replica, Loss.BROKEN)

    def _is_trusted(self, replica: Replica, mark: Watermark, known: int) -> bool:
        trusted = _loss(replica, mark, known) is None
        if not trusted:
            self.wake()
        return trusted

    async def _catch_up(self, replica: Replica, revision: int, end: float) -> None:
        """Let the copy follow, and wait for it until `end` at most. One task follows at a time, for all who wait."""
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(replica, revision))
        with suppress(TimeoutError):
            async with asyncio.timeout(end - monotonic()):
                await asyncio.shield(self._following)

    async def _follow(self, replica: Replica, revision: int) -> None:
        try:
            await follow(self._source, replica, revision, PATIENCE)
        except (CatalogError, TimeoutError):
            pass  # Whoever asks Neo4j meets the same error.
        except UnfollowedError:
            self._drop(replica, Loss.UNTOLD)
        except Exception:
            logger.exception("The mirror cannot follow")
            self._drop(replica, Loss.BROKEN)

    async def _watch(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._look()
            except CatalogError as error:
                self._tell_why(error.message)
            except Exception:
                logger.exception("The mirror cannot be loaded, next try in %g s", FAILED)
                self._not_before = monotonic() + FAILED
            # asyncio.wait_for() of Python 3.11 may lose a cancellation.
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._woken.wait()
                await asyncio.sleep(GATHER)

    async def _look(self) -> None:
        replica = self._replica
        if replica is None:
            await self._load()
            return
        if (published := self._folder.published()) and published.name != replica.name:
            self._drop(replica, Loss.RENEWED)
            return
        known = await self._now(replica)
        mark = await self._marks.newest()
        if not mark.is_settled:
            return
        MIRROR_LAG.set(max(0, mark.revision - replica.revision))
        if loss := await self._confirmed_loss(replica, mark, known):
            self._drop(replica, loss)
        elif mark.revision > replica.revision:
            await self._catch_up(replica, mark.revision, monotonic() + INTERVAL)

    async def _confirmed_loss(self, replica: Replica, mark: Watermark, known: int) -> Loss | None:
        for _ in range(LOOKS):
            loss = _loss(replica, mark, known)
            if loss is not Loss.FOREIGN:
                return loss
            await asyncio.sleep(SURE)
            later = await self._marks.newest()
            if later.writes == mark.writes:
                return loss
            mark = later
        return Loss.FOREIGN

    async def _load(self) -> None:
        if not self._is_made_already():
            await asyncio.sleep(max(0.0, self._not_before - monotonic()))
        if await self._source.count_entities() > self._most:
            self._tell(State.TOO_LARGE)
            return
        self._tell(State.LOADING)
        MIRROR_LOADS.labels(self._reason).inc()
        began = monotonic()
        try:
            self._replica = await self._shared()
        except UnfollowedError as error:
            logger.info("The mirror is loaded again: %s", error)
            self._reason = Loss.UNTOLD
            self.wake()
        else:
            self._tell(State.CURRENT)
        finally:
            seconds = monotonic() - began
            MIRROR_LOAD_SECONDS.set(seconds)
            self._not_before = monotonic() + 2 * seconds

    def _is_made_already(self) -> bool:
        published = self._folder.published()
        return published is not None and published.name != self._unwanted

    async def _shared(self) -> Replica:
        replica = await shared(self._source, self._marks, self._folder, self._read_seconds, self._unwanted)
        try:
            await replica.store.affecting(())  # Makes its graph.
        except BaseException as error:
            if isinstance(error, CatalogError):
                self._unwanted = replica.name
            await asyncio.shield(replica.store.close())
            raise
        return replica

    def _drop(self, replica: Replica, reason: Loss) -> None:
        if self._replica is not replica:
            return
        self._replica, self._reason, self._unwanted = None, reason, replica.name
        self._proved_at = 0.0
        self._tell(State.LOADING)
        level = logging.INFO if reason in (Loss.UNTOLD, Loss.RENEWED) else logging.WARNING
        logger.log(level, "Neo4j answers until the mirror is loaded anew: %s", _SAID[reason])
        closing = self._dropped[replica] = asyncio.create_task(replica.close())
        closing.add_done_callback(lambda _: self._dropped.pop(replica))
        self.wake()

    def _tell_why(self, reason: str) -> None:
        """Log why the mirror waits, once, however long it lasts."""
        if reason != self._waits_for:
            logger.info("The mirror waits: %s", reason)
        self._waits_for = reason

    def _tell(self, state: State) -> None:
        self.state = state
        for other in State:
            MIRROR_STATE.labels(other).set(other is state)


def _query_begun_at() -> float:
    """Return when the HTTP request that asks began, or its reading anew; infinite for what may write, or goes on."""
    request = CURRENT.get()
    return max(request.begun, request.reads_from) if request and request.operation_type == "query" else inf


def _loss(replica: Replica, mark: Watermark, known: int) -> Loss | None:
    """Return why the copy is to be given up, None if it is not. `known`: the revision that the copy had before the mark
    was asked for.
    """
    if mark.store != replica.store_id or mark.revision < known:
        return Loss.REPLACED
    return Loss.FOREIGN if mark.foreign != replica.foreign else None
