"""The writer's side of the store: reads of the state that it changes, and the change itself."""

import sqlite3
from collections.abc import Callable, Collection
from typing import Any, Protocol, TypeVar

from graph_api.access.audit import Event
from graph_api.access.keys import ApiKey
from graph_api.catalog.changes import ChangeSet, SyncRun
from graph_api.catalog.entity import Entity, Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded import audit, idempotency, journal, keys, lookups, parts, writes
from graph_api.store.embedded.documents import written_entities
from graph_api.store.embedded.schema import current_revision, source_order
from graph_api.store.embedded.sight import WHOLE
from graph_api.store.lookups import SAID, Referenced, Said, SaidPlace
from graph_api.store.protocol import PlanningThread, StoredAnswer
from graph_api.store.retention import Retention

T = TypeVar("T")


def begin(conn: sqlite3.Connection) -> tuple[int, tuple[str, ...] | None]:
    """Begin a write after those of other processes, and return the catalog's revision and order of sources."""
    try:
        conn.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise CatalogError(ErrorCode.UNAVAILABLE, "another writer takes too long; try again") from error
        raise
    return current_revision(conn), source_order(conn)


def commit(conn: sqlite3.Connection) -> None:
    conn.execute("COMMIT")


def roll_back(conn: sqlite3.Connection) -> None:
    """Roll back, also after a transaction that never began, or that SQLite has ended itself."""
    if conn.in_transaction:
        conn.execute("ROLLBACK")


class RunStep(Protocol):
    async def __call__(self, step: Callable[[sqlite3.Connection], T], /) -> T: ...


class RunKnowing(Protocol):
    async def __call__(self, step: Callable[[sqlite3.Connection, sqlite3.Connection], T], /) -> T: ...


class EmbeddedLookups:
    """Implements Lookups, by steps on the writing connection, in the transaction that the store has begun there."""

    def __init__(self, run_step: RunStep) -> None:
        self._run_step = run_step

    async def said_by(self, source: str, after: SaidPlace = None, limit: int = SAID) -> Said:
        return await self._ask(lookups.said_by, source, after or 0, limit)

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        return await self._ask(written_entities, refs)

    async def links(self, keys: Collection[LinkKey]) -> dict[LinkKey, Link]:
        return await self._ask(lookups.links, keys)

    async def links_at(self, refs: Collection[Ref], relations: Collection[str], direction: Direction) -> list[Link]:
        return await self._ask(lookups.links_at, refs, relations, direction)

    async def referenced(self, refs: Collection[Ref]) -> dict[Ref, Referenced]:
        return await self._ask(lookups.referenced, refs)

    async def in_repositories(self, repositories: Collection[Ref] | None) -> list[Ref]:
        return await self._ask(lookups.in_repositories, repositories)

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return await self._ask(lookups.resolve, WHOLE, identifiers)

    async def thread(self) -> PlanningThread:
        """Return the thread that writes: what a plan asks there takes no way to another thread and back."""
        return PlanningThread(lambda step: self._run_step(lambda _: step()), lambda: self)

    async def _ask(self, question: Callable[..., T], *arguments: Any) -> T:
        return await self._run_step(lambda conn: question(conn, *arguments))


class EmbeddedTransaction(EmbeddedLookups):
    """Implements WriteTransaction. `run_knowing` gives a step a second connection, to what is committed."""

    def __init__(
        self,
        run_step: RunStep,
        run_knowing: RunKnowing,
        revision: int,
        source_order: tuple[str, ...] | None,
        retention: Retention,
    ) -> None:
        super().__init__(run_step)
        self._run_knowing = run_knowing
        self._retention = retention
        self._parted = False
        self.revision = revision
        self.source_order = source_order

    async def sources(self) -> Collection[str]:
        return await self._run_step(journal.source_names)

    async def connector(self, source: str) -> str | None:
        return await self._ask(journal.connector, source)

    async def held_runs(self, source: str) -> list[SyncRun]:
        return await self._ask(journal.held_runs, source)

    async def last_seen_at(self, source: str) -> str | None:
        return await self._ask(journal.last_seen_at, source)

    async def run(self, id_: str) -> SyncRun | None:
        return await self._ask(journal.run_of, id_)

    async def apply(self, changes: ChangeSet, run: SyncRun, at: str) -> int:
        if self._parted:
            self._parted = False
            return await self._ask(parts.finish, run, self._retention)
        return await self._ask(writes.apply, changes, run, at, self._retention)

    async def apply_part(self, changes: ChangeSet, at: str) -> None:
        self._parted = True
        await self._run_knowing(lambda conn, committed: parts.apply(conn, committed, changes, at))

    async def applied_parts(self, after: Ref | None, limit: int) -> ChangeSet:
        return await self._run_knowing(lambda conn, committed: parts.applied(conn, committed, after, limit))

    async def apply_order(self, changes: ChangeSet, names: tuple[str, ...], at: str) -> int:
        return await self._ask(writes.apply_order, changes, names, at, self._retention)

    async def answer_of(self, key: str) -> StoredAnswer | None:
        return await self._ask(idempotency.answer_of, key)

    async def keep_answer(self, answer: StoredAnswer, seconds: float) -> None:
        await self._ask(idempotency.keep, answer, seconds)

    async def record(self, event: Event) -> None:
        await self._ask(audit.record, event)

    async def put_key(self, key: ApiKey) -> None:
        await self._ask(keys.put, key)
