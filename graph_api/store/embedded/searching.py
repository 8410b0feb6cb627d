"""Search: the full-text index finds, search.py ranks."""

# ruff: noqa: S608 - only constants of this package are put together, values are parameters

import sqlite3
from collections.abc import Iterable

from graph_api.catalog.filters import ALL, Filter
from graph_api.catalog.ref import Ref
from graph_api.catalog.search import MAX_FOUND, Found, ranked, ranked_by_likeness, with_typo, words_of
from graph_api.store.embedded.filters import Compiler
from graph_api.store.embedded.sight import Sight

_FOUND = """
SELECT e.ref, e.name, e.title, e.kind, e.declared, -s.score FROM (
    SELECT rowid AS id, {score} AS score FROM search
    WHERE search MATCH ? AND {among} ORDER BY score, rowid LIMIT ?
) s CROSS JOIN entities e ON e.id = s.id
"""
# It tells how common a word is in all documents, also in those that a reader does not see.
_SCORE = "bm25(search, 10, 5, 1, 3)"


def search(conn: sqlite3.Connection, sight: Sight, text: str, filter_: Filter) -> list[Ref]:
    words = words_of(text)
    if not words:
        return []
    said = _all(f'"{word}"*' for word in words)
    found = _found(conn, sight, said, filter_)
    if len(found) == MAX_FOUND:
        # The rest may hold what has the very name, and says less of it.
        found += _found(conn, sight, f"name : ({said})", filter_)
    if not found:
        return ranked_by_likeness(text, _found(conn, sight, _all(map(_like, words)), filter_))
    return ranked(text, found)


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(f"({condition})" for condition in conditions)


def _like(word: str) -> str:
    return " OR ".join([f'"{word}"*', *(f'"{other}"' for other in dict.fromkeys(with_typo(word.lower())))])


def _found(conn: sqlite3.Connection, sight: Sight, match: str, filter_: Filter) -> list[Found]:
    condition = Compiler(conn, sight).seen(filter_)
    # The + keeps SQLite from asking the index anew for each of them.
    among = "1" if filter_ == ALL and sight.whole else f"+rowid IN (SELECT e.id FROM entities e WHERE {condition.sql})"
    statement = _FOUND.format(among=among, score=_SCORE if sight.whole else "0")
    rows = conn.execute(statement, (match, *condition.parameters, MAX_FOUND))
    return [Found(*row) for row in rows]
