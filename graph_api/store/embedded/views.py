"""The compact graph as one reader sees it: the same arrays, with a mask of what is hidden."""

import sqlite3
from dataclasses import replace

from graph_api.store.embedded.documents import ids_of
from graph_api.store.embedded.graph import Graph
from graph_api.store.embedded.sight import WHOLE, Sight

_KEPT = 64


def view_of(conn: sqlite3.Connection, graph: Graph, sight: Sight) -> Graph:
    """Return the graph as the reader sees it; the latest views are kept with the graph."""
    if sight.whole:
        return graph
    view = graph.views.get(sight)
    if view is None:
        if len(graph.views) >= _KEPT:
            graph.views.clear()
        view = graph.views[sight] = _view(conn, graph, sight)
    return view


def _view(conn: sqlite3.Connection, graph: Graph, sight: Sight) -> Graph:
    seen = graph.for_audiences(sight.audiences)
    seen[list(ids_of(conn, sight.visibility.granted, WHOLE).values())] = True
    return replace(
        graph,
        present=seen,
        sight=sight,
        hidden=~seen,
    )
