"""What each write changed, left in the database for the mirrors: refs of entities and keys of links."""

from collections.abc import Iterable, Sequence

import orjson

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.store.neo4j import cypher, mirror_cypher
from graph_api.store.neo4j.database import Row, Statements
from graph_api.store.neo4j.records import entity_of, link_of
from graph_api.store.neo4j.sight import TRUE

LARGEST = 20_000
"""Rows of a write that are named one by one; after a larger one everything is read anew."""
KEPT = 500
"""Revisions that one may be behind."""


def delta_of(changes: ChangeSet, revision: int) -> Row:
    """The parameters of WRITE_DELTA."""
    return {"revision": revision, "forgotten": revision - KEPT, "delta": {"revision": revision, **_named(changes)}}


def _named(changes: ChangeSet) -> Row:
    if len(changes) > LARGEST:
        return {"size": len(changes)}
    keys = [*(link.key for link in changes.links), *changes.removed_links]
    return {
        "size": len(changes),
        "entities": [row.ref for row in changes.entities],
        "removed": list(changes.removed),
        "links": [orjson.dumps(tuple(key)).decode() for key in keys],
    }


async def changes_since(tx: Statements, revision: int) -> ChangeSet | None:
    """What makes a copy of that revision one of this: rows with their stamps. None where that is not told.

    Unlike in a plan, what is `removed` may be among the entities too: it came back.
    """
    deltas = await tx.rows(mirror_cypher.DELTAS, since=revision)
    if [row["revision"] for row in deltas] != list(range(revision + 1, tx.revision + 1)):
        return None
    if sum(row["size"] for row in deltas) > LARGEST:
        return None
    removed = _united(deltas, "removed")
    refs = [*_united(deltas, "entities"), *removed]
    keys = [LinkKey(*orjson.loads(text)) for text in _united(deltas, "links")]
    links = await _links(tx, keys)
    found = {link.key for link in links}
    rows = await tx.rows(cypher.ENTITIES.format(where=TRUE), refs=list(dict.fromkeys(refs))) if refs else []
    return ChangeSet(
        entities=[entity_of(row["e"]) for row in rows],
        removed=[Ref(ref) for ref in removed],
        links=links,
        removed_links=[key for key in keys if key not in found],
    )


def _united(deltas: Iterable[Row], name: str) -> list[str]:
    return list(dict.fromkeys(text for row in deltas for text in row[name] or ()))


async def _links(tx: Statements, keys: Sequence[LinkKey]) -> list[Link]:
    rows = await tx.rows(cypher.LINKS, keys=[list(key) for key in keys]) if keys else []
    return [link_of(row["link"]["source"], row["link"]["relation"], row["link"]["target"], row["link"]) for row in rows]
