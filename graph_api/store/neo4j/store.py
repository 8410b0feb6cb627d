"""The catalog in Neo4j."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext

from graph_api.access.audit import Head, Record
from graph_api.access.keys import ApiKey
from graph_api.catalog.audience import AFFECTED, Visibility
from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError
from graph_api.store.dump import Batch
from graph_api.store.embedded.following import Ahead
from graph_api.store.identity import State, check_same, other_catalog
from graph_api.store.migrations import check_format
from graph_api.store.neo4j import audit, cypher, cypher_small, dumping, keys, leases, mirror_cypher
from graph_api.store.neo4j.connectors import Connectors
from graph_api.store.neo4j.copied import Copy
from graph_api.store.neo4j.database import DEFAULT_DEADLINE, Database, order_of
from graph_api.store.neo4j.deltas import Told, changes_since, few_changes_since
from graph_api.store.neo4j.dumping import Neo4jRestore
from graph_api.store.neo4j.failures import our_errors
from graph_api.store.neo4j.finishing import Heir, finish
from graph_api.store.neo4j.group_commit import GroupCommit
from graph_api.store.neo4j.parts import PAGE
from graph_api.store.neo4j.preparing import check_constraints, prepare, read_state
from graph_api.store.neo4j.reading import Neo4jReading
from graph_api.store.neo4j.sight import Sights
from graph_api.store.neo4j.statements import Statements
from graph_api.store.neo4j.transaction import Neo4jTransaction
from graph_api.store.neo4j.watermark import Watermark, count_entities, read_watermark
from graph_api.store.neo4j.write_buffer import WriteBuffer
from graph_api.store.neo4j.writes import Neo4jWrite
from graph_api.store.protocol import Needed, WriteTransaction
from graph_api.store.retention import Retention

logger = logging.getLogger(__name__)


class Neo4jStore(Neo4jReading):
    """The Store protocol over one Neo4j database; see protocol.py for what each method answers. `page`: entities of a
    part, where a write comes in parts.
    """

    def __init__(
        self,
        uri: str,
        user: str | None = None,
        password: str | None = None,
        database: str = "neo4j",
        retention: Retention | None = None,
        page: int = PAGE,
        read_seconds: float = DEFAULT_DEADLINE,
    ) -> None:
        super().__init__(Database(uri, user, password, database), Sights(), read_seconds=read_seconds)
        self._retention = retention or Retention()
        self._page = page
        self._opened: State | None = None
        self._planning: asyncio.Task[None] | None = None
        self._connectors = Connectors()
        self._commits = GroupCommit(self._transaction)
        self._heir = Heir(self._database, self._retention)
        self.copied: Callable[[str | None, int], AbstractAsyncContextManager[Ahead | None]] = lambda *_: nullcontext()
        """A copy of the catalog with this id at this revision, for who has locked it."""

    @property
    def round_trips(self) -> int:
        """How many statements were sent so far."""
        return self._database.round_trips

    async def open(self, *, to_restore: bool = False) -> None:
        self._opened = await prepare(self._database, to_restore=to_restore)
        if not to_restore:
            await self._heir.take_over()
            self._planning = self._planning or asyncio.create_task(self._have_writes_planned())

    async def _have_writes_planned(self) -> None:
        """Have small writes planned by the database, which takes seconds when it has just started: the first write
        would wait for it.
        """
        try:
            await self._database.execute(cypher_small.WRITE, given=WriteBuffer().rows())
        except CatalogError:
            pass  # Whoever writes meets the same error.
        except Exception:
            logger.exception("The database cannot plan small writes")

    async def close(self) -> None:
        if self._planning:
            self._planning.cancel()
            await asyncio.gather(self._planning, return_exceptions=True)
        await self._commits.close()
        await self._heir.close()
        await self._database.close()

    async def ping(self) -> None:
        known = self._opened
        state = await read_state(self._database, to_restore=True)
        check_format(state.format, state.oldest, cypher.FORMAT)
        check_same(known, state)
        await self.check_constraints()
        self._opened = state

    async def check_constraints(self) -> None:
        """Raise CatalogError UNAVAILABLE if a constraint is missing."""
        await check_constraints(self._database)

    async def source_order(self) -> tuple[str, ...] | None:
        async def ask(tx: Statements) -> tuple[str, ...] | None:
            return order_of(await tx.rows(cypher.READ_ORDER))

        return await self._database.read(ask, aside=True)

    def seen_by(self, visibility: Visibility, needed: Needed | None = None) -> Neo4jReading:
        if visibility.tokens is None and needed is None:
            return self
        return Neo4jReading(self._database, self._sights, visibility, needed, self._read_seconds)

    async def affecting(self, owners: Collection[Ref]) -> frozenset[Ref]:
        async def ask(tx: Statements) -> frozenset[Ref]:
            rows = await tx.rows(cypher.AFFECTING, owners=list(owners), affected=AFFECTED)
            return frozenset(rows[0]["refs"])

        return await self._database.read(ask, self._read_seconds)

    async def audit(self, limit: int, before: int | None = None) -> list[Record]:
        return await self._database.read(lambda tx: audit.records(tx, limit, before), aside=True)

    async def audit_head(self) -> Head:
        return await self._database.read(audit.head, aside=True)

    async def keys(self) -> list[ApiKey]:
        return await self._database.read(keys.keys, aside=True)

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        return await leases.take(self._database, name, holder, seconds)

    @asynccontextmanager
    async def write(self, *, small: bool = False) -> AsyncIterator[WriteTransaction]:
        async with our_errors(), self._commits.write(small=small) as write:
            try:
                yield write
                if write.parts:
                    await self.check_constraints()
                    await write.parts.decide()
                    await finish(self._database, self._retention)
            finally:
                if write.parts:
                    await write.parts.close()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Neo4jTransaction]:
        async with AsyncExitStack() as stack:
            tx = await stack.enter_async_context(self._locked())
            copy = Copy(lambda: stack.enter_async_context(self.copied(tx.store, tx.revision)))
            yield Neo4jTransaction(tx, self._database, copy, self._new_write)

    def _new_write(self, tx: Statements, copy: Copy, leave: Callable[[], None]) -> Neo4jWrite:
        return Neo4jWrite(tx, self._database, self._retention, self._page, copy, self._connectors, leave)

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[Statements]:
        """Yield a transaction with the lock; what somebody who is gone has left half applied is finished first."""
        async with self._as_opened() as tx:
            if tx.applying is None or tx.holder:
                yield tx
                return
        await self._heir.take_over()
        async with self._as_opened() as tx:
            yield tx

    @asynccontextmanager
    async def _as_opened(self) -> AsyncIterator[Statements]:
        """Yield the opened catalog, locked. Raises ReplacedError in the first write after a restore already."""
        async with self._database.write() as tx:
            if self._opened and self._opened.store != tx.store:
                raise other_catalog()
            yield tx

    async def mark(self) -> Watermark:
        mark = await read_watermark(self._database)
        if mark.applying:
            self._heir.look_soon()
        return mark

    async def count_entities(self) -> int:
        """Return how many entities there are, as the database itself counts, at once."""
        return await count_entities(self._database)

    def graph(self) -> AsyncIterator[Sequence[Entity] | Sequence[Link]]:
        """Yield entities and then links beside writers, see dumping.py."""
        return dumping.graph(self._database)

    async def changes_since(self, revision: int, *, partly: bool = False) -> Told | None:
        """Return what leads to a revision that readers see, see deltas.py."""
        told = await few_changes_since(self._database, revision)
        return told or await self._database.read(lambda tx: changes_since(tx, revision, partly=partly))

    async def written_at(self, revision: int) -> str | None:
        """Return when the write was that led to the revision; None where that is not known any more."""

        async def ask(tx: Statements) -> str | None:
            rows = await tx.rows(mirror_cypher.WRITTEN_AT, revision=revision)
            return rows[0]["at"] if rows else None

        return await self._database.read(ask, aside=True)

    def dump(self, *, exclusive: bool = False) -> AsyncIterator[Batch]:
        return dumping.dump(self._database, exclusive=exclusive)

    @asynccontextmanager
    async def restore(self, *, replace: bool) -> AsyncIterator[Neo4jRestore]:
        restoring = Neo4jRestore(self._database)
        await restoring.begin(replace=replace)
        yield restoring
        await restoring.finish()
        self._opened = await read_state(self._database)
