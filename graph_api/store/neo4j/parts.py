"""A write in parts: too large for a transaction, and one change for readers all the same.

It is planned on a copy of the catalog in an embedded store of its own, while a lease keeps other writers out. What
comes of it is logged in the database, where nobody sees it; then one small transaction decides that it is done. From
then on its parts are applied one after the other, each in a transaction that also forgets it, by whoever is at it:
readers of the database are told to ask again until the last one gives the revision.

The log holds statements with their parameters, so that an heir need know nothing of the plan.
"""

import asyncio
import secrets
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

import orjson

from graph_api.access.audit import Event
from graph_api.catalog.changes import ChangeSet, SyncRun
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.embedded.transaction import EmbeddedTransaction
from graph_api.store.identity import other_catalog
from graph_api.store.neo4j import cypher_parts, dumping, leases
from graph_api.store.neo4j.changes import phases_of
from graph_api.store.neo4j.database import Database
from graph_api.store.neo4j.failures import unsettled
from graph_api.store.neo4j.statements import Statements
from graph_api.store.protocol import StoredAnswer
from graph_api.store.rows import dump_run

PAGE = 5_000
"""Entities, with their links, of one part."""
LEASE_SECONDS = 15.0
"""Seconds without a sign of life after which others take over."""
STEP_SECONDS = 60.0
LAST = 2**31
"""The place of the part that gives the revision."""
_PHASE = 10**6


class PartedWrite:
    """A write in parts. `runs`, `events` and `answers` come with the last one."""

    def __init__(self, database: Database, store: str | None, revision: int, page: int) -> None:
        self.id = secrets.token_hex(8)
        self.runs: list[SyncRun] = []
        self.events: list[Event] = []
        self.answers: list[tuple[StoredAnswer, float]] = []
        self._database = database
        self._store = store
        self._revision = revision
        self._page = page
        self._at = ""
        self._parts = 0
        self._stack = AsyncExitStack()

    async def begin(self, tx: Statements, leave: Callable[[], None]) -> None:
        """Take the place of the writer's transaction, which ends: then others have their turn.

        Raises CatalogError UNAVAILABLE if another one writes in parts.
        """
        async with AsyncExitStack() as stack:
            if not await leases.take(self._database, cypher_parts.LEASE, self.id, LEASE_SECONDS):
                raise unsettled()
            await stack.enter_async_context(leases.kept(self._database, cypher_parts.LEASE, self.id, LEASE_SECONDS))
            await tx.roll_back()
            leave()
            await self._forget_parts()
            copy = await stack.enter_async_context(_copy(self._database, self._revision))
            self.lookups = await stack.enter_async_context(_undone(copy))
            self._stack = stack.pop_all()

    async def close(self) -> None:
        await self._stack.aclose()

    async def add(self, changes: ChangeSet, at: str) -> None:
        self._at = at
        await self.lookups.apply_part(changes, at)

    async def decide(self) -> None:
        """Decide that it is done from now on, even if this process dies. Raises CatalogError UNAVAILABLE if others have
        written, and ReplacedError if they have restored another catalog.
        """
        await self._log_part(LAST, self._ending(await self._log()))
        async with self._database.write() as tx:
            if tx.store != self._store:
                raise other_catalog()
            parameters = {"write": self.id, "parts": self._parts}
            is_ours = tx.revision == self._revision and tx.holder in (self.id, None) and tx.applying is None
            if not is_ours or not await tx.rows(cypher_parts.DECIDE, **parameters):
                message = "others have written while a large sync was planned, since it stood still; sync again"
                raise CatalogError(ErrorCode.UNAVAILABLE, message)
            await self._database.commit(tx, seen=False)

    async def _log(self) -> int:
        """Log all parts, and return how many rows change."""
        size, after = 0, None
        while changes := await self.lookups.applied_parts(after, self._page):
            size += len(changes)
            for phase, statements in enumerate(phases_of(changes, self._revision + 1, self._at)):
                if body := await asyncio.to_thread(list, statements):
                    await self._log_part(phase * _PHASE + self._parts, body)
            after = _last_of(changes)
        return size

    async def _log_part(self, place: int, body: object) -> None:
        self._parts += 1
        packed = await asyncio.to_thread(lambda: zlib.compress(orjson.dumps(body, default=tuple), 1))
        parameters = {"write": self.id, "place": place, "body": packed}
        await self._database.execute_within(STEP_SECONDS, cypher_parts.LOG_PART, parameters)

    def _ending(self, size: int) -> dict[str, Any]:
        return {
            "revision": self._revision + bool(size),
            "size": size,
            "runs": [dump_run(run) for run in self.runs],
            "events": [asdict(event) for event in self.events],
            "answers": [
                [answer.key, answer.digest, b64encode(answer.body).decode(), seconds]
                for answer, seconds in self.answers
            ],
        }

    async def _forget_parts(self) -> None:
        """Forget the parts of those who died before they could decide."""
        while (await self._database.execute(cypher_parts.FORGET_PARTS))[0]["gone"]:
            pass


def _last_of(changes: ChangeSet) -> Ref:
    return max([*(row.ref for row in changes.entities[-1:]), *changes.removed[-1:]])


@asynccontextmanager
async def _copy(database: Database, revision: int) -> AsyncIterator[EmbeddedStore]:
    """Yield a copy of the catalog at this revision; the lease keeps other writers out meanwhile."""
    store = EmbeddedStore(None)
    try:
        await store.open()
        if revision:
            async for rows in dumping.graph(database):
                await store.fill(rows)
        await store.end_filling(revision, None)
        yield store
    finally:
        await store.close()


class _Undone(Exception):  # noqa: N818 - it ends what is no error
    pass


@asynccontextmanager
async def _undone(store: EmbeddedStore) -> AsyncIterator[EmbeddedTransaction]:
    with suppress(_Undone):
        async with store.write() as tx:
            yield tx
            raise _Undone
