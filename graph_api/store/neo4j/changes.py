"""A change as the statements that write it, in order; the rows of each are built when it is asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.ref import Ref
from graph_api.store.neo4j import cypher_writes, mirror_cypher
from graph_api.store.neo4j.deltas import delta_of
from graph_api.store.neo4j.filters import relation_types
from graph_api.store.neo4j.labels import kind_labels, labels_by_ref
from graph_api.store.neo4j.parameters import RedactedParameters
from graph_api.store.neo4j.records import entity_record, link_record

BATCH = 5_000
ENTITIES_AT_ONCE = 200
LINKS_AT_ONCE = 800
"""Links of a small write in one statement, as entities above: what takes some 10 ms to build, and the server as long to
write."""

T = TypeVar("T")


class Statement(NamedTuple):
    query: str
    parameters: dict[str, Any]


def phases_of(changes: ChangeSet, revision: int, at: str) -> tuple[Iterator[Statement], ...]:
    """Return the statements of the rows: those of each phase in any order, but after all of the phases before."""
    return (
        _removals(changes, revision, at),
        _entities(changes, revision, at),
        _links(changes.links, revision),
    )


def statements_of(changes: ChangeSet, revision: int, at: str) -> Iterator[Statement]:
    yield from chain.from_iterable(phases_of(changes, revision, at))
    yield Statement(mirror_cypher.WRITE_DELTAS, {"given": RedactedParameters(deltas=[delta_of(changes, revision, at)])})
    yield Statement(cypher_writes.SET_REVISION, {"revision": revision})


def small_changes(changes: ChangeSet, revision: int, at: str) -> Iterator[dict[str, Any]]:
    """Yield the same as parameters of cypher_small.WRITE, of one statement or of several: the server works on the rows
    of one while those of the next are built.
    """
    said = labels_by_ref(changes.entities, changes.links)
    given = {
        "gone_links": list(map(list, changes.removed_links)),
        "gone": [{"ref": ref, "revision": revision, "at": at} for ref in changes.removed],
        "audiences": _audiences(changes.entities),
        "back": _back(_by_age(changes.entities)[0]),
    }
    for number, entities in enumerate(_in_pieces(changes.entities, ENTITIES_AT_ONCE)):
        if number:
            yield given
            given = {}
        given |= _small_entities(entities, said, revision, at)
    for number, links in enumerate(_in_pieces(changes.links, LINKS_AT_ONCE)):
        if number:
            yield given
            given = {}
        given |= _small_links(links, revision)
    yield given | {"deltas": [delta_of(changes, revision, at)]}


def _small_entities(entities: Sequence[Entity], said: dict[Ref, list[str]], revision: int, at: str) -> dict[str, Any]:
    new, known = _by_age(entities)
    return {
        "new": [
            {"labels": [*kind_labels(row), *said[row.ref]], "entity": _entity_record(row, revision, at)} for row in new
        ],
        "known": [{"labels": said[row.ref], "entity": _entity_record(row, revision, at)} for row in known],
        "known_refs": _refs(known),
        "names": list(map(list, _names(entities))),
    }


def _small_links(links: Sequence[Link], revision: int) -> dict[str, Any]:
    new, known = _links_by_age(links)
    return {
        "new_links": [link_row(link, revision) for link in new],
        "known_links": [link_row(link, revision) for link in known],
    }


def _removals(changes: ChangeSet, revision: int, at: str) -> Iterator[Statement]:
    yield from _batches(cypher_writes.DELETE_LINKS, changes.removed_links, list)
    yield from _batches(cypher_writes.CREATE_TOMBSTONES, changes.removed, str, revision=revision, at=at)
    yield from _batches(cypher_writes.DELETE_ENTITIES, changes.removed, str)


def _entities(changes: ChangeSet, revision: int, at: str) -> Iterator[Statement]:
    """Yield the statements that write entities; a link has a say in the labels of the entity that it leaves, too."""

    def record(row: Entity) -> dict[str, Any]:
        return _entity_record(row, revision, at)

    new, known = _by_age(changes.entities)
    said = labels_by_ref(changes.entities, changes.links)
    yield from _batches(cypher_writes.CREATE_AUDIENCES, _audiences(changes.entities), str)
    if revision > 1:  # before the first write nothing was removed
        yield from _batches(cypher_writes.DELETE_TOMBSTONES, _back(new), list)
    # What is new is stated by one source, mostly: labels in the text cost less than those in rows.
    for labels, rows in grouped(new, lambda row: ":".join((*kind_labels(row), *said[row.ref]))):
        yield from _batches(cypher_writes.CREATE_ENTITIES.format(labels=labels), rows, record)
    yield from _batches(
        cypher_writes.UPDATE_ENTITIES, known, lambda row: {"labels": said[row.ref], "entity": record(row)}
    )
    yield from _batches(cypher_writes.DROP_IDENTIFIERS, _refs(known), str)
    yield from _batches(cypher_writes.CREATE_IDENTIFIERS, _names(changes.entities), list)


def _links(links: Sequence[Link], revision: int) -> Iterator[Statement]:
    def record(link: Link) -> dict[str, Any]:
        return link_row(link, revision)

    new, known = _links_by_age(links)
    for relation, rows in grouped(new, lambda link: link.key.relation):
        yield from _batches(cypher_writes.CREATE_LINKS.format(type=relation_types([relation])), rows, record)
    yield from _batches(cypher_writes.UPDATE_LINKS, known, record)


def _entity_record(row: Entity, revision: int, at: str) -> dict[str, Any]:
    return entity_record(row, revision, row.created_revision or revision, at)


def link_row(link: Link, revision: int) -> dict[str, Any]:
    source, relation, target, _ = link.key
    return {"source": source, "target": target, "type": relation, "link": link_record(link, revision)}


def _by_age(entities: Sequence[Entity]) -> tuple[list[Entity], list[Entity]]:
    """Return the new ones and the known ones."""
    return [row for row in entities if not row.created_revision], [row for row in entities if row.created_revision]


def _links_by_age(links: Sequence[Link]) -> tuple[list[Link], list[Link]]:
    return [link for link in links if not link.revision], [link for link in links if link.revision]


def _audiences(entities: Sequence[Entity]) -> list[str]:
    return sorted({row.audience for row in entities if row.audience})


def _back(new: Sequence[Entity]) -> list[list[str | None]]:
    """Return the refs of what may have been there before, with who sees it now."""
    return [[row.ref, row.audience or None] for row in new]


def _refs(entities: Sequence[Entity]) -> list[Ref]:
    return [row.ref for row in entities]


def _names(entities: Sequence[Entity]) -> list[tuple[Ref, str]]:
    return [(row.ref, name) for row in entities for name in row.identifiers]


def grouped(rows: Iterable[T], key: Callable[[T], str]) -> Iterable[tuple[str, list[T]]]:
    groups: dict[str, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups.items()


def _batches(query: str, rows: Sequence[T], record: Callable[[T], object], **parameters: Any) -> Iterator[Statement]:
    for some in _in_pieces(rows, BATCH):
        yield Statement(query, {"given": RedactedParameters(rows=list(map(record, some))), **parameters})


def _in_pieces(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
