"""What is around named entities: their links one way, page by page, and how many there are."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from graph_api.catalog.filters import LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.store.embedded.condition import AMONG, NEAR, RELATION_TERMS, Condition, one_of
from graph_api.store.embedded.documents import LINK_ID, LINK_TABLES, entities_at, ids_of, links_by_id
from graph_api.store.embedded.link_filters import matching_links
from graph_api.store.embedded.row_cache import ReaderCache, kept_by, seen_by
from graph_api.store.embedded.sight import Sight
from graph_api.store.protocol import LinkPage, LinkPlace, Neighbour

_FAR = {Direction.OUT: "target", Direction.IN: "source"}

_Row: TypeAlias = tuple[int, int, int, int, int, str, int]
"""A row of a link: its id (see LINK_ID) and revision, and the ref and revision of its far end."""
_Place: TypeAlias = Literal[0, 2]
_NEAR_END: dict[Direction, _Place] = {Direction.OUT: 0, Direction.IN: 2}
_FAR_END: dict[Direction, _Place] = {Direction.OUT: 2, Direction.IN: 0}
"""Where the ids of the near and the far end are in a row."""


class _Question(NamedTuple):
    direction: Direction
    relations: tuple[str, ...]
    where: LinkFilter | None
    page: LinkPage


def neighbours(
    conn: sqlite3.Connection,
    sight: Sight,
    refs: Collection[Ref],
    direction: Direction,
    relations: Collection[str],
    where: LinkFilter | None,
    page: LinkPage,
) -> dict[Ref, list[Neighbour]]:
    """Return the page of each ref's neighbours; every ref is a key."""
    question = _Question(direction, tuple(relations), where, page)
    seen = seen_by(conn, sight)
    known = seen.around(question)
    found = {ref: known[ref] for ref in refs if ref in known}
    if missing := [ref for ref in refs if ref not in found]:
        found |= _read_around(conn, sight, missing, question, seen)
    return found


def kept_neighbours(
    conn: sqlite3.Connection,
    sight: Sight,
    refs: Sequence[Ref],
    direction: Direction,
    relations: Collection[str],
    where: LinkFilter | None,
    page: LinkPage,
) -> dict[Ref, list[Neighbour]] | None:
    """Return what neighbours() does if all of them are in memory, else None."""
    known = seen_by(conn, sight).around(_Question(direction, tuple(relations), where, page))
    return {ref: known[ref] for ref in refs} if all(ref in known for ref in refs) else None


def _read_around(
    conn: sqlite3.Connection, sight: Sight, refs: Sequence[Ref], question: _Question, seen: ReaderCache
) -> dict[Ref, list[Neighbour]]:
    ids = ids_of(conn, refs, sight)
    rows_of = _rows_of_one if len(ids) == 1 else _rows_of_many
    around = rows_of(conn, sight, list(ids.values()), question)
    found = {ref: around.get(ids[ref], ()) if ref in ids else () for ref in refs}
    links = links_by_id(conn, {row[:4]: row[4] for rows in found.values() for row in rows})
    far = _FAR_END[question.direction]
    entities = entities_at(conn, sight, {row[far]: row[6] for rows in found.values() for row in rows})
    read = {ref: [Neighbour(ref, links[row[:4]], entities[row[far]]) for row in rows] for ref, rows in found.items()}
    kept = kept_by(conn)
    small = [
        ref
        for ref, rows in found.items()
        if kept.links.holds_all(row[:4] for row in rows) and kept.entities.holds_all(row[far] for row in rows)
    ]
    if question.where is None:  # a filter may be large, and is seldom asked twice
        seen.keep_around(question, {ref: read[ref] for ref in small})
    return read


def _rows_of_one(
    conn: sqlite3.Connection, sight: Sight, ids: Sequence[int], question: _Question
) -> dict[int, Sequence[_Row]]:
    """Return the rows of one entity in order. Of a hub, SQLite hands out no more than the page."""
    far, page = _FAR[question.direction], question.page
    # No environment is an empty text, so that one stands for none.
    keys = (f"{far}.ref", "relation.text", "coalesce(environment.text, '')")
    within, places = _within(page, f"({', '.join(keys)})")
    order = ", ".join(f"{key} {'DESC' if page.backward else 'ASC'}" for key in keys)
    wanted = _wanted(conn, sight, ids, question)
    rows = conn.execute(
        f"SELECT {LINK_ID}, l.revision, {far}.ref, {far}.revision FROM {LINK_TABLES} WHERE {wanted.sql}{within} "
        f"ORDER BY {order} LIMIT ?",
        (*wanted.parameters, *places, -1 if page.limit is None else page.limit),
    ).fetchall()
    return {ids[0]: rows[::-1] if page.backward else rows}


