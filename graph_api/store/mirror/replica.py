"""One copy of the entities and links of Neo4j, in a file that the processes of a server may share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from graph_api.store.embedded.following import Ahead
from graph_api.store.embedded.store import EmbeddedStore


class Replica:
    """A copy. `name` is that of its file; `store_id` names the catalog that it is of, `foreign` counts the transactions
    that were not graph-api's.
    """

    def __init__(self, store: EmbeddedStore, name: str, store_id: str | None, revision: int, foreign: int) -> None:
        self.store = store
        self.name = name
        self.store_id = store_id
        self.revision = revision
        """The least revision that it has: another process may have brought it further."""
        self.foreign = foreign
        self._turn = asyncio.Lock()
        """Held by who writes to it in this process."""
        self._readers = 0
        self._unread = asyncio.Event()
        self._unread.set()

    @contextmanager
    def in_use(self) -> Iterator[EmbeddedStore]:
        """Yield the store, which close() does not close before this ends."""
        self._readers += 1
        self._unread.clear()
        try:
            yield self.store
        finally:
            self._readers -= 1
            if not self._readers:
                self._unread.set()

    async def look(self) -> int:
        """Return the revision that it has now."""
        self.revision = max(self.revision, await self.store.revision())
        return self.revision

    @asynccontextmanager
    async def writing(self, seconds: float) -> AsyncIterator[Ahead]:
        """Yield a transaction of the copy, which sees all that others have written to it. Raises TimeoutError where
        they write that long.
        """
        async with asyncio.timeout(seconds):
            await self._turn.acquire()
        try:
            with self.in_use() as store:
                async with store.ahead(seconds) as ahead:
                    try:
                        yield ahead
                    finally:
                        self.revision = max(self.revision, ahead.revision)
        finally:
            self._turn.release()

    async def close(self) -> None:
        await self._unread.wait()
        await self.store.close()
