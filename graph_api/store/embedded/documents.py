"""Entities and links as rows, and rows as entities and links."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from graph_api.catalog.entity import Criticality, Entity, Link, LinkKey, OwnerState
from graph_api.catalog.ref import Ref
from graph_api.store.embedded.condition import AMONG, one_of
from graph_api.store.embedded.origins import origins_of
from graph_api.store.embedded.row_cache import ReaderCache, kept_by, seen_by
from graph_api.store.embedded.sight import Sight
from graph_api.store.rows import (
    MAX_KEPT,
    dump,
    dump_entity_statements,
    dump_owners,
    lazy_entity_statements,
    lazy_link_statements,
    lazy_strings,
    load_owners,
)

Row = tuple[Any, ...]

ENTITY_COLUMNS = (
    "e.ref, e.name, e.kind, e.namespace, e.declared, e.type, e.title, d.description, e.lifecycle, e.tier, d.active, "
    "d.tags, d.labels, d.annotations, d.identifiers, d.repository, d.folder, d.statements, d.owners, d.systems, "
    "d.domains, d.environments, e.owner_state, "
    "(SELECT text FROM terms WHERE id = e.audience), e.revision, e.created_revision, e.updated_at"
)
"""Columns of `entities e` and `documents d`, in the order of Entity's fields."""

# CROSS JOIN keeps SQLite from starting at one of the small tables.
LINK_TABLES = (
    "links l CROSS JOIN entities source ON source.id = l.source CROSS JOIN entities target ON target.id = l.target "
    "CROSS JOIN terms relation ON relation.id = l.relation "
    "LEFT JOIN terms environment ON environment.id = l.environment"
)
LinkId: TypeAlias = tuple[int, int, int, int]
LINK_ID = "l.source, l.relation, l.target, l.environment"
LINK_COLUMNS = (
    "source.ref, relation.text, target.ref, environment.text, "
    "l.hard, l.confidence, l.properties, l.origins, l.observed_at, l.statements, l.revision"
)


def entity_row(id_: int, entity: Entity, audience: int, revision: int, at: str) -> Row:
    """Return the row for `entities`; `audience` is the id of its term."""
    return (
        id_,
        entity.ref,
        entity.kind,
        entity.namespace,
        entity.name,
        entity.name.casefold(),
        entity.type,
        _folded(entity.type),
        entity.title,
        _folded(entity.title),
        entity.lifecycle,
        _folded(entity.lifecycle),
        entity.tier,
        entity.declared,
        entity.owner_state,
        revision,
        entity.created_revision or revision,
        at,
        audience,
    )


def document_row(id_: int, entity: Entity) -> Row:
    """Return the row for `documents`."""
    return (
        id_,
        entity.description,
        _folded(entity.description),
        entity.active,
        entity.repository,
        entity.folder,
        _dumped(entity.tags),
        _dumped(entity.identifiers),
        _dumped(entity.systems),
        _dumped(entity.domains),
        _dumped(entity.environments),
        _dumped(entity.labels),
        _dumped(entity.annotations),
        dump_owners(entity.owners) if entity.owners else None,
        dump_entity_statements(entity.statements) if entity.statements else None,
    )


def _folded(text: str | None) -> str | None:
    return text.casefold() if text is not None else None


def _dumped(value: Collection[str]) -> str | None:
    return dump(value) if value else None


def to_entity(row: Row) -> Entity:
    """Return the entity of a row of ENTITY_COLUMNS."""
    (
        ref, name, kind, namespace, declared, type_, title, description, lifecycle, tier, active,
        tags, labels, annotations, identifiers, repository, folder, statements, owners, systems,
        domains, environments, owner_state, audience, revision, created_revision, updated_at,
    ) = row  # fmt: skip  # beside ENTITY_COLUMNS the order can be checked at a glance
    return Entity(
        ref=ref,
        name=name,
        kind=kind,
        namespace=namespace,
        declared=bool(declared),
        type=type_,
        title=title,
        description=description,
        lifecycle=lifecycle,
        tier=tier,
        active=bool(active),
        tags=_loaded(tags),
        labels=lazy_strings(labels),
        annotations=lazy_strings(annotations),
        identifiers=_loaded(identifiers),
        repository=repository,
        folder=folder,
        statements=lazy_entity_statements(statements),
        owners=load_owners(owners),
        systems=_loaded(systems),
        domains=_loaded(domains),
        environments=_loaded(environments),
        owner_state=OwnerState(owner_state) if owner_state else None,
        audience=audience or "",
        revision=revision,
        created_revision=created_revision,
        updated_at=updated_at,
    )


@lru_cache(MAX_KEPT)
def _loaded(text: str | None) -> tuple[Any, ...]:
    return tuple(orjson.loads(text)) if text else ()


def to_link(row: Row) -> Link:
    """Return the link of a row of LINK_COLUMNS."""
    source, relation, target, environment, hard, confidence, properties, origins, observed_at, statements, revision = (
        row
    )
    return Link(
        key=LinkKey(source, relation, target, environment),
        criticality=Criticality.HARD if hard else Criticality.SOFT,
        confidence=confidence,
        properties=orjson.loads(properties) if properties else {},
        origins=origins_of(origins),
        observed_at=observed_at,
        statements=lazy_link_statements(statements),
        revision=revision,
    )


