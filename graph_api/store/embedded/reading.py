"""The catalog in a SQLite file as one reader sees it."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from graph_api.catalog import traversal as walks
from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.changes import Change, SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.drift import DriftFinding, DriftPlace, DriftQuestion
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import Filter, LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.store.embedded import drift, journal, lookups, masks, neighbours, pages, routes, schema
from graph_api.store.embedded.connections import Connections
from graph_api.store.embedded.deadline import Deadline
from graph_api.store.embedded.documents import entities_of, kept_entities
from graph_api.store.embedded.facets import count_matching
from graph_api.store.embedded.graph import Graph
from graph_api.store.embedded.graph_cache import GraphCache
from graph_api.store.embedded.reach import Ground
from graph_api.store.embedded.searching import search
from graph_api.store.embedded.sight import Sight, Sights
from graph_api.store.embedded.views import view_of
from graph_api.store.embedded.walk import walk
from graph_api.store.protocol import ALL_LINKS, LinkPage, Neighbour, Page, PageRequest, PlacedProblem

T = TypeVar("T")


class Snapshots:
    """What all readings of one file share: the compact graph, and what each reader sees of it."""

    def __init__(self, graph_file: Path | None = None) -> None:
        self._graph_file = graph_file
        self.forget()

    def forget(self) -> None:
        """Forget everything: the file holds another catalog now."""
        self._graphs = GraphCache(self._graph_file)
        self._sights = Sights()

    def sight(self, conn: sqlite3.Connection, visibility: Visibility) -> Sight:
        """Return what a reader sees, at the revision of the connection's read transaction."""
        return self._sights.at(conn, visibility)

    def kept_sight(self, conn: sqlite3.Connection, visibility: Visibility) -> Sight | None:
        return self._sights.kept(conn, visibility)

    def graph(self, conn: sqlite3.Connection, visibility: Visibility) -> Graph:
        graph = self._graphs.at(conn)
        return view_of(conn, graph, self._sights.at(conn, visibility))