def _rows_of_many(
    conn: sqlite3.Connection, sight: Sight, ids: Sequence[int], question: _Question
) -> dict[int, Sequence[_Row]]:
    """Return what _rows_of_one() does, for many. They are sorted here: SQLite would take several times as long to
    number those of each entity.
    """
    far, page = _FAR[question.direction], question.page
    wanted = _wanted(conn, sight, ids, question)
    rows: list[_Row] = conn.execute(
        f"SELECT {LINK_ID}, l.revision, {far}.ref, {far}.revision FROM links l "
        f"CROSS JOIN entities {far} ON {far}.id = l.{far} WHERE {wanted.sql}",
        wanted.parameters,
    ).fetchall()
    texts = _texts(conn, {term for row in rows for term in (row[1], row[3])})

    def key(row: _Row) -> tuple[str, str, str]:
        return row[5], texts[row[1]], texts[row[3]]

    if page.after or page.before:
        rows = [row for row in rows if _is_within(page, key(row))]
    around: dict[int, list[_Row]] = {}
    near = _NEAR_END[question.direction]
    for row in sorted(rows, key=key):
        around.setdefault(row[near], []).append(row)
    if page.limit is None:
        return dict(around)
    part = slice(-page.limit, None) if page.backward else slice(page.limit)
    return {id_: rows[part] for id_, rows in around.items()}


def _wanted(conn: sqlite3.Connection, sight: Sight, ids: Iterable[int], question: _Question) -> Condition:
    """Return the condition on a link, and the entity at its far end."""
    return (
        Condition(f"l.{NEAR[question.direction]} {AMONG}", (one_of(ids),))
        & Condition(f"l.relation IN ({RELATION_TERMS})", (one_of(question.relations),))
        & Condition(matching_links(conn, question.where))
        & sight.row(_FAR[question.direction])
    )


def _texts(conn: sqlite3.Connection, terms: Collection[int]) -> dict[int, str]:
    """Return the texts of terms. No environment is an empty text, so that one stands for none."""
    rows = conn.execute(f"SELECT id, text FROM terms WHERE id {AMONG}", (one_of(terms),))
    return {0: "", **dict(rows)}


def _is_within(page: LinkPage, key: tuple[str, str, str]) -> bool:
    return not ((page.after and key <= _place(page.after)) or (page.before and key >= _place(page.before)))


def _within(page: LinkPage, key: str) -> tuple[str, list[str]]:
    """Return keyset conditions and their parameters."""
    bounds = [(place, than) for place, than in ((page.after, ">"), (page.before, "<")) if place]
    parameters = [text for place, _ in bounds for text in _place(place)]
    return "".join(f" AND {key} {than} (?, ?, ?)" for _, than in bounds), parameters


def _place(place: LinkPlace) -> tuple[str, str, str]:
    return place.ref, place.relation, place.environment or ""


def neighbour_counts(
    conn: sqlite3.Connection,
    sight: Sight,
    refs: Collection[Ref],
    direction: Direction,
    relations: Collection[str],
    where: LinkFilter | None,
) -> dict[Ref, int]:
    """Count the links of each ref that match; every ref is a key."""
    near, far = sight.row("e"), sight.row("o")
    others = "" if sight.whole else f"CROSS JOIN entities o ON o.id = l.{_FAR[direction]} "
    rows = conn.execute(
        f"SELECT e.ref, count(*) FROM entities e CROSS JOIN links l ON l.{NEAR[direction]} = e.id {others}"
        f"WHERE e.ref {AMONG} AND l.relation IN ({RELATION_TERMS}) "
        f"AND {matching_links(conn, where)} AND {near.sql} AND {far.sql} GROUP BY e.id",
        (one_of(refs), one_of(relations), *near.parameters, *far.parameters),
    )
    return dict.fromkeys(refs, 0) | dict(rows)
