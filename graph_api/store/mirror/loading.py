"""A copy made beside the writers, and brought to the revision that readers see."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from time import monotonic

from graph_api.catalog.entity import Entity, Link
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded.connections import Durability
from graph_api.store.embedded.following import Ahead
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.mirror.folder import Folder, Published
from graph_api.store.mirror.replica import Replica
from graph_api.store.mirror.watermarks import Watermarks
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.neo4j.watermark import Watermark
from graph_api.telemetry.metrics import MIRROR_ENTITIES, MIRROR_LINKS

PATIENCE = 1.0
"""Seconds that are waited for a copy that nobody else has yet."""
PAUSE = 0.02
LOOKS = 250

logger = logging.getLogger(__name__)


class UnfollowedError(Exception):
    """A copy cannot follow: what has changed is not told, or was not changed by graph-api alone."""


class BrokenCopyError(Exception):
    """The copy's file cannot be written, such as on a disk that is full."""


async def follow(source: Neo4jStore, replica: Replica, revision: int, patience: float, *, partly: bool = False) -> None:
    """Bring the copy to this revision, or one beyond it that readers see; with `partly` some way there. Another process
    may do it.

    Raises UnfollowedError if what has changed is not told, TimeoutError while others write to the copy.
    """
    if await _now(replica) >= revision:
        return
    async with _writing(replica, patience):
        pass  # Who was writing to it may have brought it there.
    while (known := await _now(replica)) < revision:
        told = await source.changes_since(known, partly=partly)
        if told is None:
            raise UnfollowedError("a write was too large to be followed, or another version's")
        async with _writing(replica, patience) as ahead:
            if ahead.revision == known:
                await ahead.follow(told.changes, told.revision, told.at, partly=partly)
                await ahead.keep(told.revision)
                return


async def _now(replica: Replica) -> int:
    with _as_broken():
        return await replica.look()


@asynccontextmanager
async def _writing(replica: Replica, patience: float) -> AsyncIterator[Ahead]:
    with _as_broken():
        async with replica.writing(patience) as ahead:
            yield ahead


@contextmanager
def _as_broken() -> Iterator[None]:
    try:
        yield
    except CatalogError as error:
        raise BrokenCopyError from error


async def shared(
    source: Neo4jStore, marks: Watermarks, folder: Folder, read_seconds: float, unwanted: str | None
) -> Replica:
    """The copy that another process has made, unless it is the `unwanted` one, or else a new one for all.

    Raises UnfollowedError if somebody writes what cannot be followed, CatalogError if Neo4j does not answer.
    """
    async with folder.turn():
        published = folder.published()
        replica = None
        if published and published.name != unwanted:
            replica = await _known(source, marks, folder, published, read_seconds)
        if published is None or replica is None:
            replica, published = await _made(source, marks, folder, read_seconds)
    MIRROR_ENTITIES.set(published.entities)
    MIRROR_LINKS.set(published.links)
    return replica


async def _known(
    source: Neo4jStore, marks: Watermarks, folder: Folder, published: Published, read_seconds: float
) -> Replica | None:
    """Return the published copy, None where it is of no use. Raises CatalogError if Neo4j does not answer."""
    mark = await marks.newest()
    if mark.store != published.store_id:
        _warn(folder, published, "it is of another catalog")
        return None
    try:
        async with _opened(folder, published.name, read_seconds) as store:
            revision, at = await store.written_at()
    except CatalogError as error:
        _warn(folder, published, error.message)
        return None
    replica = Replica(store, published.name, published.store_id, revision, published.foreign)
    try:
        if reason := await _reason_against(source, replica, at, mark.revision):
            await store.close()
            _warn(folder, published, reason)
            return None
    except BaseException:
        await asyncio.shield(store.close())
        raise
    return replica


