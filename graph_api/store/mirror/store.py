"""A Neo4j catalog with a mirror beside this process: Neo4j is written to, the mirror answers what it can."""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from graph_api.access.audit import Head, Record
from graph_api.access.keys import ApiKey
from graph_api.catalog.audience import Visibility
from graph_api.catalog.ref import Ref
from graph_api.store.dump import Batch
from graph_api.store.mirror.folder import Folder
from graph_api.store.mirror.mirror import Mirror
from graph_api.store.mirror.reading import MirroredReading
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import Needed, Restoring, WriteTransaction

MOST_ENTITIES = 1_000_000
READ_SECONDS = 30.0


class MirroredStore(MirroredReading):
    """Implements Store over a Neo4jStore, which it opens and closes. The mirror is loaded in the background. `folder`:
    see Mirror.
    """

    def __init__(
        self,
        neo4j: Neo4jStore,
        *,
        most_entities: int = MOST_ENTITIES,
        read_seconds: float = READ_SECONDS,
        folder: Folder | None = None,
    ) -> None:
        self.mirror = Mirror(neo4j, most_entities, read_seconds, folder)
        super().__init__(self.mirror, neo4j)
        self._store = neo4j
        neo4j.copied = self.mirror.ahead

    async def open(self, *, to_restore: bool = False) -> None:
        await self._store.open(to_restore=to_restore)
        if not to_restore:
            self.mirror.start()

    async def close(self) -> None:
        await self.mirror.close()
        await self._store.close()

    async def ping(self) -> None:
        await self._store.ping()

    def seen_by(self, visibility: Visibility, needed: Needed | None = None) -> MirroredReading:
        if visibility.tokens is None and needed is None:
            return self
        return MirroredReading(self._mirror, self._store.seen_by(visibility, needed), visibility)

    async def affecting(self, owners: Collection[Ref]) -> frozenset[Ref]:
        return await self._answered(lambda store: store.affecting(owners), lambda: self._store.affecting(owners))

    async def source_order(self) -> tuple[str, ...] | None:
        return await self._store.source_order()

    async def audit(self, limit: int, before: int | None = None) -> list[Record]:
        return await self._store.audit(limit, before)

    async def audit_head(self) -> Head:
        return await self._store.audit_head()

    async def keys(self) -> list[ApiKey]:
        return await self._store.keys()

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        return await self._store.lease(name, holder, seconds)

    def dump(self, *, exclusive: bool = False) -> AsyncIterator[Batch]:
        return self._store.dump(exclusive=exclusive)

    def restore(self, *, replace: bool) -> AbstractAsyncContextManager[Restoring]:
        return self._store.restore(replace=replace)

    @asynccontextmanager
    async def write(self, *, small: bool = False) -> AsyncIterator[WriteTransaction]:
        async with self._store.write(small=small) as transaction:
            yield transaction
        self.mirror.wake()
