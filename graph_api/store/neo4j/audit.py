"""The audit log; the catalog's node holds its head."""

from dataclasses import asdict

from graph_api.access.audit import Event, Head, Record, chain
from graph_api.store.neo4j import cypher_records
from graph_api.store.neo4j.statements import Statements

_NO_PLACE = 2**63 - 1


async def head(tx: Statements) -> Head:
    return Head(**(await tx.rows(cypher_records.AUDIT_HEAD))[0])


def record(tx: Statements, event: Event) -> None:
    """Append the event in the writer's transaction, which holds the catalog's lock, so that nobody else takes the same
    place.
    """
    record = chain(tx.audit_head, event)
    tx.audit_head = Head(record.sequence, record.hash)
    tx.buffer.records.append(asdict(record))


async def records(tx: Statements, limit: int, before: int | None) -> list[Record]:
    """Return the newest records first; with `before`, those with a lower place."""
    rows = await tx.rows(cypher_records.AUDIT, limit=limit, before=_NO_PLACE if before is None else before)
    return [Record(**row) for row in rows]
