"""What is declared and what is observed, compared in SQL."""

import sqlite3
from collections.abc import Iterable

from graph_api.catalog.drift import (
    EXPECTED,
    NEEDS,
    DriftFinding,
    DriftKind,
    DriftPlace,
    DriftQuestion,
    disputed,
    kinds_from,
    owners_order,
)
from graph_api.catalog.merge import DEFAULT_ROLE
from graph_api.catalog.ref import Ref
from graph_api.store.embedded.condition import AMONG, RELATION_TERMS, Condition, one_of
from graph_api.store.embedded.documents import LINK_COLUMNS, LINK_TABLES, entities_by_id, links_where, to_link
from graph_api.store.embedded.filters import Compiler
from graph_api.store.embedded.origins import DECLARED, INFERRED, OBSERVED
from graph_api.store.embedded.sight import Sight

_ENVIRONMENT = "(d.environment IN (0, l.environment) OR l.environment = 0)"
_RECENTLY = f"d.origins & {OBSERVED} AND (d.observed_at IS NULL OR d.observed_at >= ?)"
_ROLE = (
    f"coalesce(nullif(CASE WHEN l.origins = {INFERRED} THEN NULL "
    "WHEN json_type(l.properties, '$.role') IN ('true', 'false') THEN json_type(l.properties, '$.role') "
    "WHEN json_type(l.properties, '$.role') IN ('text', 'integer', 'real') "
    f"THEN CAST(l.properties ->> '$.role' AS TEXT) END, ''), '{DEFAULT_ROLE}')"
)
_PLACE = "(source.ref, relation.text, target.ref, coalesce(environment.text, ''))"


def drift(
    conn: sqlite3.Connection, sight: Sight, question: DriftQuestion, limit: int, after: DriftPlace | None
) -> list[DriftFinding]:
    found: list[DriftFinding] = []
    for kind in kinds_from(question, after):
        place = after if after and after.kind is kind else DriftPlace(kind, Ref(""))
        find = _owners if kind is DriftKind.OWNERS else _links
        found += find(conn, sight, question, place, limit - len(found))
        if len(found) == limit:
            break
    return found


def count_drift(conn: sqlite3.Connection, sight: Sight, question: DriftQuestion) -> int:
    total = 0
    for kind in question.kinds:
        if kind is DriftKind.OWNERS:
            sql, parameters = "FROM entities source WHERE ", _disputed(conn, sight, question)
        else:
            sql, parameters = f"FROM {LINK_TABLES} WHERE ", _drifting(conn, sight, question, kind)
        row = conn.execute(f"SELECT count(*) {sql}{parameters.sql}", parameters.parameters).fetchone()
        total += row[0]
    return total


def _links(
    conn: sqlite3.Connection, sight: Sight, question: DriftQuestion, place: DriftPlace, limit: int
) -> Iterable[DriftFinding]:
    condition = _drifting(conn, sight, question, place.kind)
    rows = conn.execute(
        f"SELECT l.source, {LINK_COLUMNS} FROM {LINK_TABLES} WHERE {condition.sql} AND {_PLACE} > (?, ?, ?, ?) "
        f"ORDER BY {_PLACE[1:-1]} LIMIT ?",
        (*condition.parameters, *place[1:], limit),
    ).fetchall()
    entities = entities_by_id(conn, [row[0] for row in rows], sight)
    for row, entity in zip(rows, entities, strict=True):
        yield DriftFinding(kind=place.kind, entity=entity, links=(to_link(row[1:]),))


def _drifting(conn: sqlite3.Connection, sight: Sight, question: DriftQuestion, kind: DriftKind) -> Condition:
    """Return the condition for this kind of drift, on rows of LINK_TABLES."""
    among = Compiler(conn, sight).seen(question.filter_of(kind), "source")
    found = _undeclared(conn, sight) if kind is DriftKind.UNDECLARED else _unobserved(conn, sight, question.since)
    return found & sight.row("target") & among


def _seen_entity(sight: Sight, id_: str) -> Condition:
    """Return the condition that the entity of this id is seen, which the statement has no row of."""
    if sight.whole:
        return Condition("1")
    seen = sight.row("via")
    return Condition(f"EXISTS (SELECT 1 FROM entities via WHERE via.id = {id_} AND {seen.sql})", seen.parameters)


