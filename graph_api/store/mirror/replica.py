"""One copy of the entities and links of Neo4j, in a file of this process that goes with it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from graph_api.catalog.changes import ChangeSet
from graph_api.store.embedded.following import Ahead
from graph_api.store.embedded.store import EmbeddedStore


class Replica:
    """`store_id` names the catalog that it is of, `foreign` the transactions that were not graph-api's."""

    def __init__(self, store: EmbeddedStore, store_id: str | None, revision: int, foreign: int) -> None:
        self.store = store
        self.store_id = store_id
        self.revision = revision
        self.foreign = foreign
        self.turn = asyncio.Lock()
        """Held by who writes to it."""
        self._readers = 0
        self._unread = asyncio.Event()
        self._unread.set()

    @contextmanager
    def in_use(self) -> Iterator[EmbeddedStore]:
        """close() waits."""
        self._readers += 1
        self._unread.clear()
        try:
            yield self.store
        finally:
            self._readers -= 1
            if not self._readers:
                self._unread.set()

    @asynccontextmanager
    async def ahead(self) -> AsyncIterator[Ahead]:
        """A transaction of the copy, for who has its turn."""
        with self.in_use() as store:
            async with store.ahead() as ahead:
                try:
                    yield ahead
                finally:
                    self.revision = ahead.revision or self.revision

    async def follow(self, changes: ChangeSet, revision: int, *, partly: bool = False) -> None:
        if revision > self.revision:
            await self.store.follow(changes, revision, partly=partly)
            self.revision = revision

    async def close(self) -> None:
        await self._unread.wait()
        await self.store.close()
