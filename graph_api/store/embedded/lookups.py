"""Questions about entities and links that are named: who is there, what links them, who is meant."""

import sqlite3
from collections.abc import Collection, Sequence

from graph_api.catalog.entity import Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.store.embedded.condition import AMONG, NEAR, RELATION_TERMS, one_of
from graph_api.store.embedded.documents import links_where
from graph_api.store.embedded.sight import Sight
from graph_api.store.lookups import Referenced, Said
from graph_api.store.rows import load_entity_statements, load_link_statements

_IDS = f"SELECT id FROM entities WHERE ref {AMONG}"


def resolve(conn: sqlite3.Connection, sight: Sight, identifiers: Collection[str]) -> dict[str, list[Ref]]:
    """Return the refs, sorted, of those identifiers that resolve."""
    seen = sight.row("e")
    rows = conn.execute(
        "SELECT i.identifier, e.ref FROM identifiers i JOIN entities e ON e.id = i.entity "
        f"WHERE i.identifier {AMONG} AND {seen.sql} ORDER BY e.ref",
        (one_of(identifiers), *seen.parameters),
    )
    found: dict[str, list[Ref]] = {}
    for identifier, ref in rows:
        found.setdefault(identifier, []).append(ref)
    return found


def links(conn: sqlite3.Connection, keys: Collection[LinkKey]) -> dict[LinkKey, Link]:
    """Return those of these links that exist."""
    wanted = set(keys)
    if not wanted:
        return {}
    leaving = links_where(conn, f"l.source IN ({_IDS})", (one_of({key.source for key in wanted}),))
    return {link.key: link for link in leaving if link.key in wanted}


def links_at(
    conn: sqlite3.Connection, refs: Collection[Ref], relations: Collection[str], direction: Direction
) -> list[Link]:
    where = f"l.{NEAR[direction]} IN ({_IDS}) AND l.relation IN ({RELATION_TERMS})"
    return list(links_where(conn, where, (one_of(refs), one_of(relations))))


def subgroups(conn: sqlite3.Connection, sight: Sight, groups: Collection[Ref]) -> list[Ref]:
    """Return the groups, existing or not, and all groups below them, sorted."""
    seen = sight.row("e")
    rows = conn.execute(
        "WITH RECURSIVE below (id, ref) AS ("
        f" SELECT e.id, e.ref FROM entities e WHERE e.ref {AMONG} AND {seen.sql}"
        " UNION SELECT e.id, e.ref FROM below b CROSS JOIN links l ON l.target = b.id"
        f" CROSS JOIN entities e ON e.id = l.source WHERE l.relation IN ({RELATION_TERMS}) AND {seen.sql})"
        " SELECT ref FROM below",
        (one_of(groups), *seen.parameters, one_of(["CHILD_OF"]), *seen.parameters),
    )
    return sorted({*groups, *(row[0] for row in rows)})


def referenced(conn: sqlite3.Connection, refs: Collection[Ref]) -> dict[Ref, Referenced]:
    """Return what keeps each of these entities in the catalog; every ref is a key."""
    asked = one_of(refs)
    links = conn.execute(
        "SELECT e.ref, (SELECT count(*) FROM links WHERE source = e.id)"
        " + (SELECT count(*) FROM links WHERE target = e.id AND source <> e.id)"
        f" FROM entities e WHERE e.ref {AMONG}",
        (asked,),
    )
    inferred = conn.execute(
        "SELECT t.text, count(*) FROM terms t CROSS JOIN entity_terms o ON o.term = t.id "
        f"WHERE t.field = 'inferred_owner' AND t.text {AMONG} GROUP BY t.id",
        (asked,),
    )
    touching, owned = dict(links), dict(inferred)
    return {ref: Referenced(touching.get(ref, 0), owned.get(ref, 0)) for ref in refs}


def in_repositories(conn: sqlite3.Connection, repositories: Collection[Ref] | None) -> list[Ref]:
    """Return the refs of entities whose document lies in one of these repositories; with None in any, and all
    repositories. Sorted.
    """
    rows = conn.execute(
        "SELECT e.ref FROM terms t CROSS JOIN entity_terms r ON r.term = t.id CROSS JOIN entities e ON e.id = r.entity "
        "WHERE t.field = 'repository' AND (?1 IS NULL OR t.text IN (SELECT value FROM json_each(?1))) "
        "UNION SELECT ref FROM entities WHERE ?1 IS NULL AND kind = 'repository' ORDER BY 1",
        (None if repositories is None else one_of(repositories),),
    )
    return [row[0] for row in rows]


def said_by(conn: sqlite3.Connection, source: str, after: int, limit: int) -> Said:
    """Return what the source states of entities whose id is above `after`, and of the links that leave them."""
    own = _terms(conn, "field = 'source' AND text = ?", source)
    combined = _terms(conn, "field = 'link_sources' AND EXISTS (SELECT 1 FROM json_each(text) WHERE value = ?)", source)
    ids = _speaking(conn, own, combined, after, limit)
    among = one_of(ids)
    entities = conn.execute(
        f"SELECT d.statements FROM documents d WHERE d.id {AMONG} AND EXISTS ("
        f"SELECT 1 FROM entity_terms WHERE entity = d.id AND term {AMONG})",
        (among, one_of(own)),
    )
    leaving = conn.execute(
        f"SELECT statements FROM links WHERE source {AMONG} AND +sources {AMONG}",
        (among, one_of(combined)),
    )
    about_entities = [load_entity_statements(row[0])[source] for row in entities]
    about_links = [said for row in leaving for said in load_link_statements(row[0])[source]]
    return Said(
        {said.ref: said for said in about_entities},
        {said.key: said for said in about_links},
        ids[-1] if len(ids) == limit else None,
    )


def _terms(conn: sqlite3.Connection, where: str, source: str) -> list[int]:
    return [id_ for (id_,) in conn.execute(f"SELECT id FROM terms WHERE {where}", (source,))]


def _speaking(
    conn: sqlite3.Connection, own: Sequence[int], combined: Sequence[int], after: int, limit: int
) -> list[int]:
    """Return the ids, sorted, of the first entities above `after` that the source states, or states links of."""
    # One by one, each in the order of its index: of many at once SQLite would sort all that there are.
    found: set[int] = set()
    for terms, sql in (
        (own, "SELECT entity FROM entity_terms WHERE term = ? AND entity > ? ORDER BY 1 LIMIT ?"),
        (combined, "SELECT DISTINCT source FROM links WHERE sources = ? AND source > ? ORDER BY 1 LIMIT ?"),
    ):
        for term in terms:
            found.update(id_ for (id_,) in conn.execute(sql, (term, after, limit)))
    return sorted(found)[:limit]
