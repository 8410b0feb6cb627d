"""Transactions: errors in our words, deadlines that hold even when the server does not answer, consistent reads.

Neo4j readers see a commit while it is being applied, row by row. A gate keeps them out: the writer closes it in a
transaction of its own right before the commit and opens it right after; a reader asks at its start and at its end
whether the gate was open and nobody went through in between, and asks again otherwise. The gate counts commits that
began and ended: a flag could be opened by one writer while the next one is committing.

A reader whom commits have kept out for long takes the writers' lock itself: beside writers who never pause, a question
that takes longer than what is between two commits would never be answered.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from time import monotonic
from typing import Any, TypeVar, cast
from uuid import uuid4

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncGraphDatabase,
    AsyncSession,
    NotificationMinimumSeverity,
    Query,
)
from neo4j.exceptions import DriverError, IncompleteCommit, Neo4jError

from graph_api.access.audit import Head
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j import cypher, cypher_records
from graph_api.store.neo4j.failures import SLOW, LockedError, being_restored, our_errors, unsettled
from graph_api.store.neo4j.statements import EXECUTE_TIMEOUT, Gate, Row, Statements, rows_of
from graph_api.store.revisions import note_revision
from graph_api.telemetry.metrics import CONNECTIONS, RETRIES, ROUND_TRIPS

T = TypeVar("T")

DEFAULT_DEADLINE = 30.0
LOCK_TIMEOUT = 8.0
"""Seconds that end before a request does at its deadline (10 s by default), so that a writer is told what it waited
for."""
WRITE_TIMEOUT = 600.0
STATEMENT_TIMEOUT = 120.0
"""Seconds for one statement in a write or a long reading, by our own clock: a database that is frozen holds to no
timeout of its own."""
POOL_TIMEOUT = 2.0
TRIES = 4
FIRST_PAUSE = 0.05
GATE_PAUSE = 0.01
GATE_STUCK = 1.0
ALONE = 4.0
"""Seconds for which one reader may keep all writers waiting, half of their patience."""
_TORN = object()


class Database:
    """One driver. `round_trips` counts statements, for tests and benchmarks."""

    def __init__(self, uri: str, user: str | None, password: str | None, name: str) -> None:
        self._name = name
        self.round_trips = 0
        self._opening: asyncio.Task[None] | None = None
        self.on_unsettled: Callable[[], None] = lambda: None
        """Called where a reader finds a write that is applied in parts: who applied it may be gone."""
        self._driver = AsyncGraphDatabase.driver(
            uri,
            auth=(user, password) if user and password else None,
            max_connection_pool_size=50,
            connection_acquisition_timeout=POOL_TIMEOUT,
            connection_timeout=POOL_TIMEOUT,
            max_connection_lifetime=600,
            liveness_check_timeout=30,
            fetch_size=5000,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
        )

    async def close(self) -> None:
        await self._driver.close()

    def count_round_trip(self) -> None:
        self.round_trips += 1
        ROUND_TRIPS.inc()

    @asynccontextmanager
    async def _session(self, access: str = WRITE_ACCESS) -> AsyncIterator[AsyncSession]:
        CONNECTIONS.inc()
        try:
            async with self._driver.session(default_access_mode=access, database=self._name) as session:
                yield session
        finally:
            CONNECTIONS.dec()

    async def read(
        self, work: Callable[[Statements], Awaitable[T]], deadline: float = DEFAULT_DEADLINE, *, aside: bool = False
    ) -> T:
        """The answer of `work` over one state of the catalog. Raises CatalogError UNAVAILABLE while a backup is being
        restored, and while a write is applied in parts, unless it asks nothing of entities and links (`aside`).
        """
        await self.until_open()
        try:
            async with asyncio.timeout(deadline), our_errors():
                return await _retried(lambda: self._read_between_commits(work, deadline, aside=aside))
        except TimeoutError:
            raise CatalogError(
                ErrorCode.DEADLINE_EXCEEDED, f"the database did not answer within {deadline:g} s; {SLOW}"
            ) from None

    async def _read_between_commits(
        self, work: Callable[[Statements], Awaitable[T]], deadline: float, *, aside: bool
    ) -> T:
        since = monotonic()
        while True:
            async with (
                self._session(READ_ACCESS) as session,
                await session.begin_transaction(timeout=deadline) as transaction,
            ):
                statements = Statements(transaction, self.count_round_trip)
                before = await statements.gate()
                self._check_whole(before, aside=aside)
                if not before.closed:
                    statements.revision = before.revision
                    answer = await self._unless_torn(work, statements, before)
                    if answer is not _TORN:
                        note_revision(before.revision)
                        return cast(T, answer)
            RETRIES.labels("torn").inc()
            await asyncio.sleep(GATE_PAUSE)
            if monotonic() - since > GATE_STUCK:
                await self._settle()
                return await self._read_alone(work, aside=aside)

    async def _read_alone(self, work: Callable[[Statements], Awaitable[T]], *, aside: bool) -> T:
        """Read while nobody can commit. Raises CatalogError DEADLINE_EXCEEDED where that would take too long."""
        async with (
            self._session() as session,
            await session.begin_transaction(timeout=LOCK_TIMEOUT + ALONE) as transaction,
        ):
            statements = Statements(transaction, self.count_round_trip)
            await statements.rows(cypher.LOCK)
            try:
                async with asyncio.timeout(ALONE):
                    state = await statements.gate()
                    self._check_whole(state, aside=aside)
                    statements.revision = state.revision
                    note_revision(state.revision)
                    return await work(statements)
            except TimeoutError:
                message = f"others write without a pause, and may wait for an answer {ALONE:g} s at most; {SLOW}"
                raise CatalogError(ErrorCode.DEADLINE_EXCEEDED, message) from None

    def _check_whole(self, state: Gate, *, aside: bool) -> None:
        if state.restoring:
            raise being_restored()
        if state.applying and not aside:
            self.on_unsettled()
            raise unsettled()

    async def _unless_torn(
        self, work: Callable[[Statements], Awaitable[T]], statements: Statements, before: Gate
    ) -> object:
        try:
            answer = await work(statements)
        except (CatalogError, DriverError, Neo4jError):
            raise
        except Exception:
            # Half of a commit may break any assumption, such as that a link has two ends.
            if await statements.gate() == before:
                raise
            return _TORN
        return answer if await statements.gate() == before else _TORN

    async def _settle(self, write: str = "") -> bool:
        """Open the gate of a commit whose end nobody told, and whether that write arrived.

        Whoever holds the catalog's lock knows that nobody is committing.
        """
        async with (
            asyncio.timeout(2 * LOCK_TIMEOUT),
            self._session() as session,
            await session.begin_transaction(timeout=LOCK_TIMEOUT) as transaction,
        ):
            statements = Statements(transaction, self.count_round_trip)
            await statements.rows(cypher.LOCK)
            arrived = bool(await statements.rows(cypher_records.ARRIVED, write=write))
            await statements.rows(cypher.REOPEN_GATE)
            await transaction.commit()
            return arrived

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Statements]:
        """A long transaction that only reads; its statements may see different revisions."""
        await self.until_open()
        async with (
            our_errors(),
            self._session(READ_ACCESS) as session,
            await session.begin_transaction(timeout=WRITE_TIMEOUT) as transaction,
        ):
            yield Statements(transaction, self.count_round_trip, STATEMENT_TIMEOUT)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Statements]:
        """A transaction that holds the catalog's lock; the caller commits with commit()."""
        async with our_errors(), AsyncExitStack() as stack:
            statements = await _retried(lambda: self._begin_write(stack))
            stack.push_async_callback(statements.stop_sending)
            yield statements

    async def _begin_write(self, stack: AsyncExitStack) -> Statements:
        async with AsyncExitStack() as attempt:
            try:
                async with asyncio.timeout(LOCK_TIMEOUT):
                    session = await attempt.enter_async_context(self._session())
                    transaction = await session.begin_transaction(timeout=WRITE_TIMEOUT)
                    statements = Statements(
                        await attempt.enter_async_context(transaction), self.count_round_trip, STATEMENT_TIMEOUT
                    )
                    rows = await statements.rows(cypher.LOCK)
            except TimeoutError:
                raise LockedError from None
            if rows[0]["restoring"]:
                raise being_restored()
            statements.store, statements.revision = rows[0]["store"], rows[0]["revision"]
            statements.source_order = order_of(rows)
            statements.applying, statements.holder = rows[0]["applying"], rows[0]["holder"]
            statements.audit_head = Head(rows[0]["audit_sequence"], rows[0]["audit_hash"])
            await stack.enter_async_context(attempt.pop_all())
            return statements

    async def commit(self, statements: Statements, *, seen: bool) -> None:
        """Commit; behind a closed gate what readers of the catalog see, see until_open(). If the answer is lost, the
        write is looked up.

        Whatever else happens, the gate stays closed until somebody holds the lock: the server may still be committing.
        """
        write = uuid4().hex
        statements.buffer.ids.append(write)
        turn = None
        if seen:
            turn = await self._send_and_close_gate(statements)
        else:
            await statements.send()
        try:
            await statements.commit()
        except (DriverError, TimeoutError) as error:
            if not await self._arrived(write, error):
                raise
        else:
            if turn is not None:
                self._opening = asyncio.create_task(self._open_gate(turn))

    async def _send_and_close_gate(self, statements: Statements) -> int:
        """Send what is unsent, and close the gate at the same time. It is opened again where what is sent fails."""
        closing = asyncio.create_task(self.execute(cypher.CLOSE_GATE))
        try:
            await statements.send()
        except BaseException:
            with suppress(CatalogError):
                await self._open_gate((await closing)[0]["turn"])
            raise
        turn: int = (await closing)[0]["turn"]
        return turn

    async def _open_gate(self, turn: int) -> None:
        """Open the gate; one that stays closed is opened by a reader."""
        with suppress(CatalogError):
            await self.execute(cypher.OPEN_GATE, turn=turn)

    async def until_open(self) -> None:
        """Wait until the gate is open again that this process has closed. Who has written may be told before."""
        if self._opening:
            await asyncio.wait([self._opening], timeout=GATE_STUCK)

    async def _arrived(self, write: str, lost: Exception) -> bool:
        try:
            return await _retried(lambda: self._settle(write))
        except (DriverError, Neo4jError, TimeoutError):
            raise CatalogError(
                ErrorCode.UNAVAILABLE,
                "the database went away during the commit, so that nobody knows whether the write was done: "
                "look, before you send it again, or send it again with the same idempotencyKey",
            ) from lost

    async def glance(self, seconds: float, query: str, /, **parameters: Any) -> tuple[list[Row], str]:
        """The rows of one statement that reads, with a bookmark: what they are of, if nobody was committing."""
        await self.until_open()
        async with _answered_within(seconds, "; try again"):
            return await _retried(lambda: self._glance(seconds, query, parameters))

    async def _glance(self, seconds: float, query: str, parameters: Row) -> tuple[list[Row], str]:
        async with self._session(READ_ACCESS) as session:
            self.count_round_trip()
            result = await session.run(Query(query, timeout=seconds), parameters)
            return await rows_of(result), "".join((await session.last_bookmarks()).raw_values)

    async def execute(self, query: str, /, **parameters: Any) -> list[Row]:
        """Execute a statement in a transaction of its own. It must be one that may be done twice."""
        return await self.execute_within(EXECUTE_TIMEOUT, query, parameters)

    async def execute_within(self, seconds: float, query: str, parameters: Row | None = None) -> list[Row]:
        """Execute a statement that takes long, like execute()."""
        async with _answered_within(seconds, "; try again"):
            return await _retried(lambda: self._execute(seconds, query, parameters or {}))

    async def execute_once(self, seconds: float, query: str, parameters: Row) -> None:
        """Execute a statement that must not be done twice: when its answer is lost, nobody knows whether it was."""
        async with _answered_within(seconds):
            await self._execute(seconds, query, parameters)

    async def _execute(self, seconds: float, query: str, parameters: Row) -> list[Row]:
        async with self._session() as session:
            self.count_round_trip()
            result = await session.run(Query(query, timeout=seconds), parameters)
            return await rows_of(result)


@asynccontextmanager
async def _answered_within(seconds: float, hint: str = "") -> AsyncIterator[None]:
    """Raise CatalogError UNAVAILABLE with the hint if what is inside takes longer than that."""
    try:
        async with asyncio.timeout(seconds), our_errors():
            yield
    except TimeoutError:
        raise CatalogError(ErrorCode.UNAVAILABLE, f"the database did not answer within {seconds:g} s{hint}") from None


async def _retried(attempt: Callable[[], Awaitable[T]]) -> T:
    """Ask again where the driver says that it may help, such as after a deadlock or a connection that broke.

    Also where the connection broke at the very end of a transaction: an attempt is one that may be done twice.
    """
    for pause in (FIRST_PAUSE * 2**n for n in range(TRIES - 1)):
        try:
            return await attempt()
        except (DriverError, Neo4jError) as error:
            if not error.is_retryable() and not isinstance(error, IncompleteCommit):
                raise
            RETRIES.labels(type(error).__name__).inc()
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - keeps those who failed together apart
    return await attempt()


def order_of(rows: list[Row]) -> tuple[str, ...] | None:
    """The remembered order of sources; None where nobody has told it yet."""
    names = rows[0]["source_order"] if rows else None
    return None if names is None else tuple(names)
