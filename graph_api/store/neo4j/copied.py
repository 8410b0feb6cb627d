"""A copy of the catalog for the writes of one transaction: they are planned on it, and written to it as to Neo4j."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from graph_api.catalog.changes import ChangeSet
from graph_api.errors import CatalogError
from graph_api.store.embedded.following import Ahead, Written
from graph_api.store.neo4j.deltas import LARGEST

logger = logging.getLogger(__name__)


class Copy:
    """The copy that a transaction may have. `is_watched`: whether it is known since the lock was taken that only
    graph-api has written, to a catalog that was whole.
    """

    def __init__(self, open_: Callable[[], Awaitable[Ahead | None]]) -> None:
        self._open = open_
        self._was_opened = False
        self._added: list[Written] = []
        self._revision: int | None = None
        self.is_watched = False
        self.ahead: Ahead | None = None
        """The copy with what was written to it; None where there is none, or it was left."""

    async def open(self) -> None:
        """Open the copy before the first write; a later one would lack what is not committed yet."""
        if not self._was_opened:
            self._was_opened = True
            self.ahead = await self._open()
            self.is_watched = self.ahead is not None

    def add(self, changes: ChangeSet, revision: int, at: str) -> None:
        """Have the change written to the copy, unless others would not follow to it either."""
        self._was_opened = True
        if self.ahead and len(changes) <= LARGEST:
            self._added.append(Written(changes, revision, at))
        else:
            self.leave()

    async def write(self) -> None:
        """Write what was added. A copy that cannot be written is left for good."""
        if not self.ahead or not self._added:
            return
        with self._left_if_it_fails():
            self._revision = await self.ahead.write(self._take)

    def _take(self) -> list[Written]:
        """Return what was added, in the copy's thread, so that nothing is taken twice."""
        added, self._added = self._added, []
        return added

    def leave(self) -> None:
        """Give up the copy: it lacks something, or has what will not be committed."""
        self.ahead, self._added = None, []

    async def keep(self) -> None:
        """Keep what was written, once everything is committed; a mirror follows by itself where this fails."""
        if self.ahead and self._revision:
            with self._left_if_it_fails():
                await self.ahead.keep(self._revision)

    @contextmanager
    def _left_if_it_fails(self) -> Iterator[None]:
        """Leave the copy if this fails, whatever with: its mirror can follow by itself, and the write goes on."""
        try:
            yield
        except CatalogError:
            self.leave()  # It is closed, or its file is broken, or who wrote to it has gone.
        except Exception:
            self.leave()
            logger.exception("The mirror cannot be written to")
        except BaseException:
            self.leave()
            raise
