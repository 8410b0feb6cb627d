"""A database made ready: constraints and indexes, its identity, and the newest format. Safe for many at once."""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from neo4j.exceptions import ClientError

from graph_api.errors import CatalogError, ErrorCode, ReplacedError
from graph_api.store.identity import State
from graph_api.store.migrations import Step, check_format, pending
from graph_api.store.neo4j import cypher, cypher_lookups, leases, names
from graph_api.store.neo4j.database import Database
from graph_api.store.neo4j.failures import being_restored
from graph_api.store.neo4j.finishing import take_over
from graph_api.store.neo4j.labels import label_of
from graph_api.store.neo4j.parameters import RedactedParameters
from graph_api.store.neo4j.words import joined_words
from graph_api.store.retention import Retention

_ALL = Retention(runs=2**31, removed=2**31)
"""Keeps everything: a step forgets nothing."""

Neo4jStep: TypeAlias = Step[Awaitable[None]]
"""`run` takes the Database."""


async def _nothing(_database: Database) -> None:
    """Older rows are read as well; older programs cannot read the new ones."""


async def _finish_write(database: Database) -> None:
    """Apply first what an older program has decided and not applied, which is not as this one writes it."""
    while (await database.execute(cypher.READ_GATE))[0]["applying"]:
        await take_over(database, _ALL)
        await asyncio.sleep(PAUSE)


async def _label_all(database: Database) -> None:
    await _finish_write(database)
    sources = [row["name"] for row in await database.execute(cypher.SOURCE_NAMES)]
    labels = {source: label_of(source) for source in sources}
    await database.execute_within(WAIT_SECONDS, cypher_lookups.LABEL_ALL, {"labels": labels})


async def _add_words(database: Database) -> None:
    await _finish_write(database)
    after = ""
    while rows := await database.execute(cypher.READ_TEXTS, after=after, limit=AT_ONCE):
        words = ((row["ref"], joined_words(filter(None, row["texts"]))) for row in rows)
        given = RedactedParameters(rows=[{"ref": ref, "words": found} for ref, found in words if found])
        await database.execute(cypher.SET_WORDS, given=given)
        after = rows[-1]["ref"]


STEPS: tuple[Neo4jStep, ...] = (
    Step(format=2, oldest=2, name="links without their key and defaults", run=_nothing),
    Step(format=3, oldest=3, name="writes that are applied in parts", run=_nothing),
    Step(format=4, oldest=4, name="a text index that follows commits", run=_nothing),
    # Closed first, so that older programs which still run say that they are not ready.
    Step(format=5, oldest=5, name="labels of new entities by their sources", run=_nothing),
    Step(format=6, oldest=6, name="labels of all entities by their sources", run=_label_all),
    Step(format=7, oldest=7, name="words within tokens of new entities", run=_nothing),
    Step(format=8, oldest=8, name="words within tokens of all entities", run=_add_words),
)

INDEX_SECONDS = 300.0
LEASE = "migration"
LEASE_SECONDS = 30.0
WAIT_SECONDS = 600.0
PAUSE = 0.25
AT_ONCE = 10_000
CONSTRAINT_NAMES = frozenset(statement.split()[2] for statement in cypher.CONSTRAINTS)


async def prepare(database: Database, steps: Sequence[Neo4jStep] = STEPS, *, to_restore: bool = False) -> State:
    """Make the database ready, and return what it says of itself. Raises CatalogError UNAVAILABLE for a database of a
    newer format, while it cannot be made ready, and while a backup is being restored unless it is to be restored now.
    """
    await _make_indexes(database)
    await database.execute(cypher.MAKE_STORE)
    for statement, given in names.MAKE:
        await database.execute(statement, names=given)
    state = await read_state(database, to_restore=to_restore)
    newest = max([cypher.FORMAT, *(step.format for step in steps)])
    check_format(state.format, state.oldest, newest)
    if pending(steps, state.format):
        await _migrate(database, steps)
    # Older programs have it, make it again whenever one is started, and it costs each write.
    await database.execute_within(INDEX_SECONDS, cypher.DROP_OLD_TEXT_INDEX)
    return await read_state(database, to_restore=to_restore)


async def read_state(database: Database, *, to_restore: bool = False) -> State:
    """Return what the database says of itself. Raises ReplacedError where there is no catalog any more, and
    CatalogError while one is being restored.
    """
    (row,) = await database.execute(cypher.READ_STATE)
    if row["store"] is None:
        raise ReplacedError("the database has been emptied under this server")
    if row["restoring"] and not to_restore:
        raise being_restored()
    return State(row["format"], row["oldest"], row["store"], row["revision"])


async def check_constraints(database: Database) -> None:
    """Raise CatalogError UNAVAILABLE if one has been dropped: without it, writers at the same time make doubles."""
    (row,) = await database.execute(cypher.READ_CONSTRAINTS)
    if missing := sorted(CONSTRAINT_NAMES.difference(row["names"])):
        raise CatalogError(
            ErrorCode.UNAVAILABLE,
            f"the database has lost its constraint {', '.join(missing)}; restart the server to make it again",
        )


async def _make_indexes(database: Database) -> None:
    for statement in (*cypher.CONSTRAINTS, *cypher.INDEXES):
        await _make(database, statement)
    await database.execute_within(INDEX_SECONDS, cypher.AWAIT_INDEXES)


async def _make(database: Database, statement: str) -> None:
    """Make a constraint or index. Another replica may be making the same, which is as good."""
    try:
        await database.execute_within(INDEX_SECONDS, statement)
    except ClientError as error:
        if "AlreadyExists" not in str(error.code):
            raise
    except CatalogError as error:
        if "ConstraintCreationFailed" not in error.message:
            raise
        message = f"the constraint {statement.split()[2]} cannot be made: the database holds doubles"
        raise CatalogError(ErrorCode.UNAVAILABLE, message) from error


async def _migrate(database: Database, steps: Sequence[Neo4jStep]) -> None:
    """Run the steps on one replica, while the others wait until it is done or dead."""
    holder = secrets.token_hex(8)
    async with asyncio.timeout(WAIT_SECONDS):
        while missing := pending(steps, (await read_state(database)).format):
            if not await leases.take(database, LEASE, holder, LEASE_SECONDS):
                await asyncio.sleep(PAUSE)
                continue
            async with leases.kept(database, LEASE, holder, LEASE_SECONDS):
                await missing[0].run(database)
                await _record(database, holder, missing[0])


async def _record(database: Database, holder: str, step: Neo4jStep) -> None:
    """Record the step, only while the lease is ours: whoever woke too late has nothing to say."""
    await database.execute(
        cypher.RECORD_STEP,
        holder=holder,
        lease=LEASE,
        format=step.format,
        oldest=step.oldest,
        name=step.name,
        at=datetime.now(UTC).isoformat(),
    )
