"""Lists of entities: sorted pages, and counts."""

import sqlite3
from collections.abc import Iterator

from graph_api.catalog.filters import SORTABLE, Filter, Sort
from graph_api.store.embedded.condition import Condition
from graph_api.store.embedded.documents import entities_at
from graph_api.store.embedded.filters import Compiler
from graph_api.store.embedded.schema import current_revision
from graph_api.store.embedded.sight import Sight
from graph_api.store.protocol import Page, PageRequest, Place


def page(conn: sqlite3.Connection, sight: Sight, request: PageRequest) -> Page:
    """Ids are read in the order of an index where there is one, and then the documents of those that are wanted."""
    sort = request.sort
    conditions = [Compiler(conn, sight, ordered=True, by_ref=sort.field == "ref").seen(request.filter)]
    if request.after:
        conditions.append(_beyond(sort, request.after, forward=True))
    if request.before:
        conditions.append(_beyond(sort, request.before, forward=False))
    rows = conn.execute(
        f"SELECT e.id, e.revision FROM entities e WHERE {' AND '.join(condition.sql for condition in conditions)} "
        f"ORDER BY {_order(sort, backward=request.backward)} LIMIT ?",
        (*(parameter for condition in conditions for parameter in condition.parameters), request.limit + 1),
    ).fetchall()
    wanted = rows[: request.limit]
    if request.backward:
        wanted.reverse()
    found = entities_at(conn, sight, dict(wanted))
    return Page([found[id_] for id_, _ in wanted], len(rows) > request.limit, current_revision(conn))


def _order(sort: Sort, *, backward: bool) -> str:
    """Nulls are last ascending and first descending, that is: greater than everything; refs always ascend."""
    down = sort.descending != backward
    column = f"e.{sort.field} {'DESC' if down else 'ASC'}"
    if SORTABLE[sort.field].nullable:
        column = f"e.{sort.field} IS NULL {'DESC' if down else 'ASC'}, {column}"
    return column if sort.field == "ref" else f"{column}, e.ref {'DESC' if backward else 'ASC'}"


def _beyond(sort: Sort, place: Place, *, forward: bool) -> Condition:
    """Return the condition for what is behind the place, or before it (not `forward`)."""
    column = f"e.{sort.field}"
    tie = f"e.ref {'>' if forward else '<'} ?"
    larger = forward != sort.descending
    if place.value is None:
        return Condition(
            f"({column} IS NULL AND {tie})" if larger else f"({column} IS NOT NULL OR {tie})", (place.ref,)
        )
    sign = ">" if larger else "<"
    if SORTABLE[sort.field].nullable:
        nulls = f"{column} IS NULL OR " if larger else ""
        return Condition(
            f"({nulls}{column} {sign} ? OR ({column} = ? AND {tie}))", (place.value, place.value, place.ref)
        )
    # In this form SQLite starts reading an index at the place.
    return Condition(f"({column} {sign}= ? AND ({column} {sign} ? OR {tie}))", (place.value, place.value, place.ref))


def count(conn: sqlite3.Connection, sight: Sight, filter_: Filter) -> int:
    condition = Compiler(conn, sight).seen(filter_)
    sql = f"SELECT count(*) FROM entities e WHERE {condition.sql}"
    found: int = conn.execute(sql, condition.parameters).fetchone()[0]
    return found


def matching_ids(conn: sqlite3.Connection, sight: Sight, filter_: Filter) -> Iterator[int]:
    condition = Compiler(conn, sight).seen(filter_)
    rows = conn.execute(f"SELECT e.id FROM entities e WHERE {condition.sql}", condition.parameters)
    return (row[0] for row in rows)
