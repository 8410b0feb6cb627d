"""The compact graph at a newer revision: what has changed is read, and everything else is shared."""

import sqlite3
from collections.abc import Sequence

import numpy as np

from graph_api.store.embedded.documents import refs_of
from graph_api.store.embedded.graph import Graph, Ranks, replaced
from graph_api.store.embedded.lists import Ints
from graph_api.store.embedded.loading import Rows, in_order
from graph_api.store.embedded.pruning import graph_horizon

_LARGE_SHARE = 0.2
"""A share of all entities: so many changes are read slower than everything is."""
_MANY = 1_000
"""So many new refs are looked up one by one slower than all are read."""


def updated(conn: sqlite3.Connection, graph: Graph, revision: int) -> Graph | None:
    """Return the graph at the revision of the connection's read transaction; None where all of it is to be read."""
    if graph.revision == revision:
        return graph
    if graph.revision < graph_horizon(conn):
        return None
    changed = _ids(
        conn,
        "SELECT id FROM entities WHERE revision > :since UNION SELECT entity FROM relinked WHERE revision > :since",
        graph.revision,
    )
    removed = _ids(conn, "SELECT entity FROM removed WHERE revision > :since", graph.revision)
    if len(changed) + len(removed) > _LARGE_SHARE * graph.size:
        return None
    return _patched(conn, graph, revision, np.array(sorted({*changed, *removed}), np.int32))


def _ids(conn: sqlite3.Connection, sql: str, since: int) -> list[int]:
    return [row[0] for row in conn.execute(sql, {"since": since})]


def _patched(conn: sqlite3.Connection, graph: Graph, revision: int, touched: Ints) -> Graph:
    rows = Rows(conn, graph.terms, touched.tolist())
    size = rows.size
    ids, declared, coded = rows.entities()
    present = replaced(graph.present, touched, np.isin(touched, ids), size)
    links, variants = rows.links(graph.links.variants)
    return Graph(
        revision=revision,
        present=present,
        declared=replaced(graph.declared, ids, declared, size),
        ranks=_ranked(conn, graph, touched, ids, size),
        coded={name: graph.coded[name].replaced(ids, values, size) for name, values in coded.items()},
        listed={name: graph.listed[name].replaced(touched, *pairs, size) for name, pairs in rows.listed().items()},
        terms=rows.terms,
        links=graph.links.replaced(touched, links, variants, size),
        reread=graph.reread + touched.size,
        pool=graph.pool,
    )


def _ranked(conn: sqlite3.Connection, graph: Graph, touched: Ints, there: Ints, size: int) -> Ranks:
    known = touched[touched < graph.size]
    before = known[graph.present.take(known)]
    gone, new = np.setdiff1d(before, there), np.setdiff1d(there, before)
    if new.size > _MANY:
        return Ranks.of(in_order(conn), size)
    left = graph.ranks.without(gone) if gone.size else graph.ranks
    return left.inserted(*_places(conn, left, new.tolist()), size) if new.size else left


def _places(conn: sqlite3.Connection, ranks: Ranks, new: Sequence[int]) -> tuple[list[int], list[int]]:
    """New ids in the order of their refs, and before which place of the ranks each belongs."""
    order = sorted(refs_of(conn, new).items(), key=lambda row: row[1], reverse=True)
    places: dict[int, int] = {}
    for id_, ref in order:
        following = conn.execute("SELECT id FROM entities WHERE ref > ? ORDER BY ref LIMIT 1", (ref,)).fetchone()
        if following is None:
            places[id_] = ranks.by_rank.size
        elif following[0] in places:
            places[id_] = places[following[0]]
        else:
            places[id_] = int(ranks.rank[following[0]])
    return list(reversed(places)), list(reversed(places.values()))