async def _reason_against(source: Neo4jStore, replica: Replica, at: str | None, revision: int) -> str | None:
    """Return why the copy is of no use, else None. It is brought near this revision, so that what is left can be
    followed at once.
    """
    if await source.written_at(replica.revision) != at:
        return "the database was put back to an earlier state, or too much was written"
    try:
        while replica.revision < revision:
            await follow(source, replica, revision, PATIENCE, partly=True)
    except TimeoutError:
        return None  # Others write to it: they bring it there.
    except UnfollowedError as error:
        return str(error)
    except BrokenCopyError:
        return "it cannot be read or written"
    return None


def _warn(folder: Folder, published: Published, reason: str) -> None:
    logger.warning("The mirror in %s is made anew: %s", folder.file(published.name), reason)


async def _made(
    source: Neo4jStore, marks: Watermarks, folder: Folder, read_seconds: float
) -> tuple[Replica, Published]:
    began = monotonic()
    folder.clear()
    name = folder.new_name()
    try:
        async with _opened(folder, name, read_seconds) as store:
            replica, loaded = await _loaded(source, marks, store, name)
            published = Published(name, replica.store_id, replica.foreign, loaded[Entity], loaded[Link])
            folder.publish(published)
    except BaseException:
        folder.clear()
        raise
    logger.info("The mirror of revision %d is loaded, in %.1f s", replica.revision, monotonic() - began)
    return replica, published


@asynccontextmanager
async def _opened(folder: Folder, name: str, read_seconds: float) -> AsyncIterator[EmbeddedStore]:
    """Yield the copy's file, which stays open unless this ends with an error."""
    # What a power cut takes from one that lasts is followed anew.
    durability = Durability.NORMAL if folder.lasting else Durability.OFF
    store = EmbeddedStore(folder.file(name), read_seconds=read_seconds, durability=durability)
    opening = asyncio.create_task(store.open())
    try:
        await asyncio.shield(opening)
        yield store
    except BaseException:
        await asyncio.wait([opening])  # Its thread goes on, and the folder may be gone soon.
        await asyncio.shield(store.close())
        raise


async def _loaded(
    source: Neo4jStore, marks: Watermarks, store: EmbeddedStore, name: str
) -> tuple[Replica, Counter[type]]:
    """Read everything into a copy, and return it with how many entities and links were read."""
    await source.check_constraints()  # before everything is read in vain
    mark = await _certain(marks)
    # What the mark tells may not be seen yet; this revision is.
    replica = Replica(store, name, mark.store, await source.revision(), mark.foreign)
    loaded = await _filled(store, source.graph())
    await store.end_filling(replica.revision, await source.written_at(replica.revision))
    revision = (await marks.newest()).revision
    while replica.revision < revision:
        await follow(source, replica, revision, PATIENCE, partly=True)
    await store.affecting(())  # Makes its graph.
    # What was read is no newer than this, so that the copy is of a revision once it is there, whoever writes on.
    mark = await _certain(marks)
    await follow(source, replica, mark.revision, PATIENCE)
    if (mark.store, mark.foreign) != (replica.store_id, replica.foreign):
        raise UnfollowedError("somebody else than graph-api has written to the database meanwhile")
    await source.check_constraints()  # None was missing before either.
    return replica, loaded


async def _filled(store: EmbeddedStore, graph: AsyncIterator[Sequence[Entity] | Sequence[Link]]) -> Counter[type]:
    """Fill the store, and return how many entities and links came. While some are filled in, the next are read."""
    loaded = Counter[type]()
    filling: asyncio.Task[None] | None = None
    try:
        async for rows in graph:
            if filling:
                await filling
            filling = asyncio.create_task(store.fill(rows))
            loaded[type(rows[0])] += len(rows)
    finally:
        if filling:
            await filling
    return loaded


async def _certain(marks: Watermarks) -> Watermark:
    """Return a mark whose count of foreign transactions is right. Raises CatalogError UNAVAILABLE if there is none."""
    mark = await marks.newest()
    for _ in range(LOOKS):
        later = await marks.newest()
        if mark.is_settled and not mark.applying and later.writes == mark.writes:
            return mark
        mark = later
        await asyncio.sleep(PAUSE)
    raise CatalogError(ErrorCode.UNAVAILABLE, "there is no moment without a write")
