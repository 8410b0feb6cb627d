"""The write transaction: reads what a plan needs, then writes it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from functools import partial
from typing import Any

from graph_api.access.audit import Event
from graph_api.access.keys import ApiKey
from graph_api.catalog.changes import ChangeSet, SyncRun
from graph_api.catalog.entity import Entity, Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.store.lookups import SAID, Lookups, Referenced, Said, SaidPlace
from graph_api.store.neo4j import audit, cypher, cypher_writes, idempotency, keys
from graph_api.store.neo4j.changes import Statement, small_changes, statements_of
from graph_api.store.neo4j.connectors import Connectors
from graph_api.store.neo4j.copied import Copy
from graph_api.store.neo4j.database import Database
from graph_api.store.neo4j.failures import unsettled
from graph_api.store.neo4j.lookups import Neo4jLookups
from graph_api.store.neo4j.parts import PartedWrite
from graph_api.store.neo4j.runs import run_of, write_run
from graph_api.store.neo4j.statements import Statements
from graph_api.store.neo4j.write_buffer import MOST
from graph_api.store.protocol import NotHereError, PlanningThread, StoredAnswer
from graph_api.store.retention import Retention

AT_ONCE = 100
"""Entities and links of which the rows are built on the event loop, in a few milliseconds."""


class Neo4jWrite:
    """Holds the catalog's lock from its first statement, so that no other writer runs."""

    def __init__(
        self,
        tx: Statements,
        database: Database,
        retention: Retention,
        page: int,
        copy: Copy,
        connectors: Connectors,
        leave: Callable[[], None],
    ) -> None:
        self._tx = tx
        self._database = database
        self._retention = retention
        self._page = page
        self._runs: list[SyncRun] = []
        self.parts: PartedWrite | None = None
        """Takes the place of the transaction where the write comes in parts."""
        self._copy = copy
        self._connectors = connectors
        self._leave = leave
        self._touched_at: int | None = None
        self._lookups = Neo4jLookups(tx)
        self.revision = tx.revision
        self.source_order = tx.source_order
        self.has_left = False
        """Whether it goes on without the transaction."""
        self.applied = False
        """Whether readers of the catalog see it: keys, audit records and answers need no closed gate."""
        self._here = _Here(self, copy)

    @property
    def has_written(self) -> bool:
        return self._touched_at is not None

    @property
    def is_sent(self) -> bool:
        """Whether the database may have any of it."""
        return self._touched_at is not None and self._tx.statements > self._touched_at

    def _touch(self) -> None:
        if self._touched_at is None:
            self._touched_at = self._tx.statements

    async def thread(self) -> PlanningThread:
        await self._copy.open()
        run = (await self._copy.ahead.thread()).run if self._copy.ahead else None

        async def run_step(step: Callable[[], Any]) -> Any:
            reached = await (run(step) if run and not self.parts else asyncio.to_thread(step))
            await self._here.write()
            return reached

        return PlanningThread(run_step, lambda: self._here)

    async def sources(self) -> Collection[str]:
        return [row["name"] for row in await self._tx.rows(cypher.SOURCE_NAMES)]

    def known_connector(self, source: str) -> str | None:
        """Return what feeds the source, None where connector() has to ask."""
        return self._connectors.known(self._tx, source)

    async def connector(self, source: str) -> str | None:
        return await self._connectors.connector(self._tx, source)

    async def held_runs(self, source: str) -> list[SyncRun]:
        return [run_of(row) for row in await self._tx.rows(cypher.HELD_RUNS, source=source)]

    async def last_seen_at(self, source: str) -> str | None:
        rows = await self._tx.rows(cypher.LAST_SEEN_AT, source=source)
        return rows[0]["at"] if rows else None

    async def run(self, id_: str) -> SyncRun | None:
        rows = await self._tx.rows(cypher.RUN, id=id_)
        return run_of(rows[0]) if rows else None

    async def _stored(self) -> Lookups:
        if self.parts:
            return self.parts.lookups
        self._check_settled()
        await self._copy.write()
        return self._copy.ahead or self._lookups

    def _check_settled(self) -> None:
        """Raise CatalogError UNAVAILABLE beside a write in parts: then only what stands apart from entities and links
        may be written.
        """
        if self._tx.applying or self._tx.holder:
            raise unsettled()

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        return await (await self._stored()).entities(refs)

    async def links(self, keys: Collection[LinkKey]) -> dict[LinkKey, Link]:
        return await (await self._stored()).links(keys)

    async def links_at(self, refs: Collection[Ref], relations: Collection[str], direction: Direction) -> list[Link]:
        return await (await self._stored()).links_at(refs, relations, direction)

    async def referenced(self, refs: Collection[Ref]) -> dict[Ref, Referenced]:
        return await (await self._stored()).referenced(refs)

    async def in_repositories(self, repositories: Collection[Ref] | None) -> list[Ref]:
        return await (await self._stored()).in_repositories(repositories)

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return await (await self._stored()).resolve(identifiers)

    async def said_by(self, source: str, after: SaidPlace = None, limit: int = SAID) -> Said:
        return await (await self._stored()).said_by(source, after, limit)

    async def apply(self, changes: ChangeSet, run: SyncRun, at: str) -> int:
        if self.parts:
            self.parts.runs.append(run)
            return self.revision + bool(await self.applied_parts(None, 1))
        self._touch()
        await self._write(changes, at)
        write_run(self._tx, run, self._retention)
        self._runs.append(run)
        self.applied = True
        return self.revision

    async def apply_part(self, changes: ChangeSet, at: str) -> None:
        if self.parts is None:
            self._check_settled()
            parts = PartedWrite(self._database, self._tx.store, self.revision, self._page)
            await parts.begin(self._tx, self._go_on_alone)
            parts.runs += self._runs
            self.parts = parts
        await self.parts.add(changes, at)

    def _go_on_alone(self) -> None:
        self.has_left = True
        self._leave()

    async def applied_parts(self, after: Ref | None, limit: int) -> ChangeSet:
        return await self.parts.lookups.applied_parts(after, limit) if self.parts else ChangeSet()

    async def apply_order(self, changes: ChangeSet, names: tuple[str, ...], at: str) -> int:
        self._touch()
        await self._write(changes, at)
        await self._tx.rows(cypher.SET_ORDER, names=list(names))
        self.applied = True
        return self.revision

    async def answer_of(self, key: str) -> StoredAnswer | None:
        return await idempotency.answer_of(self._tx, key)

    async def keep_answer(self, answer: StoredAnswer, seconds: float) -> None:
        if self.parts:
            self.parts.answers.append((answer, seconds))
            return
        self._touch()
        idempotency.keep(self._tx, answer, seconds)

    async def record(self, event: Event) -> None:
        if self.parts:
            self.parts.events.append(event)
            return
        self._touch()
        audit.record(self._tx, event)

    async def put_key(self, key: ApiKey) -> None:
        self._touch()
        await keys.put(self._tx, key)

    async def _write(self, changes: ChangeSet, at: str) -> None:
        self._check_settled()
        if not changes:
            return
        self.revision += 1
        self._lookups.is_first = False
        self._copy.add(changes, self.revision, at)
        if len(changes) <= MOST:
            await self._send_small(small_changes(changes, self.revision, at), len(changes))
        else:
            await self._run_all(statements_of(changes, self.revision, at))
        if changes.removed or any(row.audience for row in changes.entities):
            await self._tx.rows(cypher_writes.OLD_REMOVALS, keep=self._retention.removed, revision=self.revision)

    async def _send_small(self, pieces: Iterator[dict[str, Any]], rows: int) -> None:
        """Send pieces: while the server works on one, the next is built; the last one waits for what is written with
        it.
        """
        self._tx.send_soon()
        if rows <= AT_ONCE:
            (self._tx.buffer.changes,) = pieces
            return
        while piece := await asyncio.to_thread(next, pieces, None):
            self._tx.send_now()
            self._tx.buffer.changes = piece

    async def _run_all(self, statements: Iterator[Statement]) -> None:
        """Run the statements; while the server works on one, a thread builds the rows of the next."""
        build = partial(asyncio.get_running_loop().run_in_executor, None, next, statements, None)
        following = build()
        try:
            while statement := await following:
                following = build()
                await self._tx.rows(statement.query, **statement.parameters)
        finally:
            following.cancel()


