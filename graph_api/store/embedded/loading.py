"""What the compact graph is made of out of SQLite: of all entities, or of some."""

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import orjson

from graph_api.store.embedded.columns import Columns, Grown, ints, sorted_by_first
from graph_api.store.embedded.graph import CODED, LISTED, Coded, Graph, Numbers, Ranks, Terms
from graph_api.store.embedded.link_columns import read_links
from graph_api.store.embedded.links import AllLinks, LinkRows, Links, Variants
from graph_api.store.embedded.lists import Bools, Ints, Lists, Patched
from graph_api.store.embedded.parallel import in_parallel

NO_TERMS = Terms(("",), np.full(1, -1, np.int8))
"""No terms: their ids start at 1."""


class _Entities(NamedTuple):
    """What the graph says of entities alone."""

    present: Bools
    declared: Bools
    ranks: Ranks
    coded: dict[str, Coded]
    listed: dict[str, Patched]


def load(conn: sqlite3.Connection, revision: int) -> Graph:
    """Read the whole graph at the revision of the connection's read transaction."""
    rows = Rows(conn, NO_TERMS)
    entities, (links, variants) = in_parallel(
        conn, lambda: _entities(conn, rows), lambda second: Rows(second, rows.terms).links({})
    )
    return Graph(
        revision=revision,
        present=entities.present,
        declared=entities.declared,
        ranks=entities.ranks,
        coded=entities.coded,
        listed=entities.listed,
        terms=rows.terms,
        links=Links(AllLinks(links, variants, rows.size), variants, rows.size),
    )


def _entities(conn: sqlite3.Connection, rows: "Rows") -> _Entities:
    ids, declared, coded = rows.entities()
    present = np.zeros(rows.size, np.bool_)
    present[ids] = True
    flags = np.zeros(rows.size, np.bool_)
    flags[ids] = declared
    return _Entities(
        present=present,
        declared=flags,
        ranks=Ranks.of(in_order(conn), rows.size),
        coded={name: Coded.of(ids, values, rows.size) for name, values in coded.items()},
        listed={name: Patched(Lists.grouped(*pairs, rows.size)) for name, pairs in rows.listed().items()},
    )


class Rows:
    """The rows of these ids (None: of all), as they are in the connection's read transaction.

    `terms` are the known ones and those that there are besides; `size` is above all ids.
    """

    def __init__(self, conn: sqlite3.Connection, terms: Terms, ids: Collection[int] | None = None) -> None:
        self.size: int = conn.execute("SELECT next_entity FROM catalog").fetchone()[0]
        self._columns = Columns(conn, ids, self.size)
        self.terms = _terms_after(conn, terms)

    def entities(self) -> tuple[Ints, Bools, dict[str, Coded]]:
        """Return of those that are there: sorted ids, whether they are declared, and by field of CODED their values."""
        numbers = Numbers()
        # JSON has no end of a line within a value.
        lists = ("group_concat(id)", f"group_concat(json_array(declared, {', '.join(CODED)}), char(10))")
        grown = Grown(2)
        for some, values in self._columns.texts("entities", "id", lists):
            grown.add(ints(some), numbers.all(values.split("\n")))
        ids, codes = sorted_by_first(grown.arrays())
        declared, *columns = list(zip(*map(orjson.loads, numbers), strict=True)) or [()] * (1 + len(CODED))
        texts = [tuple(None if value is None else str(value) for value in column) for column in columns]
        coded = {name: Coded(codes, column) for name, column in zip(CODED, texts, strict=True)}
        return ids, np.array(declared, np.bool_).take(codes), coded

    def listed(self) -> dict[str, tuple[Ints, Ints]]:
        """Return by field of LISTED: entities, sorted, and terms that they have."""
        grown = {name: Grown(2) for name in LISTED}
        for entities, terms in self._columns.parts("entity_terms", ("entity", "term")):
            places = self.terms.fields.take(terms)
            for place, pairs in enumerate(grown.values()):
                pairs.add(entities[places == place], terms[places == place])
        found = {name: pairs.arrays() for name, pairs in grown.items()}
        return {name: (owners, terms) for name, (owners, terms) in found.items()}

    def links(self, known: Variants) -> tuple[LinkRows, Variants]:
        """Return the links that leave the entities, and the known variants followed by new ones."""
        return read_links(self._columns, self.terms, known)


def in_order(conn: sqlite3.Connection) -> Ints:
    """Return all ids in the order of their refs."""
    text = conn.execute("SELECT group_concat(id) FROM (SELECT id FROM entities ORDER BY ref)").fetchone()[0]
    return ints(text or "")


def _terms_after(conn: sqlite3.Connection, known: Terms) -> Terms:
    """Return the known terms with new ones: terms are never changed, and those that are swept leave gaps."""
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
