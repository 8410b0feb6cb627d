"""The catalog in Neo4j."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from graph_api.catalog.audience import AFFECTED, Visibility
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.database import Database, Statements, order_of
from graph_api.store.neo4j.reading import Neo4jReading, revision_of
from graph_api.store.neo4j.sight import Sights
from graph_api.store.neo4j.writes import Neo4jWrite
from graph_api.store.protocol import WriteTransaction
from graph_api.store.retention import Retention

PING_TIMEOUT = 2.0


class Neo4jStore(Neo4jReading):
    """The Store protocol over one Neo4j database; see protocol.py for what each method answers."""

    def __init__(
        self,
        uri: str,
        user: str | None = None,
        password: str | None = None,
        database: str = "neo4j",
        retention: Retention | None = None,
    ) -> None:
        super().__init__(Database(uri, user, password, database), Sights())
        self._retention = retention or Retention()

    @property
    def round_trips(self) -> int:
        """Statements sent so far."""
        return self._database.round_trips

    async def open(self) -> None:
        for statement in (*cypher.CONSTRAINTS, *cypher.INDEXES, cypher.AWAIT_INDEXES):
            await self._database.execute(statement)
        await self._check_format()

    async def close(self) -> None:
        await self._database.close()

    async def ping(self) -> None:
        await self._database.read(revision_of, PING_TIMEOUT)
        await self._check_format()

    async def _check_format(self) -> None:
        rows = await self._database.execute(cypher.READ_FORMAT)
        if rows and rows[0]["format"] > cypher.FORMAT:
            raise CatalogError(
                ErrorCode.UNAVAILABLE,
                f"the database has format {rows[0]['format']}, ours is {cypher.FORMAT}; use a newer version",
            )

    async def source_order(self) -> tuple[str, ...] | None:
        async def ask(tx: Statements) -> tuple[str, ...] | None:
            return order_of(await tx.rows(cypher.READ_ORDER))

        return await self._database.read(ask)

    def seen_by(self, visibility: Visibility) -> Neo4jReading:
        return Neo4jReading(self._database, self._sights, visibility)

    async def affecting(self, owners: Collection[Ref]) -> frozenset[Ref]:
        async def ask(tx: Statements) -> frozenset[Ref]:
            rows = await tx.rows(cypher.AFFECTING, owners=list(owners), affected=AFFECTED)
            return frozenset(rows[0]["refs"])

        return await self._database.read(ask)

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        milliseconds = round(seconds * 1000)
        query = cypher.TAKE_LEASE
        return bool(await self._database.execute(query, name=name, holder=holder, milliseconds=milliseconds))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTransaction]:
        async with self._database.write() as tx:
            write = Neo4jWrite(tx, self._retention)
            yield write
            if write.applied_run is not None:
                await self._database.commit(tx, write.applied_run, write.token)
