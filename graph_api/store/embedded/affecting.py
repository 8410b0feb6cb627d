"""What affects those who own something."""

import sqlite3
from collections.abc import Collection

import numpy as np

from graph_api.catalog.audience import AFFECTED, MADE_OF
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.store.embedded.condition import one_of
from graph_api.store.embedded.documents import refs_of
from graph_api.store.embedded.graph import Graph
from graph_api.store.embedded.links import Wanted
from graph_api.store.embedded.lists import Bools, Ints


def affecting(conn: sqlite3.Connection, graph: Graph, owners: Collection[Ref]) -> frozenset[Ref]:
    reached = _made_of(graph, _owned(conn, owners))
    rows = conn.execute("SELECT id, text FROM terms WHERE field = 'audience'")
    restricted = graph.for_audiences({id_ for id_, text in rows if AFFECTED in text.split()})
    return frozenset(refs_of(conn, np.flatnonzero(reached & restricted).tolist()).values())


def _owned(conn: sqlite3.Connection, owners: Collection[Ref]) -> Ints:
    rows = conn.execute(
        "SELECT DISTINCT o.entity FROM terms t CROSS JOIN entity_terms o ON o.term = t.id "
        "WHERE t.field = 'owner' AND t.text IN (SELECT value FROM json_each(?))",
        (one_of(owners),),
    )
    return np.fromiter((id_ for (id_,) in rows), np.int32)


def _made_of(graph: Graph, frontier: Ints) -> Bools:
    neighbours = graph.neighbours(Wanted(Direction.OUT, frozenset(MADE_OF), None, hard_only=False))
    reached = np.zeros(graph.size, np.bool_)
    while frontier.size:
        found = neighbours.of(frontier)
        frontier = np.unique(found[~reached[found]])
        reached[frontier] = True
    return reached
