"""API keys."""

from graph_api.access.keys import ApiKey, dump_key, load_good_keys
from graph_api.store.neo4j import cypher_records
from graph_api.store.neo4j.statements import Statements


async def keys(tx: Statements) -> list[ApiKey]:
    return load_good_keys(row["record"] for row in await tx.rows(cypher_records.KEYS))


async def put(tx: Statements, key: ApiKey) -> None:
    await tx.rows(cypher_records.PUT_KEY, id=key.id, record=dump_key(key))
