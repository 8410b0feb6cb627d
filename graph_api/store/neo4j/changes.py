"""A change as the statements that write it, in order; the rows of each are built when it is asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link
from graph_api.store.neo4j import cypher, mirror_cypher
from graph_api.store.neo4j.deltas import delta_of
from graph_api.store.neo4j.filters import relation_types
from graph_api.store.neo4j.records import entity_record, link_record

BATCH = 5_000

T = TypeVar("T")


class Statement(NamedTuple):
    query: str
    parameters: dict[str, Any]


def phases_of(changes: ChangeSet, revision: int, at: str) -> tuple[Iterator[Statement], ...]:
    """Of the rows: those of each phase in any order, but after all of the phases before."""
    return (
        _removals(changes, revision, at),
        _entities(changes.entities, revision, at),
        _links(changes.links, revision),
    )


def statements_of(changes: ChangeSet, revision: int, at: str) -> Iterator[Statement]:
    yield from chain.from_iterable(phases_of(changes, revision, at))
    yield Statement(mirror_cypher.WRITE_DELTA, delta_of(changes, revision))
    yield Statement(cypher.SET_REVISION, {"revision": revision})


def _removals(changes: ChangeSet, revision: int, at: str) -> Iterator[Statement]:
    yield from _batches(cypher.DELETE_LINKS, changes.removed_links, list)
    yield from _batches(cypher.CREATE_TOMBSTONES, changes.removed, str, revision=revision, at=at)
    yield from _batches(cypher.DELETE_ENTITIES, changes.removed, str)


def _entities(entities: Sequence[Entity], revision: int, at: str) -> Iterator[Statement]:
    def record(row: Entity) -> dict[str, Any]:
        return entity_record(row, revision, row.created_revision or revision, at)

    new = [row for row in entities if not row.created_revision]
    known = [row for row in entities if row.created_revision]
    yield from _batches(cypher.CREATE_AUDIENCES, sorted({row.audience for row in entities if row.audience}), str)
    if revision > 1:  # before the first write nothing was removed
        yield from _batches(cypher.DELETE_TOMBSTONES, [row.ref for row in new], str)
    for labels, rows in _grouped(new, lambda row: cypher.LABELS.get(row.kind, "Entity")):
        yield from _batches(cypher.CREATE_ENTITIES.format(labels=labels), rows, record)
    yield from _batches(cypher.UPDATE_ENTITIES, known, record)
    yield from _batches(cypher.DROP_IDENTIFIERS, [row.ref for row in known], str)
    pairs = [(row.ref, name) for row in entities for name in row.identifiers]
    yield from _batches(cypher.CREATE_IDENTIFIERS, pairs, list)


def _links(links: Sequence[Link], revision: int) -> Iterator[Statement]:
    def record(link: Link) -> dict[str, Any]:
        source, relation, target, _ = link.key
        return {"source": source, "target": target, "type": relation, "link": link_record(link, revision)}

    for relation, rows in _grouped((link for link in links if not link.revision), lambda link: link.key.relation):
        yield from _batches(cypher.CREATE_LINKS.format(type=relation_types([relation])), rows, record)
    yield from _batches(cypher.UPDATE_LINKS, [link for link in links if link.revision], record)


def _grouped(rows: Iterable[T], key: Callable[[T], str]) -> Iterable[tuple[str, list[T]]]:
    groups: dict[str, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups.items()


def _batches(query: str, rows: Sequence[T], record: Callable[[T], object], **parameters: Any) -> Iterator[Statement]:
    for start in range(0, len(rows), BATCH):
        batch = [record(row) for row in rows[start : start + BATCH]]
        yield Statement(query, {"rows": batch, **parameters})
