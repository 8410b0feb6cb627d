"""A copy made beside the writers, and brought to the revision that readers see."""

import asyncio
import logging
from collections import Counter
from time import monotonic

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.mirror.marks import Marks
from graph_api.store.mirror.replica import Replica
from graph_api.store.neo4j.marks import Mark
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.telemetry.metrics import MIRROR_ENTITIES, MIRROR_LINKS

PAUSE = 0.02
LOOKS = 250

logger = logging.getLogger(__name__)


class UnfollowedError(Exception):
    """What has changed is not told, or not by graph-api alone."""


class BrokenCopyError(Exception):
    """The copy's file cannot be written, such as on a disk that is full."""


async def follow(source: Neo4jStore, replica: Replica, *, partly: bool = False) -> None:
    """To a revision that readers see, or with `partly` some way there. Raises UnfollowedError if that is not told."""
    told = await source.changes_since(replica.revision, partly=partly)
    if told is None:
        raise UnfollowedError("a write was too large to be followed, or another version's")
    try:
        await replica.follow(told.changes, told.revision, partly=partly)
    except CatalogError as error:
        raise BrokenCopyError from error


async def load(source: Neo4jStore, marks: Marks, read_seconds: float) -> Replica:
    """Raises UnfollowedError if somebody writes what cannot be followed, CatalogError if Neo4j does not answer."""
    began = monotonic()
    store = EmbeddedStore(None, read_seconds=read_seconds)
    try:
        await store.open()
        replica = await _loaded(source, marks, store)
    except BaseException:
        await asyncio.shield(store.close())
        raise
    logger.info("The mirror of revision %d is loaded, in %.1f s", replica.revision, monotonic() - began)
    return replica


async def _loaded(source: Neo4jStore, marks: Marks, store: EmbeddedStore) -> Replica:
    await source.check_constraints()  # before everything is read in vain
    mark = await _certain(marks)
    # What the mark tells may not be seen yet; this revision is.
    replica = Replica(store, mark.store, await source.revision(), mark.foreign)
    loaded = Counter[type]()
    async for rows in source.graph():
        await store.fill(rows)
        loaded[type(rows[0])] += len(rows)
    await store.follow(ChangeSet(), replica.revision)
    while (await marks.newest()).revision > replica.revision:
        await follow(source, replica, partly=True)
    await store.affecting(())  # Makes its graph.
    while (mark := await _certain(marks)).revision > replica.revision:
        await follow(source, replica)
    if (mark.store, mark.foreign) != (replica.store_id, replica.foreign):
        raise UnfollowedError("somebody else than graph-api has written to the database meanwhile")
    await source.check_constraints()  # None was missing before either.
    MIRROR_ENTITIES.set(loaded[Entity])
    MIRROR_LINKS.set(loaded[Link])
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
