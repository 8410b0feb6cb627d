"""The store that needs no setup: a SQLite file for documents, lists and search, and a compact graph for walks."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from graph_api.catalog.changes import Change, SourceInfo, SyncRun
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import Filter, LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Cycle, Facet, Path as Way, Paths, Traversal, WalkAnswer, WalkRequest
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.embedded import journal, lookups, pages, routes, schema
from graph_api.store.embedded.connections import Connections
from graph_api.store.embedded.deadline import Deadline
from graph_api.store.embedded.documents import entities_of
from graph_api.store.embedded.facets import count_values
from graph_api.store.embedded.graph import Graph
from graph_api.store.embedded.loading import GraphCache
from graph_api.store.embedded.reach import Ground, find_ids
from graph_api.store.embedded.transaction import EmbeddedTransaction
from graph_api.store.embedded.walk import walk
from graph_api.store.protocol import Neighbour, Page, PageRequest

BUSY_SECONDS = 10.0
"""How long a writer waits for its turn."""

T = TypeVar("T")


class EmbeddedStore:
    """Implements Store on the file at `path`, which is made if it does not exist; None: on one of its own, which goes
    with close().

    Several processes may have one file open; it must not lie on a network file system.
    """

    def __init__(self, path: str | Path | None, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._path = path if path is None else Path(path)
        self._busy_seconds = busy_seconds
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._connections: Connections | None = None
        self._graphs = GraphCache()
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Raises CatalogError UNAVAILABLE for a file that is no catalog, or one of a newer version."""
        if self._connections is None:
            self._connections = Connections(await asyncio.to_thread(self._file), self._busy_seconds)
        await self._connections.write(partial(schema.prepare, busy_seconds=self._busy_seconds))

    def _file(self) -> Path:
        if self._path is None:
            # Not SQLite's own memory: there readers would wait for a writer.
            self._folder = tempfile.TemporaryDirectory(prefix="graph-api-")
            return Path(self._folder.name) / "catalog.db"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._path

    async def close(self) -> None:
        if self._connections:
            await asyncio.to_thread(self._connections.close)
        if self._folder:
            await asyncio.to_thread(self._folder.cleanup)
            self._folder = None
