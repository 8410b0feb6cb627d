"""All of the database at one revision, and a database that becomes what a backup says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import asdict
from time import monotonic
from typing import Any, TypeVar

from graph_api.access.audit import Head, Record
from graph_api.access.keys import ApiKey, dump_key
from graph_api.catalog.changes import SyncRun
from graph_api.catalog.entity import Entity, Link
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.dump import BATCH, Batch, CatalogRow, RemovedRow, SourceRow, TornError
from graph_api.store.neo4j import cypher, cypher_lookups, cypher_writes, dump_cypher, keys
from graph_api.store.neo4j.changes import grouped, link_row
from graph_api.store.neo4j.database import GATE_PAUSE, GATE_STUCK, Database, order_of
from graph_api.store.neo4j.failures import being_restored, unsettled
from graph_api.store.neo4j.filters import relation_types
from graph_api.store.neo4j.labels import kind_labels, labels_by_ref
from graph_api.store.neo4j.parameters import RedactedParameters
from graph_api.store.neo4j.projection import WHOLE, link_of
from graph_api.store.neo4j.records import entity_record
from graph_api.store.neo4j.runs import run_of, run_record
from graph_api.store.neo4j.statements import Gate, Row, Statements

STATEMENT_SECONDS = 120.0
RUNS = 200
"""Runs of a page: each may have a large payload."""
CHARACTERS = 8_000_000
"""Characters of the statements of a page's entities: the database holds all of it, and some may have documents of
megabytes."""

T = TypeVar("T")


async def dump(database: Database, *, exclusive: bool) -> AsyncIterator[Batch]:
    """Yield everything at one revision. Raises TornError if somebody writes meanwhile; with `exclusive` all writers
    wait until it is done.
    """
    async with database.write() if exclusive else database.reading() as tx:
        before = await tx.gate() if exclusive else await _open_gate(tx)
        if before.applying:
            raise unsettled()
        async for batch in _batches(tx, before.revision):
            yield batch
        if not exclusive and await tx.gate() != before:
            raise TornError


async def _open_gate(tx: Statements) -> Gate:
    """Wait until the gate is open, and return it: writers are told a moment before. Raises TornError if it stays
    closed.
    """
    until = monotonic() + GATE_STUCK
    while (gate := await tx.gate()).closed:
        if monotonic() > until:
            raise TornError
        await asyncio.sleep(GATE_PAUSE)
    if gate.restoring:
        raise being_restored()
    return gate


async def _batches(tx: Statements, revision: int) -> AsyncIterator[Batch]:
    horizon = await tx.rows(cypher.READ_HORIZON)
    order = order_of(await tx.rows(cypher.READ_ORDER))
    yield [CatalogRow(revision=revision, source_order=order, horizon=horizon[0]["horizon"] if horizon else 0)]
    if held := await keys.keys(tx):
        yield held
    async for rows in _pages(tx, dump_cypher.DUMP_AUDIT, after=0):
        yield [Record(row["key"], row["body"], row["previous"], row["hash"]) for row in rows]
    if sources := [SourceRow(**row) for row in await tx.rows(dump_cypher.DUMP_SOURCES)]:
        yield sources
    async for rows in _pages(tx, dump_cypher.DUMP_RUNS, RUNS):
        yield [run_of(row) for row in rows]
    for query, hidden in ((dump_cypher.DUMP_REMOVED, False), (dump_cypher.DUMP_HIDDEN, True)):
        async for rows in _pages(tx, query):
            yield [_removed(row, hidden=hidden) for row in rows]
    async for batch in _graph(tx):
        yield batch


async def graph(database: Database) -> AsyncIterator[Sequence[Entity] | Sequence[Link]]:
    """Entities and then links beside writers: what somebody changes meanwhile may be there as before, as after or
    not at all, links without their ends included.
    """
    async with database.reading() as tx:
        async for batch in _graph(tx):
            yield batch


async def _graph(tx: Statements) -> AsyncIterator[Sequence[Entity] | Sequence[Link]]:
    async for entities in _values(tx, dump_cypher.DUMP_ENTITIES):
        yield list(map(WHOLE.entity, entities))
    async for lists in _values(tx, dump_cypher.DUMP_LINKS):
        if links := [link_of(row) for rows in lists for row in rows]:
            yield links


def _removed(row: Row, *, hidden: bool) -> RemovedRow:
    return RemovedRow(ref=row["ref"], revision=row["revision"], at=row["at"], audience=row["audience"], hidden=hidden)


async def _pages(tx: Statements, query: str, limit: int = BATCH, after: str | int = "") -> AsyncIterator[list[Row]]:
    """Yield the pages of a query whose rows have a `key`, which they are sorted by."""
    while rows := await tx.rows(query, after=after, limit=limit):
        yield rows
        after = rows[-1]["key"]


async def _values(tx: Statements, query: str) -> AsyncIterator[list[Any]]:
    """Yield the values of a query that gives packed pairs, page by page, see dump_cypher.py."""
    after = ""
    while pairs := await tx.packed(query, after=after, limit=BATCH, characters=CHARACTERS):
        yield [value for _, value in pairs]
        after = pairs[-1][0]


class Neo4jRestore:
    """Implements Restoring, batch by batch: until `finish`, the database says that it is being restored, and nobody
    uses it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalog = CatalogRow(revision=0, source_order=None, horizon=0)
        self._head = Head(0, "")

    async def begin(self, *, replace: bool) -> None:
        """Begin and empty the database. Raises CatalogError CONFLICT for one that is not empty, unless it is to be
        replaced.
        """
        (found,) = await self._database.execute(dump_cypher.HOLDS_SOMETHING)
        if found["something"] and not replace:
            raise CatalogError(ErrorCode.CONFLICT, "the store is not empty; restore into another, or replace this one")
        await self._database.execute(dump_cypher.BEGIN_RESTORE)
        await self._database.execute_within(600, dump_cypher.DELETE_ALL)

    async def add(self, batch: Batch) -> None:
        await _ADD[type(batch[0])](self, batch)

    async def finish(self) -> None:
        catalog = self._catalog
        names = None if catalog.source_order is None else list(catalog.source_order)
        await self._database.execute(
            dump_cypher.END_RESTORE,
            revision=catalog.revision,
            names=names,
            horizon=catalog.horizon,
            sequence=self._head.sequence,
            hash=self._head.hash,
        )

    async def _add_catalog(self, rows: list[CatalogRow]) -> None:
        (self._catalog,) = rows

    async def _add_keys(self, rows: list[ApiKey]) -> None:
        await self._create(dump_cypher.RESTORE_KEYS, rows, lambda key: {"id": key.id, "record": dump_key(key)})

    async def _add_audit(self, rows: list[Record]) -> None:
        await self._create(dump_cypher.RESTORE_AUDIT, rows, asdict)
        self._head = Head(rows[-1].sequence, rows[-1].hash)

    async def _add_sources(self, rows: list[SourceRow]) -> None:
        await self._create(dump_cypher.RESTORE_SOURCES, rows, _properties)

    async def _add_runs(self, rows: list[SyncRun]) -> None:
        await self._create(dump_cypher.RESTORE_RUNS, rows, run_record)

    async def _add_removed(self, rows: list[RemovedRow]) -> None:
        await self._create(dump_cypher.RESTORE_REMOVED, rows, _removed_record)

    async def _add_entities(self, rows: list[Entity]) -> None:
        said = labels_by_ref(rows, ())
        for labels, group in grouped(rows, lambda row: ":".join(kind_labels(row))):
            await self._create(
                dump_cypher.RESTORE_ENTITIES.format(labels=labels),
                group,
                lambda row: {
                    "labels": said[row.ref],
                    "entity": entity_record(row, row.revision, row.created_revision, row.updated_at),
                },
            )
        await self._create(cypher_writes.CREATE_AUDIENCES, sorted({row.audience for row in rows if row.audience}), str)
        names = [(row.ref, name) for row in rows for name in row.identifiers]
        await self._create(cypher_writes.CREATE_IDENTIFIERS, names, list)

    async def _add_links(self, rows: list[Link]) -> None:
        for relation, group in grouped(rows, lambda link: link.key.relation):
            query = cypher_writes.CREATE_LINKS.format(type=relation_types([relation]))
            await self._create(query, group, lambda link: link_row(link, link.revision))
        said = labels_by_ref((), rows).items()
        await self._create(cypher_lookups.SET_LABELS, said, lambda row: {"ref": row[0], "labels": row[1]})

    async def _create(self, query: str, rows: Iterable[T], record: Callable[[T], object]) -> None:
        if records := [record(row) for row in rows]:
            await self._database.execute_once(STATEMENT_SECONDS, query, {"given": RedactedParameters(rows=records)})


def _properties(row: SourceRow) -> Row:
    return {name: value for name in row.__slots__ if (value := getattr(row, name)) is not None}


def _removed_record(row: RemovedRow) -> Row:
    """Return the properties of a tombstone; what has no audience was seen by everybody."""
    name = "hidden" if row.hidden else "ref"
    return {name: row.ref, "revision": row.revision, "at": row.at, "audience": row.audience or None}


_ADD: dict[type, Callable[[Neo4jRestore, Any], Any]] = {
    CatalogRow: Neo4jRestore._add_catalog,
    ApiKey: Neo4jRestore._add_keys,
    Record: Neo4jRestore._add_audit,
    SourceRow: Neo4jRestore._add_sources,
    SyncRun: Neo4jRestore._add_runs,
    RemovedRow: Neo4jRestore._add_removed,
    Entity: Neo4jRestore._add_entities,
    Link: Neo4jRestore._add_links,
}
