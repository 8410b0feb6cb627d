"""The compact graph out of SQLite: all of it, or what has changed since a revision."""

# ruff: noqa: S608 - only constants of this package are put together, values are parameters

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from graph_api.store.embedded.condition import one_of
from graph_api.store.embedded.graph import CODED, LISTED, Bools, Coded, Graph, Ints, Links, Lists, Terms, VariantKey
from graph_api.store.embedded.link_filters import LinkValues
from graph_api.store.embedded.link_times import NO_TIMES, times_of
from graph_api.store.embedded.pruning import graph_horizon
from graph_api.store.embedded.schema import current_revision

_LARGE_SHARE = 0.2
"""Of all entities: so many changes are merged slower than everything is read."""

S = TypeVar("S", bound=np.generic)


class GraphCache:
    """The newest graph that somebody has asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._graph: Graph | None = None

    def at(self, conn: sqlite3.Connection) -> Graph:
        """The graph at the revision of the connection's read transaction, which starts again if it is behind."""
        with self._lock:
            revision = current_revision(conn)
            if self._graph and self._graph.revision > revision:
                conn.execute("ROLLBACK")
                conn.execute("BEGIN")
                revision = current_revision(conn)
            if self._graph is None or self._graph.revision < revision:
                self._graph = _advanced(conn, self._graph, revision)
            return self._graph


def _advanced(conn: sqlite3.Connection, graph: Graph | None, revision: int) -> Graph:
    if graph and graph.revision >= graph_horizon(conn):
        changed = _ids(
            conn,
            "SELECT id FROM entities WHERE revision > :since UNION SELECT entity FROM relinked WHERE revision > :since",
            graph.revision,
        )
        if len(changed) <= _LARGE_SHARE * graph.size:
            removed = _ids(conn, "SELECT entity FROM removed WHERE revision > :since", graph.revision)
            return _Update(conn, graph, changed, removed).graph(revision)
    return _Update(conn, _EMPTY, None, ()).graph(revision)


def _ids(conn: sqlite3.Connection, sql: str, since: int) -> list[int]:
    return [row[0] for row in conn.execute(sql, {"since": since})]


_NONE = np.zeros(0, np.int32)
_EMPTY = Graph(
    revision=0,
    present=np.zeros(0, np.bool_),
    declared=np.zeros(0, np.bool_),
    rank=_NONE,
    coded={name: Coded(_NONE, ()) for name in CODED},
    listed={name: Lists.grouped(_NONE, _NONE, 0) for name in LISTED},
    # Ids of terms start at 1.
    terms=Terms(("",), np.full(1, -1, np.int8)),
    links=Links(_NONE, _NONE, _NONE, NO_TIMES, {}, 0),
)