class EmbeddedReading:
    """Implements Reading. `connections` raises while there are none."""

    def __init__(
        self,
        connections: Callable[[], Connections],
        snapshots: Snapshots,
        read_seconds: float,
        visibility: Visibility = EVERYTHING,
    ) -> None:
        self._connections = connections
        self._snapshots = snapshots
        self._read_seconds = read_seconds
        self._visibility = visibility

    async def revision(self) -> int:
        revision = self._connections().glance(schema.current_revision)
        return await self._ask_plainly(schema.current_revision) if revision is None else revision

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        return await self._ask_unless_kept(kept_entities, entities_of, refs)

    async def page(self, request: PageRequest) -> Page:
        return await self._ask(pages.page, request)

    async def count(self, filter_: Filter) -> int:
        if masks.is_held(filter_):
            return await self._on_graph(
                self._read_seconds, lambda conn, graph, _: int(np.count_nonzero(masks.mask_of(conn, graph, filter_)))
            )
        return await self._ask(pages.count, filter_)

    async def facets(self, filter_: Filter, fields: Sequence[str]) -> dict[str, walks.Facet]:
        return await self._on_graph(
            self._read_seconds, lambda conn, graph, _: count_matching(conn, graph, filter_, fields)
        )

    async def search(self, text: str, filter_: Filter) -> list[Ref]:
        return await self._ask(search, text, filter_)

    async def neighbours(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
        page: LinkPage = ALL_LINKS,
    ) -> dict[Ref, list[Neighbour]]:
        return await self._ask_unless_kept(
            neighbours.kept_neighbours, neighbours.neighbours, refs, direction, relations, link_where, page
        )

    async def neighbour_counts(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
    ) -> dict[Ref, int]:
        return await self._ask(neighbours.neighbour_counts, refs, direction, relations, link_where)

    async def subgroups(self, groups: Collection[Ref]) -> list[Ref]:
        return await self._ask(lookups.subgroups, groups)

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return await self._ask(lookups.resolve, identifiers)

    async def walk(self, request: walks.WalkRequest, *, deadline: float) -> walks.WalkAnswer:
        return await self._on_ground(request.traversal, deadline, lambda ground: walk(ground, request))

    async def via(
        self, traversal: walks.Traversal, refs: Collection[Ref], *, hard_only: bool, deadline: float
    ) -> dict[Ref, walks.Path]:
        return await self._on_ground(traversal, deadline, lambda ground: routes.via(ground, refs, hard_only=hard_only))

    async def paths(
        self, from_: Ref, to: Ref, traversal: walks.Traversal, first: int, *, deadline: float
    ) -> walks.Paths:
        return await self._on_ground(traversal, deadline, lambda ground: routes.paths(ground, from_, to, first))

    async def cycles(self, relations: Collection[str], *, deadline: float) -> list[walks.Cycle]:
        return await self._on_graph(deadline, lambda conn, graph, limit: routes.cycles(conn, graph, relations, limit))

    async def drift(self, question: DriftQuestion, limit: int, after: DriftPlace | None = None) -> list[DriftFinding]:
        return await self._ask(drift.drift, question, limit, after)

    async def count_drift(self, question: DriftQuestion) -> int:
        return await self._ask(drift.count_drift, question)

    async def changes(self, since: int, limit: int, after: tuple[int, Ref] | None = None) -> list[Change]:
        return await self._ask(journal.changes, since, limit, after)

    async def sources(self) -> list[SourceInfo]:
        return await self._ask_plainly(journal.sources)

    async def syncs(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, str] | None = None,
        status: SyncStatus | None = None,
    ) -> list[SyncRun]:
        return await self._ask_plainly(journal.runs, source, limit, after, status)

    async def problems(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, int] | None = None,
        before: tuple[str, int] | None = None,
        *,
        backward: bool = False,
    ) -> list[PlacedProblem]:
        return await self._ask_plainly(journal.problems, source, limit, after, before, backward)

    async def count_problems(self, source: str | None) -> int:
        return await self._ask_plainly(journal.count_problems, source)

    async def _ask_unless_kept(self, kept: Callable[..., T | None], question: Callable[..., T], *arguments: Any) -> T:
        """Answer at once what is in memory, and all else as _ask() does."""

        def look(conn: sqlite3.Connection) -> T | None:
            sight = self._snapshots.kept_sight(conn, self._visibility)
            return kept(conn, sight, *arguments) if sight else None

        found = self._connections().glance(look)
        return await self._ask(question, *arguments) if found is None else found

    async def _ask_plainly(self, question: Callable[..., T], *arguments: Any) -> T:
        """Ask in a thread, in one read transaction, what is the same for all readers."""

        def answer(conn: sqlite3.Connection, limit: Deadline) -> T:
            with limit.watching(conn):
                return question(conn, *arguments)

        return await self._connections().read(answer, self._read_seconds)

    async def _ask(self, question: Callable[..., T], *arguments: Any) -> T:
        return await self._ask_plainly(
            lambda conn: question(conn, self._snapshots.sight(conn, self._visibility), *arguments)
        )

    async def _on_ground(self, traversal: walks.Traversal, deadline: float, question: Callable[[Ground], T]) -> T:
        def on_ground(conn: sqlite3.Connection, graph: Graph, limit: Deadline) -> T:
            with Ground(conn, graph, traversal, limit) as ground:
                return question(ground)

        return await self._on_graph(deadline, on_ground)

    async def _on_graph(self, deadline: float, question: Callable[[sqlite3.Connection, Graph, Deadline], T]) -> T:
        """Ask SQLite and the graph at one revision. Only loading the graph goes on after the deadline: others wait
        for it too."""

        def answer(conn: sqlite3.Connection, limit: Deadline) -> T:
            graph = self._snapshots.graph(conn, self._visibility)
            with limit.watching(conn):
                return question(conn, graph, limit)

        return await self._connections().read(answer, deadline)
