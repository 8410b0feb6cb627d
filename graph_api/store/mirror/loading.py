"""A copy made beside the writers, and brought to the revision that readers see."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from time import monotonic

from graph_api.catalog.entity import Entity, Link
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.mirror.folder import Folder, Published
from graph_api.store.mirror.marks import Marks
from graph_api.store.mirror.replica import Replica
from graph_api.store.neo4j.marks import Mark
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.telemetry.metrics import MIRROR_ENTITIES, MIRROR_LINKS

PATIENCE = 1.0
"""Seconds for a copy that nobody else has yet."""
PAUSE = 0.02
LOOKS = 250

logger = logging.getLogger(__name__)


class UnfollowedError(Exception):
    """What has changed is not told, or not by graph-api alone."""


class BrokenCopyError(Exception):
    """The copy's file cannot be written, such as on a disk that is full."""


async def follow(source: Neo4jStore, replica: Replica, revision: int, patience: float, *, partly: bool = False) -> None:
    """To this revision, or one beyond it that readers see; with `partly` some way there. Another process may do it.

    Raises UnfollowedError if what has changed is not told, TimeoutError while others write to the copy.
    """
    with _as_broken():
        if await replica.look() >= revision:
            return
    async with AsyncExitStack() as stack:
        with _as_broken():
            ahead = await stack.enter_async_context(replica.writing(patience))
        if ahead.revision >= revision:
            return
        told = await source.changes_since(ahead.revision, partly=partly)
        if told is None:
            raise UnfollowedError("a write was too large to be followed, or another version's")
        with _as_broken():
            await ahead.follow(told.changes, told.revision, partly=partly)
            await ahead.keep(told.revision)


@contextmanager
def _as_broken() -> Iterator[None]:
    try:
        yield
    except CatalogError as error:
        raise BrokenCopyError from error


async def shared(
    source: Neo4jStore, marks: Marks, folder: Folder, read_seconds: float, unwanted: str | None
) -> Replica:
    """The copy that another process has made, unless it is the `unwanted` one, or else a new one for all.

    Raises UnfollowedError if somebody writes what cannot be followed, CatalogError if Neo4j does not answer.
    """
    async with folder.turn():
        published = folder.published()
        is_made = published is not None and published.name != unwanted
        name = published.name if published and is_made else folder.new_name()
        store = EmbeddedStore(folder.file(name), read_seconds=read_seconds, durable=False)
        opening = asyncio.create_task(store.open())
        try:
            await asyncio.shield(opening)
            if published and is_made:
                return await _opened(store, published)
            replica = await _loaded(source, marks, store, name)
        except BaseException:
            await asyncio.wait([opening])  # Its thread goes on, and the folder may be gone soon.
            await asyncio.shield(store.close())
            raise
        folder.publish(Published(name, replica.store_id, replica.foreign))
        return replica


async def _opened(store: EmbeddedStore, published: Published) -> Replica:
    await store.affecting(())  # Makes its graph.
    return Replica(store, published.name, published.store_id, await store.revision(), published.foreign)


async def _loaded(source: Neo4jStore, marks: Marks, store: EmbeddedStore, name: str) -> Replica:
    began = monotonic()
    await source.check_constraints()  # before everything is read in vain
    mark = await _certain(marks)
    # What the mark tells may not be seen yet; this revision is.
    replica = Replica(store, name, mark.store, await source.revision(), mark.foreign)
    loaded = Counter[type]()
    async for rows in source.graph():
        await store.fill(rows)
        loaded[type(rows[0])] += len(rows)
    await store.end_filling(replica.revision)
    while (revision := (await marks.newest()).revision) > replica.revision:
        await follow(source, replica, revision, PATIENCE, partly=True)
    await store.affecting(())  # Makes its graph.
    while (mark := await _certain(marks)).revision > replica.revision:
        await follow(source, replica, mark.revision, PATIENCE)
    if (mark.store, mark.foreign) != (replica.store_id, replica.foreign):
        raise UnfollowedError("somebody else than graph-api has written to the database meanwhile")
    await source.check_constraints()  # None was missing before either.
    MIRROR_ENTITIES.set(loaded[Entity])
    MIRROR_LINKS.set(loaded[Link])
    logger.info("The mirror of revision %d is loaded, in %.1f s", replica.revision, monotonic() - began)
    return replica


async def _certain(marks: Marks) -> Mark:
    """One whose count of foreign transactions is right."""
    mark = await marks.newest()
    for _ in range(LOOKS):
        later = await marks.newest()
        if mark.is_settled and not mark.applying and later.writes == mark.writes:
            return mark
        mark = later
        await asyncio.sleep(PAUSE)
    raise CatalogError(ErrorCode.UNAVAILABLE, "there is no moment without a write")
