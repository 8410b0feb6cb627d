"""The newest compact graph that somebody has asked for, which all readings of one file share."""

import sqlite3
import threading
from pathlib import Path

from graph_api.store.embedded.graph import Graph
from graph_api.store.embedded.graph_file import restored, save
from graph_api.store.embedded.loading import load
from graph_api.store.embedded.schema import current_revision
from graph_api.store.embedded.updating import updated

_UNSAVED_SHARE = 0.02
"""A share of all entities: when so many have changed, the file is written anew."""
_FEW = 1000


class GraphCache:
    """`file`, where there is one, has the graph as it was some time ago."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._graph: Graph | None = None
        self._saved = 0
        """How many entities had been read again when the file was written."""

    def at(self, conn: sqlite3.Connection) -> Graph:
        """The graph at the revision of the connection's read transaction, which starts again if it is behind."""
        with self._lock:
            revision = current_revision(conn)
            if self._graph and self._graph.revision > revision:
                conn.execute("ROLLBACK")
                conn.execute("BEGIN")
                revision = current_revision(conn)
            if self._graph is None or self._graph.revision < revision:
                self._graph = self._newer(conn, revision)
            return self._graph

    def _newer(self, conn: sqlite3.Connection, revision: int) -> Graph:
        known = self._graph or (restored(conn, self._file) if self._file else None)
        graph = updated(conn, known, revision) if known else None
        is_whole = graph is None
        graph = graph or load(conn, revision)
        if self._file and (is_whole or graph.reread - self._saved > _FEW + _UNSAVED_SHARE * graph.size):
            save(conn, graph, self._file)
            self._saved = graph.reread
        return graph