def _undeclared(conn: sqlite3.Connection, sight: Sight) -> Condition:
    through = _seen_entity(sight, "d.target")
    needs, consumes, provided = _ids(conn, *NEEDS), _ids(conn, "CONSUMES_API"), _ids(conn, "PROVIDED_BY")
    return Condition(
        f"l.origins & {OBSERVED} AND NOT l.origins & {DECLARED} AND l.relation IN ({needs}) "
        "AND source.declared AND target.declared AND l.source <> l.target "
        "AND NOT EXISTS (SELECT 1 FROM links d WHERE d.source = l.source AND d.target = l.target "
        f"AND d.relation IN ({needs}) AND d.origins & {DECLARED} AND {_ENVIRONMENT}) "
        "AND NOT EXISTS (SELECT 1 FROM links d CROSS JOIN links p ON p.source = d.target "
        f"WHERE d.source = l.source AND d.relation IN ({consumes}) AND d.origins & {DECLARED} AND {_ENVIRONMENT} "
        f"AND p.relation IN ({provided}) AND p.target = l.target AND {through.sql})",
        through.parameters,
    )


def _unobserved(conn: sqlite3.Connection, sight: Sight, since: str) -> Condition:
    needs, consumes, provided = _ids(conn, *NEEDS), _ids(conn, "CONSUMES_API"), _ids(conn, "PROVIDED_BY")
    seen = f"FROM links WHERE origins & {OBSERVED} AND relation IN ({needs})"
    source, target, through = (_seen_entity(sight, id_) for id_ in ("links.source", "links.target", "p.target"))
    return Condition(
        f"l.origins & {DECLARED} AND l.relation IN ({_ids(conn, *EXPECTED)}) "
        f"AND l.source IN (SELECT source {seen} AND {target.sql} UNION SELECT target {seen} AND {source.sql}) "
        "AND NOT EXISTS (SELECT 1 FROM links d WHERE d.source = l.source AND d.target = l.target "
        f"AND d.relation IN ({needs}) AND {_ENVIRONMENT} AND {_RECENTLY}) "
        f"AND NOT (l.relation IN ({consumes}) AND EXISTS (SELECT 1 FROM links p CROSS JOIN links d "
        f"ON d.source = l.source AND d.target = p.target WHERE p.source = l.target AND p.relation IN ({provided}) "
        f"AND d.relation IN ({needs}) AND {_ENVIRONMENT} AND {_RECENTLY} AND {through.sql}))",
        (*target.parameters, *source.parameters, since, since, *through.parameters),
    )


def _ids(conn: sqlite3.Connection, *relations: str) -> str:
    """Return the ids of the relations' terms, as SQL has a list."""
    return ", ".join(str(id_) for (id_,) in conn.execute(RELATION_TERMS, (one_of(relations),)))


def _owners(
    conn: sqlite3.Connection, sight: Sight, question: DriftQuestion, place: DriftPlace, limit: int
) -> Iterable[DriftFinding]:
    condition = _disputed(conn, sight, question)
    rows = conn.execute(
        f"SELECT source.id FROM entities source WHERE source.ref > ? AND {condition.sql} ORDER BY source.ref LIMIT ?",
        (place.source, *condition.parameters, limit),
    )
    ids = [row[0] for row in rows]
    seen = sight.row("target")
    owned = f"l.source {AMONG} AND l.relation IN ({_ids(conn, 'OWNED_BY')}) AND {seen.sql}"
    links = list(links_where(conn, owned, (one_of(ids), *seen.parameters)))
    for entity in entities_by_id(conn, ids, sight):
        own = disputed(link for link in links if link.key.source == entity.ref)
        yield DriftFinding(kind=place.kind, entity=entity, links=tuple(sorted(own, key=owners_order)))


def _disputed(conn: sqlite3.Connection, sight: Sight, question: DriftQuestion) -> Condition:
    """Return the condition on rows of entities that disputed() of catalog/drift.py finds something in their links."""
    among, owner = Compiler(conn, sight).seen(question.filter, "source"), _seen_entity(sight, "l.target")
    return Condition(
        "EXISTS (SELECT 1 FROM links l CROSS JOIN terms t ON t.id = l.sources CROSS JOIN json_each(t.text) said "
        f"WHERE l.source = source.id AND l.relation IN ({_ids(conn, 'OWNED_BY')}) AND {owner.sql} "
        f"GROUP BY {_ROLE} HAVING count(DISTINCT said.value) * count(DISTINCT l.target) "
        f"> count(DISTINCT said.value || ' ' || l.target)) AND {among.sql}",
        (*owner.parameters, *among.parameters),
    )
