"""What each write changed, left in the database for the mirrors: refs of entities and keys of links."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import orjson

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.store.neo4j import cypher, mirror_cypher
from graph_api.store.neo4j.database import Row, Statements
from graph_api.store.neo4j.records import entity_of, link_of
from graph_api.store.neo4j.sight import TRUE

LARGEST = 20_000
"""Rows that are followed at once; after a write of more everything is read anew."""


def delta_of(changes: ChangeSet, revision: int) -> Row:
    """The properties of its node."""
    return {"revision": revision, **_named(changes)}


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


def untold(size: int, revision: int) -> Row:
    """As delta_of(), of a write that nobody can follow."""
    return {"revision": revision, "size": max(size, LARGEST + 1)}


class Told(NamedTuple):
    """What makes a copy one of this revision: rows with their stamps. Unlike in a plan, what is `removed` may be among
    the entities too: it came back.
    """

    revision: int
    changes: ChangeSet


async def changes_since(tx: Statements, revision: int, *, partly: bool) -> Told | None:
    """None where not everything is told since then, or it is too much at once; then with `partly` some revisions, of
    which the rows may be newer, and links come before their ends.
    """
    sizes = await tx.rows(mirror_cypher.DELTAS, since=revision)
    if [row["revision"] for row in sizes] != list(range(revision + 1, tx.revision + 1)):
        return None
    totals = list(accumulate(row["size"] for row in sizes))
    count = bisect_right(totals, LARGEST)
    if count < len(sizes) and not (partly and count):
        return None
    until = revision + count
    return Told(until, await _changes(tx, await tx.rows(mirror_cypher.DELTAS_UNTIL, since=revision, until=until)))


async def _changes(tx: Statements, deltas: Sequence[Row]) -> ChangeSet:
    removed = _united(deltas, "removed")
    refs = list(dict.fromkeys([*_united(deltas, "entities"), *removed]))
    keys = [LinkKey(*orjson.loads(text)) for text in _united(deltas, "links")]
    links = await _links(tx, keys)
    found = {link.key for link in links}
    rows = await tx.rows(cypher.ENTITIES.format(where=TRUE), refs=refs) if refs else []
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
