"""A write in parts that is decided is applied to its end, by whoever is at it: see parts.py."""

import asyncio
import logging
import secrets
import zlib
from base64 import b64decode
from time import monotonic
from typing import Any

import orjson

from graph_api.access.audit import Event, Outcome
from graph_api.errors import UNREACHABLE, CatalogError
from graph_api.store.neo4j import audit, cypher, cypher_parts, cypher_writes, idempotency, leases, mirror_cypher
from graph_api.store.neo4j.database import Database
from graph_api.store.neo4j.deltas import untold
from graph_api.store.neo4j.parts import LAST, LEASE_SECONDS
from graph_api.store.neo4j.runs import write_run
from graph_api.store.neo4j.statements import Statements
from graph_api.store.protocol import StoredAnswer
from graph_api.store.retention import Retention
from graph_api.store.rows import load_run

TRIES = 5
PAUSE = 1.0
LOOK_EVERY = 5.0
"""Seconds between two looks whether somebody has left a write."""

logger = logging.getLogger(__name__)


async def finish(database: Database, retention: Retention) -> None:
    """Apply what is left of a write that was decided. Raises CatalogError UNAVAILABLE where it does not get on;
    somebody else will finish it.
    """
    failures = 0
    while True:
        try:
            if not await _apply_next(database, retention):
                return
            failures = 0
        except CatalogError as error:
            failures += 1
            if error.code not in UNREACHABLE or failures == TRIES:
                raise
            await asyncio.sleep(PAUSE)


async def take_over(database: Database, retention: Retention) -> None:
    """Finish what is left, unless whoever wrote it is alive. Raises CatalogError UNAVAILABLE."""
    gate = (await database.execute(cypher.READ_GATE))[0]
    holder = secrets.token_hex(8)
    if not gate["applying"] or not await leases.take(database, cypher_parts.LEASE, holder, LEASE_SECONDS):
        return
    logger.warning("A large sync is finished that another process has left")
    async with leases.kept(database, cypher_parts.LEASE, holder, LEASE_SECONDS):
        await finish(database, retention)


class Heir:
    """Finishes what a process that is gone has decided and not applied to its end."""

    def __init__(self, database: Database, retention: Retention) -> None:
        self._database = database
        self._retention = retention
        self._looking: asyncio.Task[None] | None = None
        self._not_before = 0.0
        database.on_unsettled = self.look_soon

    def look_soon(self) -> None:
        """Begin to look whether a write was left: somebody has met one that is not applied whole."""
        if monotonic() >= self._not_before and (self._looking is None or self._looking.done()):
            self._not_before = monotonic() + LOOK_EVERY
            self._looking = asyncio.create_task(self._look())

    async def take_over(self) -> None:
        await take_over(self._database, self._retention)

    async def close(self) -> None:
        if self._looking:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        try:
            await self.take_over()
        except CatalogError as error:
            logger.warning("A large sync that was left cannot be finished yet: %s", error.message)
        except Exception:
            logger.exception("A large sync that was left cannot be finished")


async def _apply_next(database: Database, retention: Retention) -> bool:
    """Apply the next part; whether there was one. It goes in the transaction that applies it: so it is applied once."""
    async with database.write() as tx:
        if tx.applying is None:
            return False
        (part,) = await tx.rows(cypher_parts.NEXT_PART, write=tx.applying)
        body = orjson.loads(await asyncio.to_thread(zlib.decompress, part["body"]))
        if part["place"] == LAST:
            await _end(tx, body, retention)
        else:
            for query, parameters in body:
                await tx.rows(query, **parameters)
        await tx.rows(cypher_parts.FORGET_PART, write=tx.applying, place=part["place"])
        await database.commit(tx, seen=part["place"] == LAST)
    await database.until_open()
    return True


async def _end(tx: Statements, ending: dict[str, Any], retention: Retention) -> None:
    revision = ending["revision"]
    for text in ending["runs"]:
        write_run(tx, load_run(text), retention)
    for event in ending["events"]:
        given = event | {"outcome": Outcome(event["outcome"]), "refs": tuple(event["refs"])}
        audit.record(tx, Event(**given))
    for key, digest, body, seconds in ending["answers"]:
        idempotency.keep(tx, StoredAnswer(key, digest, b64decode(body)), seconds)
    if ending["size"]:
        await tx.rows(mirror_cypher.WRITE_DELTAS, given={"deltas": [untold(ending["size"], revision)]})
        await tx.rows(cypher_writes.SET_REVISION, revision=revision)
        await tx.rows(cypher_writes.OLD_REMOVALS, keep=retention.removed, revision=revision)
    await tx.rows(cypher_parts.SETTLE)
