"""Search: the full-text index finds, search.py ranks."""

import sqlite3
from collections.abc import Iterable, Sequence

import orjson

from graph_api.catalog.filters import ALL, Filter
from graph_api.catalog.ref import Ref
from graph_api.catalog.search import MAX_FOUND, Found, by_kind, ranked, ranked_by_likeness, with_typo, words_of
from graph_api.store.embedded.condition import Condition, one_of
from graph_api.store.embedded.filters import Compiler
from graph_api.store.embedded.row_cache import kept_by
from graph_api.store.embedded.sight import Sight

_MANY = 300
"""Words that more entities have are common: then the names and titles of so many are looked at, and no texts."""
_STARTS = 200
_TEXTS, _TITLES = "search", "search_names"
_NAMES = "e.ref, e.name, e.title, e.kind, e.declared"
# As one text: three quarters of the time that as many rows take.
_IDS = (
    "SELECT json_group_array(id) FROM "
    "(SELECT rowid AS id FROM {index} WHERE {index} MATCH ? AND {among} ORDER BY rowid LIMIT ?)"
)
_EACH = "EXISTS (SELECT 1 FROM entities e WHERE e.id = {index}.rowid AND {condition})"
# The + keeps SQLite from asking the index anew for each of them.
_FILTERED = "+rowid IN (SELECT e.id FROM entities e WHERE {condition})"
_FEW = 10
"""Where a filter wants less than a tenth of what has the words, all that it wants are looked up first."""
_THOSE = "FROM json_each(?) j CROSS JOIN entities e ON e.id = j.value"
_WANTED = f"SELECT json_group_array(e.id) {_THOSE} WHERE {{condition}}"
_NAMED = f"SELECT {_NAMES}, 0 {_THOSE}"
_TOLD = f"SELECT {_NAMES}, d.tags {_THOSE} CROSS JOIN documents d ON d.id = e.id"
_REFS = f"SELECT e.id, e.ref {_THOSE}"
_STARTING = f"""
SELECT {_NAMES}, 0 FROM entities e WHERE e.name >= ? AND e.name < ? AND {{condition}} ORDER BY e.name LIMIT ?
"""


def search(conn: sqlite3.Connection, sight: Sight, text: str, filter_: Filter) -> list[Ref]:
    words = words_of(text)
    if not words:
        return []
    index = _Index(conn, sight, filter_, text)
    ids: list[int] = []
    # The words alone first: to put together all that starts with a common word takes long.
    for said in (_all(f'"{word}"' for word in words), _all(f'"{word}"*' for word in words)):
        ids = index.ids(said)
        if len(ids) > _MANY:
            return index.common(said, ids)
    return ranked(text, index.told(ids)) if ids else index.alike()


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(f"({condition})" for condition in conditions)


def _like(word: str) -> str:
    return " OR ".join([f'"{word}"*', *(f'"{other}"' for other in dict.fromkeys(with_typo(word.lower())))])


class _Index:
    """What the index holds of those that the reader sees and the filter wants, the oldest first.

    It does not weigh them: that takes time for every text that has one of the words, and tells how common they are in
    what is hidden.
    """

    def __init__(self, conn: sqlite3.Connection, sight: Sight, filter_: Filter, text: str) -> None:
        self._conn = conn
        self._seen = Compiler(conn, sight).seen(ALL)
        self._among_seen = "{condition}" if sight.whole else _EACH
        self._wanted = None if filter_ == ALL else Compiler(conn, sight).seen(filter_)
        self._text = text

    def ids(self, match: str, index: str = _TEXTS) -> list[int]:
        ids = self._ids(match, index, self._among_seen, self._seen)
        if not self._wanted:
            return ids
        wanted = self._those_wanted(ids, self._wanted)
        if len(ids) < MAX_FOUND or len(wanted) == MAX_FOUND:
            return wanted
        return self._ids(match, index, _EACH if _FEW * len(wanted) > len(ids) else _FILTERED, self._wanted)

    def _ids(self, match: str, index: str, among: str, condition: Condition) -> list[int]:
        statement = _IDS.format(index=index, among=among.format(index=index, condition=condition.sql))
        return self._numbers(statement, match, *condition.parameters, MAX_FOUND)

    def _those_wanted(self, ids: Sequence[int], condition: Condition) -> list[int]:
        return self._numbers(_WANTED.format(condition=condition.sql), one_of(ids), *condition.parameters)

    def _numbers(self, statement: str, *parameters: object) -> list[int]:
        numbers: list[int] = orjson.loads(self._conn.execute(statement, parameters).fetchone()[0])
        return numbers

    def told(self, ids: Sequence[int]) -> list[Found]:
        """Return the entities, each with how many of the words its name, title and tags hold."""
        words = words_of(self._text.casefold())
        return [
            Found(
                ref,
                name,
                title,
                kind,
                declared,
                sum(word in f"{name} {title or ''} {tags or ''}".casefold() for word in words),
            )
            for ref, name, title, kind, declared, tags in self._conn.execute(_TOLD, (one_of(ids),))
        ]

    def common(self, said: str, ids: Sequence[int]) -> list[Ref]:
        """Return what has common words: names and titles first, then the oldest."""
        named = self.ids(said, _TITLES)
        best = ranked(self._text, [*self._starting(), *self._names(named[:_MANY])])
        others = by_kind(self._refs(named[_MANY:]))
        texts = by_kind(self._refs(ids)) if len(named) < MAX_FOUND else []
        return list(dict.fromkeys([*best, *others, *texts]))[:MAX_FOUND]

    def alike(self) -> list[Ref]:
        """Return what is meant, if each word has a slip."""
        like = _all(map(_like, words_of(self._text)))
        ids = self.ids(like)
        if len(ids) > _MANY:
            ids = [*self.ids(like, _TITLES)[:_MANY], *ids[:_MANY]]
        return ranked_by_likeness(self._text, self.told(ids))

    def _names(self, ids: Sequence[int]) -> list[Found]:
        return [Found(*row) for row in self._conn.execute(_NAMED, (one_of(ids),))]

    def _refs(self, ids: Sequence[int]) -> list[Ref]:
        known = kept_by(self._conn).refs.all()
        if unknown := set(ids).difference(known):
            known.update(self._conn.execute(_REFS, (one_of(unknown),)))
        return list(map(known.__getitem__, ids))

    def _starting(self) -> list[Found]:
        """Return those whose names start with the text, or with its words in lower case."""
        condition = self._wanted or self._seen
        statement = _STARTING.format(condition=condition.sql)
        words = words_of(self._text.lower())
        starts = {self._text.strip(), *(separator.join(words) for separator in "-_. ")}
        return [
            Found(*row)
            for start in sorted(starts)
            for row in self._conn.execute(statement, (start, f"{start}\U0010ffff", *condition.parameters, _STARTS))
        ]
