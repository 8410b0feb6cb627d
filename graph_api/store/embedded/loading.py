"""What the compact graph is made of out of SQLite: of all entities, or of some."""

# ruff: noqa: S608 - only constants of this package are put together, values are parameters

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graph_api.store.embedded.condition import one_of
from graph_api.store.embedded.graph import CODED, LISTED, Coded, Graph, Numbers, Ranks, Terms
from graph_api.store.embedded.link_filters import LinkValues
from graph_api.store.embedded.link_times import times_of
from graph_api.store.embedded.links import AllLinks, LinkRows, Links, VariantKey, Variants
from graph_api.store.embedded.lists import Bools, Ints, Lists, Patched

Column: TypeAlias = Sequence[Any]
Array: TypeAlias = npt.NDArray[Any]

NO_TERMS = Terms(("",), np.full(1, -1, np.int8))
"""Ids of terms start at 1."""
_VARIANT = ("relation", "environment", "hard", "confidence", "sources", "origins", "properties")
_CODED = tuple(f"CAST({name} AS TEXT)" for name in CODED)
_AT_ONCE = 50_000
"""Rows: as objects of Python, they take many times the memory of arrays."""


def load(conn: sqlite3.Connection, revision: int) -> Graph:
    """At the revision of the connection's read transaction."""
    rows = Rows(conn, NO_TERMS, {})
    size = rows.size
    ids, declared, coded = rows.entities()
    present = np.zeros(size, np.bool_)
    present[ids] = True
    flags = np.zeros(size, np.bool_)
    flags[ids] = declared
    links, variants = rows.links()
    return Graph(
        revision=revision,
        present=present,
        declared=flags,
        ranks=Ranks.of(rows.in_order(), size),
        coded={name: Coded.of(ids, values, size) for name, values in coded.items()},
        listed={name: Patched(Lists.grouped(*pairs, size)) for name, pairs in rows.listed().items()},
        terms=rows.terms,
        links=Links(AllLinks(links, variants, size), variants, size),
    )


class Rows:
    """Of these ids (None: of all), as they are in the connection's read transaction.

    `terms` are the known ones and those that there are besides.
    """

    def __init__(
        self, conn: sqlite3.Connection, terms: Terms, variants: Variants, ids: Collection[int] | None = None
    ) -> None:
        self._conn = conn
        self._variants = variants
        self._ids = None if ids is None else one_of(ids)
        self.size: int = conn.execute("SELECT next_entity FROM catalog").fetchone()[0]
        self.terms = _terms_after(conn, terms)

    def entities(self) -> tuple[Ints, Bools, dict[str, Coded]]:
        """Of those that are there: sorted ids, whether they are declared, and by field of CODED their values."""
        numbers = [Numbers() for _ in CODED]
        ids, declared, *codes = _joined(
            [_ints(ids), _ints(declared), *(known.all(column) for known, column in zip(numbers, columns, strict=True))]
            for ids, declared, *columns in self._read(("id", "declared", *_CODED), "entities", "id")
        )
        coded = (Coded(array, tuple(known)) for array, known in zip(codes, numbers, strict=True))
        return ids, declared.astype(np.bool_), dict(zip(CODED, coded, strict=True))

    def listed(self) -> dict[str, tuple[Ints, Ints]]:
        """By field of LISTED: entities, sorted, and terms that they have."""
        columns = self._read(("entity", "term"), "entity_terms", "entity")
        entities, terms = _joined([_ints(entities), _ints(terms)] for entities, terms in columns)
        places = self.terms.fields.take(terms)
        found = (places == place for place in range(len(LISTED)))
        return {name: (entities[mask], terms[mask]) for name, mask in zip(LISTED, found, strict=True)}

    def links(self) -> tuple[LinkRows, Variants]:
        """Those that leave the entities, and the known variants with those that there are besides."""
        numbers = Numbers(self._variants)
        source, target, variant, observed = _joined(
            [_ints(source), _ints(target), numbers.all(zip(*variant, strict=True)), times_of(observed)]
            for source, target, observed, *variant in self._read(
                ("source", "target", "observed_at", *_VARIANT), "links", "source"
            )
        )
        new = {key: variant_of(key, self.terms) for key in islice(numbers, len(self._variants), None)}
        return LinkRows(source, target, variant, observed), {**self._variants, **new} if new else self._variants

    def in_order(self) -> Ints:
        """All ids in the order of their refs."""
        rows = self._conn.execute("SELECT id FROM entities ORDER BY ref")
        return np.fromiter((id_ for (id_,) in rows), np.int32)

    def _read(self, columns: Sequence[str], table: str, owner: str) -> Iterator[Sequence[Column]]:
        """Columns of some rows at a time, at least once, in the order of the owners."""
        sql = f"SELECT {', '.join(columns)} FROM {table}"
        if self._ids is None:
            cursor = self._conn.execute(f"{sql} ORDER BY {owner}")
        else:
            among = f"{owner} IN (SELECT value FROM json_each(?))"
            cursor = self._conn.execute(f"{sql} WHERE {among} ORDER BY {owner}", (self._ids,))
        rows = cursor.fetchmany(_AT_ONCE)
        yield list(zip(*rows, strict=True)) or [()] * len(columns)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield list(zip(*rows, strict=True))


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


def _ints(column: Column) -> Ints:
    return np.array(column, np.int32)


def _joined(parts: Iterable[Sequence[Array]]) -> list[Array]:
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]