class _Update:
    """What a graph becomes when the rows and outgoing links of `changed` (None: of all) are read again."""

    def __init__(
        self, conn: sqlite3.Connection, old: Graph, changed: Sequence[int] | None, removed: Sequence[int]
    ) -> None:
        self._conn = conn
        self._old = old
        self._changed = None if changed is None else one_of(changed)
        self._size: int = conn.execute("SELECT next_entity FROM catalog").fetchone()[0]
        self._stale = np.zeros(self._size, np.bool_)
        self._stale[[*(changed or ()), *removed]] = True

    def graph(self, revision: int) -> Graph:
        terms = self._terms()
        present, declared, coded = self._entities()
        return Graph(
            revision=revision,
            present=present,
            declared=declared,
            rank=self._rank(present),
            coded=coded,
            listed=self._listed(terms),
            terms=terms,
            links=self._links(terms),
        )

    def _rows(self, columns: str, table: str, owner: str) -> sqlite3.Cursor:
        """Of what has changed, in the order of the owners."""
        if self._changed is None:
            return self._conn.execute(f"SELECT {columns} FROM {table} ORDER BY {owner}")
        return self._conn.execute(
            f"SELECT {columns} FROM {table} WHERE {owner} IN (SELECT value FROM json_each(?)) ORDER BY {owner}",
            (self._changed,),
        )

    def _terms(self) -> Terms:
        """Terms are never changed, and those that are swept leave gaps."""
        old = self._old.terms
        first = len(old.texts)
        new = self._conn.execute("SELECT id, field, text FROM terms WHERE id >= ? ORDER BY id", (first,)).fetchall()
        texts = [""] * (new[-1][0] + 1 - first if new else 0)
        places = np.full(len(texts), -1, np.int8)
        for id_, field, text in new:
            texts[id_ - first] = text
            if field in LISTED:
                places[id_ - first] = LISTED.index(field)
        return Terms((*old.texts, *texts), np.concatenate((old.fields, places)))

    def _entities(self) -> tuple[Bools, Bools, dict[str, Coded]]:
        ids, flags, *columns = _columns(
            self._rows(f"id, declared, {', '.join(CODED)}", "entities", "id"), 2 + len(CODED)
        )
        places = np.array(ids, np.int32)
        present, declared = self._grown(self._old.present), self._grown(self._old.declared)
        present[self._stale] = False
        present[places] = True
        declared[places] = np.array(flags, np.bool_)
        coded = {}
        for name, values in zip(CODED, columns, strict=True):
            old = self._old.coded[name]
            known = {text: code for code, text in enumerate(old.texts)}
            codes = self._grown(old.codes)
            texts = [None if value is None else str(value) for value in values]
            codes[places] = np.array([known.setdefault(text, len(known)) for text in texts], np.int32)
            coded[name] = Coded(codes, tuple(known))
        return present, declared, coded

    def _grown(self, array: npt.NDArray[S]) -> npt.NDArray[S]:
        """A copy with zeros for new ids."""
        grown = np.zeros(self._size, array.dtype)
        grown[: array.size] = array
        return grown

    def _rank(self, present: Bools) -> Ints:
        rank = self._grown(self._old.rank)
        if not np.array_equal(present, self._grown(self._old.present)):
            order = _table(self._conn.execute("SELECT id FROM entities ORDER BY ref"), 1)[:, 0]
            rank[order] = np.arange(order.size, dtype=np.int32)
        return rank

    def _listed(self, terms: Terms) -> dict[str, Lists]:
        new = _table(self._rows("entity, term", "entity_terms", "entity"), 2)
        places = terms.fields[new[:, 1]]
        listed = {}
        for place, name in enumerate(LISTED):
            old, added = self._old.listed[name], new[places == place]
            owners, values = self._merged((old.owners(), old.values), (added[:, 0], added[:, 1]))
            listed[name] = Lists.grouped(owners, values, self._size)
        return listed

    def _links(self, terms: Terms) -> Links:
        old = self._old.links
        variants = _Variants(old.variants, terms)
        rows = self._rows(f"source, target, observed_at, {_VARIANT_COLUMNS}", "links", "source").fetchall()
        new = _table(((row[0], row[1], variants.code(row[3:])) for row in rows), 3)
        source, target, variant, observed = self._merged(
            (old.source, old.target, old.variant, old.observed),
            (new[:, 0], new[:, 1], new[:, 2], times_of([row[2] for row in rows])),
        )
        return Links(source, target, variant, observed, variants.known, self._size)

    def _merged(self, old: tuple[npt.NDArray[Any], ...], new: tuple[npt.NDArray[Any], ...]) -> list[npt.NDArray[Any]]:
        """Columns sorted by the first of them, the owner; stale owners have only what is new."""
        kept = ~self._stale[old[0]]
        columns = [np.concatenate((before[kept], after)) for before, after in zip(old, new, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        return [column[order] for column in columns]


_VARIANT_COLUMNS = "relation, environment, hard, confidence, sources, origins, properties"


class _Variants:
    """What links have besides their ends, numbered in the order of `known`."""

    def __init__(self, known: Mapping[VariantKey, LinkValues], terms: Terms) -> None:
        self.known = dict(known)
        self._terms = terms
        self._codes = {key: code for code, key in enumerate(known)}

    def code(self, key: VariantKey) -> int:
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self._codes)
            self.known[key] = self._values(*key)
        return code

    def _values(
        self, relation: int, environment: int, hard: int, confidence: float, sources: int, *rest: Any
    ) -> LinkValues:
        texts = self._terms.texts
        return LinkValues.stored(
            texts[relation], texts[environment] if environment else None, hard, confidence, texts[sources], *rest
        )


def _table(rows: Iterable[Iterable[int]], width: int) -> Ints:
    return np.fromiter(chain.from_iterable(rows), np.int32).reshape(-1, width)


def _columns(rows: Iterable[Sequence[object]], width: int) -> list[Sequence[object]]:
    return list(zip(*rows, strict=True)) or [()] * width
