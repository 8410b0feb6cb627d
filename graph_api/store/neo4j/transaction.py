"""One transaction of one write after the other, see group_commit.py."""

import asyncio
from collections.abc import Callable

from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j.copied import Copy
from graph_api.store.neo4j.database import Database
from graph_api.store.neo4j.preparing import check_constraints
from graph_api.store.neo4j.statements import Statements
from graph_api.store.neo4j.write_buffer import WriteBuffer
from graph_api.store.neo4j.writes import Neo4jWrite

NewWrite = Callable[[Statements, Copy, Callable[[], None]], Neo4jWrite]

_LOST = "a write that was to be committed together with this one has failed, and nothing is written; try again"


class Neo4jTransaction:
    """Makes writes on `tx`, which holds the catalog's lock; each sees what those before it have written."""

    def __init__(self, tx: Statements, database: Database, copy: Copy, new_write: NewWrite) -> None:
        self._tx = tx
        self._database = database
        self._copy = copy
        self._new_write = new_write
        self._audit_head = tx.audit_head
        self._is_seen = False
        self._is_lost = False
        self._has_written = False
        self._is_committed = False

    @property
    def is_open(self) -> bool:
        """Whether there may be one more write."""
        return not self._is_lost and not self._tx.is_broken

    def begin(self, leave: Callable[[], None]) -> Neo4jWrite:
        """Begin one more write. `leave`: called by one that goes on by itself, no longer with this transaction."""
        self._tx.send_soon()
        self._audit_head = self._tx.audit_head
        return self._new_write(self._tx, self._copy, leave)

    def end(self, write: Neo4jWrite, error: BaseException | None) -> None:
        """End a write; with an error, what it has written is undone. Raises CatalogError if those before it are lost
        with it.
        """
        if error:
            self._undo(write)
        elif not write.has_left:
            self._tx.revision = write.revision
            self._is_seen |= write.applied
            self._has_written |= write.has_written

    async def commit(self) -> None:
        """Commit what was written. Whoever has written may be told then, and finish() follows."""
        if self._is_lost or not self._has_written:
            await self._tx.roll_back()
            return
        if not self._copy.is_watched:
            await check_constraints(self._database)
        copying = asyncio.create_task(self._copy.write())
        try:
            await self._database.commit(self._tx, seen=self._is_seen)
        finally:
            await copying
        self._is_committed = True

    async def finish(self) -> None:
        """Keep the copy and wait until the gate is open, as readers do, and who has the lock by now."""
        if self._is_committed:
            await asyncio.gather(self._copy.keep(), self._database.until_open())

    def _undo(self, write: Neo4jWrite) -> None:
        self._is_lost = self._tx.is_broken or write.is_sent
        if self._is_lost and self._has_written:
            raise CatalogError(ErrorCode.UNAVAILABLE, _LOST)
        self._tx.buffer = WriteBuffer()
        self._tx.audit_head = self._audit_head
        if write.has_written:
            self._copy.leave()
