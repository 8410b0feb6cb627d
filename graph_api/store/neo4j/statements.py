"""Statements in one transaction."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from neo4j import AsyncResult, AsyncTransaction
from neo4j.exceptions import DriverError, Neo4jError

from graph_api.access.audit import Head
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j import cypher, cypher_small, projection
from graph_api.store.neo4j.sight import WHOLE
from graph_api.store.neo4j.write_buffer import WriteBuffer

T = TypeVar("T")
Row = dict[str, Any]

EXECUTE_TIMEOUT = 15.0
COMMIT_TIMEOUT = 120.0
TOGETHER = 4
"""Small writes that are worth a statement of their own: what the server does meanwhile costs this process 0.5 ms."""


class Gate(NamedTuple):
    """`applying`: the write that is applied in parts. A restore makes the database another `store`."""

    revision: int
    begun: int
    ended: int
    applying: str | None
    store: str | None
    restoring: bool

    @property
    def closed(self) -> bool:
        return self.begun != self.ended


class Statements:
    """Runs statements in one transaction, counting them."""

    def __init__(
        self, transaction: AsyncTransaction, count_round_trip: Callable[[], None], timeout: float | None = None
    ) -> None:
        self._transaction = transaction
        self._count_round_trip = count_round_trip
        self._timeout = timeout
        self.revision = 0
        self.store: str | None = None
        self.source_order: tuple[str, ...] | None = None
        self.applying: str | None = None
        self.holder: str | None = None
        """Who plans or applies a write in parts now."""
        self.sight = WHOLE
        self.projection = projection.WHOLE
        self.audit_head = Head(0, "")
        self.buffer = WriteBuffer()
        """The rows of the write that is being made."""
        self._to_send: deque[WriteBuffer] = deque()
        self._aside = 0
        """How many writes are to be sent."""
        self._sending: asyncio.Task[None] | None = None
        self.statements = 0
        """How many statements were sent, or put aside to be sent."""
        self.is_broken = False
        """Whether a statement has failed, or was given up, so that none can follow."""

    @property
    def has_sent(self) -> bool:
        """Whether it has begun to send what was written."""
        return self._sending is not None

    async def rows(self, query: str, /, **parameters: Any) -> list[Row]:
        self.statements += 1
        await self.send()
        return await self._rows(query, parameters)

    async def packed(self, query: str, /, **parameters: Any) -> list[Any]:
        """The rows of a statement that ends as cypher.packed() says."""
        return [row for record in await self.rows(query, **parameters) for row in record["rows"]]

    async def send(self) -> None:
        """Send what is unsent, and wait for it."""
        self.send_now()
        if self._sending:
            await asyncio.shield(self._sending)

    def send_soon(self) -> None:
        """Have what is unsent sent once there is more of it, and at the latest before anything is asked. What comes
        while the server works goes together.
        """
        self._put_aside()
        if self._aside >= TOGETHER:
            self._begin_to_send()

    def send_now(self) -> None:
        """Begin to send what is unsent; nobody waits for it."""
        self._put_aside()
        self._begin_to_send()

    def _begin_to_send(self) -> None:
        if self._to_send and (self._sending is None or self._sending.done()):
            self._sending = asyncio.create_task(self._send_all(self._sending))

    def _put_aside(self) -> None:
        if not self.buffer:
            return
        unsent, self.buffer = self.buffer, WriteBuffer()
        self.statements += 1
        self._aside += 1
        if not self._to_send or not self._to_send[-1].take(unsent):
            self._to_send.append(unsent)

    async def _send_all(self, sent: asyncio.Task[None] | None) -> None:
        if sent:
            await sent
        while self._to_send:
            self._aside = 0
            await self._rows(cypher_small.WRITE, {"given": self._to_send.popleft().rows()})

    async def stop_sending(self) -> None:
        """Send no more, before the transaction is given up."""
        self._to_send.clear()
        if self._sending:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    async def _rows(self, query: str, parameters: Row) -> list[Row]:
        self._count_round_trip()
        try:
            async with asyncio.timeout(self._timeout):
                return await rows_of(await self._transaction.run(query, parameters))
        except BaseException as error:
            self.is_broken = True
            if not isinstance(error, TimeoutError):
                raise
            raise CatalogError(
                ErrorCode.UNAVAILABLE, f"the database did not answer within {self._timeout:g} s; nothing is written"
            ) from None

    async def commit(self) -> None:
        async with asyncio.timeout(COMMIT_TIMEOUT):
            await self._transaction.commit()

    async def roll_back(self) -> None:
        """Roll back, also where the database does it by itself, since it does not hear of the transaction any more."""
        await self.stop_sending()
        with suppress(DriverError, Neo4jError, TimeoutError):
            async with asyncio.timeout(EXECUTE_TIMEOUT):
                await self._transaction.rollback()

    async def gate(self) -> Gate:
        rows = await self.rows(cypher.READ_GATE)
        return Gate(**rows[0])


def in_batches(items: Collection[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


async def rows_of(result: AsyncResult) -> list[Row]:
    """Return rows as result.data(), which looks for nodes and paths in everything; no statement of ours returns any."""
    keys = result.keys()
    return [dict(zip(keys, values, strict=True)) for values in await result.values()]
