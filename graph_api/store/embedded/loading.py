"""What the compact graph is made of out of SQLite: of all entities, or of some."""

# ruff: noqa: S608 - only constants of this package are put together, values are parameters

import sqlite3
from collections.abc import Collection, Iterable
from itertools import chain

import numpy as np

from graph_api.store.embedded.condition import one_of
from graph_api.store.embedded.graph import CODED, LISTED, Coded, Graph, Ranks, Terms
from graph_api.store.embedded.link_filters import LinkValues
from graph_api.store.embedded.link_times import times_of
from graph_api.store.embedded.links import AllLinks, LinkRows, Links, VariantKey, Variants
from graph_api.store.embedded.lists import Bools, Ints, Lists, Patched

NO_TERMS = Terms(("",), np.full(1, -1, np.int8))
"""Ids of terms start at 1."""
_VARIANT_COLUMNS = "relation, environment, hard, confidence, sources, origins, properties"


def load(conn: sqlite3.Connection, revision: int) -> Graph:
    """At the revision of the connection's read transaction."""
    rows = Rows(conn, NO_TERMS, {})
    size = rows.size
    ids, declared, columns = rows.entities()
    present = np.zeros(size, np.bool_)
    present[ids] = True
    flags = np.zeros(size, np.bool_)
    flags[ids] = declared
    links = rows.links()
    return Graph(
        revision=revision,
        present=present,
        declared=flags,
        ranks=Ranks.of(_table(conn.execute("SELECT id FROM entities ORDER BY ref"), 1)[:, 0], size),
        coded={name: Coded.of(ids, texts, size) for name, texts in columns.items()},
        listed={name: Patched(Lists.grouped(*pairs, size)) for name, pairs in rows.listed().items()},
        terms=rows.terms,
        links=Links(AllLinks(links, rows.variants, size), rows.variants, size),
    )


class Rows:
    """Of these ids (None: of all), as they are in the connection's read transaction.

    `terms` and `variants` are the known ones and those that the rows use besides.
    """

    def __init__(
        self, conn: sqlite3.Connection, terms: Terms, variants: Variants, ids: Collection[int] | None = None
    ) -> None:
        self._conn = conn
        self._ids = None if ids is None else one_of(ids)
        self.size: int = conn.execute("SELECT next_entity FROM catalog").fetchone()[0]
        self.terms = _terms_after(conn, terms)
        self.variants = dict(variants)
        self._codes = {key: code for code, key in enumerate(variants)}

    def entities(self) -> tuple[Ints, Bools, dict[str, list[str | None]]]:
        """Of those that are there: sorted ids, whether they are declared, and their values by field of CODED."""
        rows = self._read(f"id, declared, {', '.join(CODED)}", "entities", "id")
        ids, declared, *columns = list(zip(*rows, strict=True)) or [()] * (2 + len(CODED))
        texts = ([None if value is None else str(value) for value in column] for column in columns)
        return np.array(ids, np.int32), np.array(declared, np.bool_), dict(zip(CODED, texts, strict=True))

    def listed(self) -> dict[str, tuple[Ints, Ints]]:
        """By field of LISTED: entities, sorted, and terms that they have."""
        pairs = _table(self._read("entity, term", "entity_terms", "entity"), 2)
        places = self.terms.fields[pairs[:, 1]]
        found = (pairs[places == place] for place in range(len(LISTED)))
        return {name: (rows[:, 0], rows[:, 1]) for name, rows in zip(LISTED, found, strict=True)}

    def links(self) -> LinkRows:
        """Those that leave the entities."""
        rows = self._read(f"source, target, observed_at, {_VARIANT_COLUMNS}", "links", "source").fetchall()
        ends = _table(((row[0], row[1], self._code(row[3:])) for row in rows), 3)
        source, target, variant = map(np.ascontiguousarray, ends.T)
        return LinkRows(source, target, variant, times_of([row[2] for row in rows]))

    def _read(self, columns: str, table: str, owner: str) -> sqlite3.Cursor:
        if self._ids is None:
            return self._conn.execute(f"SELECT {columns} FROM {table} ORDER BY {owner}")
        return self._conn.execute(
            f"SELECT {columns} FROM {table} WHERE {owner} IN (SELECT value FROM json_each(?)) ORDER BY {owner}",
            (self._ids,),
        )

    def _code(self, key: VariantKey) -> int:
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self._codes)
            self.variants[key] = variant_of(key, self.terms)
        return code


def variant_of(key: VariantKey, terms: Terms) -> LinkValues:
    relation, environment, hard, confidence, sources, origins, properties = key
    texts = terms.texts
    where = texts[environment] if environment else None
    return LinkValues.stored(texts[relation], where, hard, confidence, texts[sources], origins, properties)


def _terms_after(conn: sqlite3.Connection, known: Terms) -> Terms:
    """Terms are never changed, and those that are swept leave gaps."""
    first = len(known.texts)
    new = conn.execute("SELECT id, field, text FROM terms WHERE id >= ? ORDER BY id", (first,)).fetchall()
    if not new:
        return known
    texts = [""] * (new[-1][0] + 1 - first)
    places = np.full(len(texts), -1, np.int8)
    for id_, field, text in new:
        texts[id_ - first] = text
        if field in LISTED:
            places[id_ - first] = LISTED.index(field)
    return Terms((*known.texts, *texts), np.concatenate((known.fields, places)))


def _table(rows: Iterable[Iterable[int]], width: int) -> Ints:
    return np.fromiter(chain.from_iterable(rows), np.int32).reshape(-1, width)