class _Here:
    """Answers for a write in its planning thread, see PlanningThread: of Lookups what its copy answers.

    What is to be written waits until the thread's step is over. So nothing is written by a plan that goes on although
    nobody waits for it any more.
    """

    def __init__(self, write: Neo4jWrite, copy: Copy) -> None:
        self._write = write
        self._copy = copy
        self._waiting: list[Callable[[], Awaitable[object]]] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if self._write.parts or self._waiting or not hasattr(self._copy.ahead, name):
            raise AttributeError(name)
        return partial(self._ask_copy, name)

    async def _ask_copy(self, name: str, *arguments: Any) -> Any:
        """Ask the copy, once what the writes before have added to it is written."""
        await self._copy.write()
        if self._copy.ahead is None:
            raise NotHereError
        return await getattr(self._copy.ahead, name)(*arguments)

    async def connector(self, source: str) -> str | None:
        known = self._write.known_connector(source)
        if known is None:
            raise NotHereError
        return known

    async def apply(self, changes: ChangeSet, run: SyncRun, at: str) -> int:
        if self._write.parts or self._waiting:
            raise NotHereError
        self._waiting.append(partial(self._write.apply, changes, run, at))
        return self._write.revision + bool(changes)

    async def record(self, event: Event) -> None:
        self._waiting.append(partial(self._write.record, event))

    async def write(self) -> None:
        """Write what waits, outside of the thread."""
        waiting, self._waiting = self._waiting, []
        for write in waiting:
            await write()
