"""Answers of writes by the key that the client gave them, for the client that asks again."""

from graph_api.store.neo4j import cypher_records
from graph_api.store.neo4j.statements import Statements
from graph_api.store.protocol import StoredAnswer


async def answer_of(tx: Statements, key: str) -> StoredAnswer | None:
    rows = await tx.rows(cypher_records.STORED_ANSWER, key=key)
    return StoredAnswer(key, rows[0]["digest"], bytes(rows[0]["body"])) if rows else None


def keep(tx: Statements, answer: StoredAnswer, seconds: float) -> None:
    tx.buffer.answers.append({**answer._asdict(), "milliseconds": round(seconds * 1000)})
