"""One copy of the entities and links of Neo4j, in a file of this process that goes with it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from graph_api.catalog.changes import ChangeSet
from graph_api.store.embedded.store import EmbeddedStore


class Replica:
    """`store_id` names the catalog that it is of, `foreign` the transactions that were not graph-api's."""

    def __init__(self, store: EmbeddedStore, store_id: str | None, revision: int, foreign: int) -> None:
        self.store = store
        self.store_id = store_id
        self.revision = revision
        self.foreign = foreign
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

    async def follow(self, changes: ChangeSet, revision: int, *, partly: bool = False) -> None:
        if revision > self.revision:
            await self.store.follow(changes, revision, partly=partly)
            self.revision = revision

    async def close(self) -> None:
        await self._unread.wait()
        await self.store.close()
