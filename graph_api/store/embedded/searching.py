"""Search: the full-text index finds, search.py ranks."""

# ruff: noqa: S608 - only constants of this package are put together, values are parameters

import sqlite3
from collections.abc import Iterable
from functools import partial

from graph_api.catalog.filters import ALL, Filter
from graph_api.catalog.ref import Ref
from graph_api.catalog.search import MAX_FOUND, Found, ranked, ranked_by_likeness, with_typo, words_of
from graph_api.store.embedded.condition import Condition
from graph_api.store.embedded.filters import Compiler
from graph_api.store.embedded.sight import Sight

_MANY = 2 * MAX_FOUND
"""What more entities say than this is common: then the index is not asked what each of them says of it, which takes
longer the more there are."""
_STARTS = 200
_COLUMNS = "e.ref, e.name, e.title, e.kind, e.declared"
_FOUND = f"""
SELECT {_COLUMNS}, -s.score FROM (
    SELECT rowid AS id, {{score}} AS score FROM search WHERE search MATCH ? AND {{among}} {{order}} LIMIT ?
) s CROSS JOIN entities e ON e.id = s.id
"""
_BEST_FIRST = "ORDER BY score, rowid"
_NAMED = f"""
SELECT {_COLUMNS}, 0 FROM entities e WHERE e.name >= ? AND e.name < ? AND {{condition}} ORDER BY e.name LIMIT ?
"""
# It tells how common a word is in all documents, also in those that a reader does not see.
_SCORE = "bm25(search, 10, 5, 1, 3)"


def search(conn: sqlite3.Connection, sight: Sight, text: str, filter_: Filter) -> list[Ref]:
    words = words_of(text)
    if not words:
        return []
    find = partial(_found, conn, sight, filter_)
    # The words alone first: to put together all that starts with a common word takes long.
    for said in (_all(f'"{word}"' for word in words), _all(f'"{word}"*' for word in words)):
        if _is_common(conn, said):
            named = _named(conn, sight, filter_, text)
            return ranked(text, [*named, *find(f"name : ({said})", scored=False), *find(said, scored=False)])
    found = find(said)
    if len(found) == MAX_FOUND:
        # The rest may hold what has the very name, and says less of it.
        found += find(f"name : ({said})")
    if not found:
        return ranked_by_likeness(text, find(_all(map(_like, words))))
    return ranked(text, found)


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(f"({condition})" for condition in conditions)


def _like(word: str) -> str:
    return " OR ".join([f'"{word}"*', *(f'"{other}"' for other in dict.fromkeys(with_typo(word.lower())))])


def _is_common(conn: sqlite3.Connection, match: str) -> bool:
    sql = "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)"
    found: int = conn.execute(sql, (match, _MANY + 1)).fetchone()[0]
    return found > _MANY


def _found(conn: sqlite3.Connection, sight: Sight, filter_: Filter, match: str, *, scored: bool = True) -> list[Found]:
    """Those that the index puts first, or with `scored` False the oldest."""
    condition = Compiler(conn, sight).seen(filter_)
    score = _SCORE if scored and sight.whole else "0"
    statement = _FOUND.format(among=_among(condition, sight, filter_), score=score, order=_BEST_FIRST if scored else "")
    rows = conn.execute(statement, (match, *condition.parameters, MAX_FOUND))
    return [Found(*row) for row in rows]


def _among(condition: Condition, sight: Sight, filter_: Filter) -> str:
    if filter_ != ALL:
        # The + keeps SQLite from asking the index anew for each of them.
        return f"+rowid IN (SELECT e.id FROM entities e WHERE {condition.sql})"
    # Most are seen: those that are found are fewer.
    return "1" if sight.whole else f"EXISTS (SELECT 1 FROM entities e WHERE e.id = search.rowid AND {condition.sql})"


def _named(conn: sqlite3.Connection, sight: Sight, filter_: Filter, text: str) -> list[Found]:
    """Those whose names start with the text, or with its words in lower case."""
    condition = Compiler(conn, sight).seen(filter_)
    statement = _NAMED.format(condition=condition.sql)
    starts = {text.strip(), *(separator.join(words_of(text.lower())) for separator in "-_. ")}
    return [
        Found(*row)
        for start in sorted(starts)
        for row in conn.execute(statement, (start, f"{start}\U0010ffff", *condition.parameters, _STARTS))
    ]