def ids_of(conn: sqlite3.Connection, refs: Iterable[Ref], sight: Sight) -> dict[Ref, int]:
    """Return the ids of those refs that exist and are seen."""
    seen = sight.row("e")
    sql = f"SELECT e.ref, e.id FROM entities e WHERE e.ref {AMONG} AND {seen.sql}"
    return dict(conn.execute(sql, (one_of(refs), *seen.parameters)))


def refs_of(conn: sqlite3.Connection, ids: Iterable[int]) -> dict[int, Ref]:
    return dict(conn.execute(f"SELECT id, ref FROM entities WHERE id {AMONG}", (one_of(ids),)))


def entities_of(conn: sqlite3.Connection, sight: Sight, refs: Collection[Ref]) -> dict[Ref, Entity]:
    """Return those of these entities that exist and are seen."""
    seen = seen_by(conn, sight)
    known = seen.entities
    found = {ref: known[ref] for ref in refs if ref in known}
    if missing := [ref for ref in refs if ref not in found]:
        found |= _read_entities(conn, sight, missing, seen)
    return found


def written_entities(conn: sqlite3.Connection, refs: Collection[Ref]) -> dict[Ref, Entity]:
    """Return what entities_of() does where all is seen, on a connection that writes or may not keep what it reads."""
    if not refs:
        return {}
    sql = f"SELECT {ENTITY_COLUMNS} FROM entities e JOIN documents d ON d.id = e.id WHERE e.ref {AMONG}"
    return {row[0]: to_entity(row) for row in conn.execute(sql, (one_of(refs),))}


def kept_entities(conn: sqlite3.Connection, sight: Sight, refs: Collection[Ref]) -> dict[Ref, Entity] | None:
    """Return what entities_of() does if all of them are in memory, else None."""
    known = seen_by(conn, sight).entities
    return {ref: known[ref] for ref in refs} if all(ref in known for ref in refs) else None


def _read_entities(conn: sqlite3.Connection, sight: Sight, refs: Iterable[Ref], seen: ReaderCache) -> dict[Ref, Entity]:
    among = sight.row("e")
    sql = f"SELECT e.id, e.revision FROM entities e WHERE e.ref {AMONG} AND {among.sql}"
    found = entities_at(conn, sight, dict(conn.execute(sql, (one_of(refs), *among.parameters))))
    kept = kept_by(conn).entities
    seen.keep_entities({row.ref: row for id_, row in found.items() if kept.holds_all([id_])})
    return {row.ref: row for row in found.values()}


def entities_by_id(conn: sqlite3.Connection, ids: Sequence[int], sight: Sight) -> list[Entity]:
    """Return the entities in the order of the ids, which exist and are seen."""
    sql = f"SELECT id, revision FROM entities WHERE id {AMONG}"
    found = entities_at(conn, sight, dict(conn.execute(sql, (one_of(ids),))))
    return [found[id_] for id_ in ids]


def entities_at(conn: sqlite3.Connection, sight: Sight, revisions: Mapping[int, int]) -> dict[int, Entity]:
    """Return by id those that are at these revisions, which exist and are seen."""
    kept = kept_by(conn).entities
    found = kept.at(revisions)
    if missing := revisions.keys() - found.keys():
        sql = (
            f"SELECT e.id, length(d.statements), {ENTITY_COLUMNS} FROM entities e JOIN documents d ON d.id = e.id "
            f"WHERE e.id {AMONG}"
        )
        rows = conn.execute(sql, (one_of(missing),)).fetchall()
        read = {row[0]: to_entity(row[2:]) for row in rows}
        kept.keep(read, {row[0]: row[1] or 0 for row in rows})
        found |= read
    return sight.redacted(found)


def links_by_id(conn: sqlite3.Connection, revisions: Mapping[LinkId, int]) -> dict[LinkId, Link]:
    """Return the links with these ids, which exist and are at these revisions."""
    kept = kept_by(conn).links
    found = kept.at(revisions)
    if missing := revisions.keys() - found.keys():
        sql = (
            f"SELECT length(l.statements), {LINK_ID}, {LINK_COLUMNS} FROM json_each(?) k CROSS JOIN {LINK_TABLES} "
            "WHERE l.source = json_extract(k.value, '$[0]') AND l.relation = json_extract(k.value, '$[1]') "
            "AND l.target = json_extract(k.value, '$[2]') AND l.environment = json_extract(k.value, '$[3]')"
        )
        rows = conn.execute(sql, (one_of(missing),)).fetchall()
        read = {row[1:5]: to_link(row[5:]) for row in rows}
        kept.keep(read, {row[1:5]: row[0] or 0 for row in rows})
        found |= read
    return found


def links_where(conn: sqlite3.Connection, where: str, parameters: Sequence[object]) -> Iterator[Link]:
    return map(to_link, conn.execute(f"SELECT {LINK_COLUMNS} FROM {LINK_TABLES} WHERE {where}", parameters))
