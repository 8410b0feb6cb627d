"""What each write changed, left in the database for the mirrors: refs of entities and keys of links."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import NamedTuple

import orjson

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.store.neo4j import mirror_cypher
from graph_api.store.neo4j.database import Database
from graph_api.store.neo4j.lookups import entities, links
from graph_api.store.neo4j.projection import WHOLE, link_of
from graph_api.store.neo4j.statements import Gate, Row, Statements

LARGEST = 20_000
"""Rows that are followed at once; after a write of more everything is read anew."""

FEW = 50
SMALL = 200
"""At most so many writes of at most so many rows are told by two statements."""
SECONDS = 10.0


def delta_of(changes: ChangeSet, revision: int, at: str) -> Row:
    """Return the properties of the delta's node. `at` tells it from one of another history, in which the database was
    put back to an earlier state.
    """
    return {"revision": revision, "at": at, **_named(changes)}


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
    """Return what delta_of() does, of a write that nobody can follow."""
    return {"revision": revision, "at": datetime.now(UTC).isoformat(), "size": max(size, LARGEST + 1)}


class Told(NamedTuple):
    """What makes a copy one of this revision: rows with their stamps. Unlike in a plan, what is `removed` may be among
    the entities too: it came back.
    """

    revision: int
    at: str | None
    """When the write was that led there; None where nothing is told."""
    changes: ChangeSet


async def few_changes_since(database: Database, revision: int) -> Told | None:
    """Return what changes_since() does, by two statements. None where these do not tell: after more or larger writes,
    and while somebody commits.
    """
    before, _ = await database.glance(SECONDS, mirror_cypher.FEW_DELTAS, since=revision, few=FEW, small=SMALL)
    deltas, gate = before[0]["deltas"], _gate(before[0])
    if gate.closed or gate.applying or not _is_whole(deltas, revision, gate.revision):
        return None
    named = _named_by(deltas)
    after, _ = await database.glance(
        SECONDS, mirror_cypher.FEW_ROWS, given={"refs": named.refs, "keys": [list(key) for key in named.keys]}
    )
    if _gate(after[0]) != gate:
        return None
    rows, there = map(WHOLE.entity, after[0]["entities"]), map(link_of, after[0]["links"])
    return Told(gate.revision, deltas[-1]["at"] if deltas else None, named.changes(list(rows), list(there)))


def _gate(row: Row) -> Gate:
    return Gate(**{name: row[name] for name in Gate._fields})


async def changes_since(tx: Statements, revision: int, *, partly: bool) -> Told | None:
    """Return what has changed since the revision. None where not everything is told since then, or it is too much at
    once; then with `partly` some revisions, of which the rows may be newer, and links come before their ends.
    """
    sizes = await tx.rows(mirror_cypher.DELTAS, since=revision)
    if not _is_whole(sizes, revision, tx.revision):
        return None
    totals = list(accumulate(row["size"] for row in sizes))
    count = bisect_right(totals, LARGEST)
    if count < len(sizes) and not (partly and count):
        return None
    until = revision + count
    named = _named_by(await tx.rows(mirror_cypher.DELTAS_UNTIL, since=revision, until=until))
    there = await links(tx, named.keys) if named.keys else []
    rows = await entities(tx, named.refs) if named.refs else []
    return Told(until, sizes[count - 1]["at"] if count else None, named.changes(rows, there))


def _is_whole(deltas: Sequence[Row], since: int, until: int) -> bool:
    return [row["revision"] for row in deltas] == list(range(since + 1, until + 1))


class _Named(NamedTuple):
    """What has changed, by refs and keys."""

    entities: list[str]
    removed: list[str]
    keys: list[LinkKey]

    @property
    def refs(self) -> list[Ref]:
        """The refs to ask the database for."""
        return list(dict.fromkeys(map(Ref, [*self.entities, *self.removed])))

    def changes(self, rows: Sequence[Entity], there: Sequence[Link]) -> ChangeSet:
        found = {link.key for link in there}
        return ChangeSet(
            entities=rows,
            removed=[Ref(ref) for ref in self.removed],
            links=there,
            removed_links=[key for key in self.keys if key not in found],
        )


def _named_by(deltas: Sequence[Row]) -> _Named:
    keys = [LinkKey(*orjson.loads(text)) for text in _united(deltas, "links")]
    return _Named(_united(deltas, "entities"), _united(deltas, "removed"), keys)


def _united(deltas: Iterable[Row], name: str) -> list[str]:
    return list(dict.fromkeys(text for row in deltas for text in row[name] or ()))
