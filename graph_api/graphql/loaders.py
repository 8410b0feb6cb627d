"""Batched reads: whatever many resolvers ask in one tick becomes one question to the store."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.graphql.list_loader import ListLoader
from graph_api.standing import stand_ins
from graph_api.store.protocol import ALL_LINKS, LinkPage, Neighbour, Reading


class NeighbourQuestion(NamedTuple):
    direction: Direction
    relations: tuple[str, ...]
    link_where: LinkFilter | None = None
    page: LinkPage = ALL_LINKS


class Loaders:
    """One set per request. `entity` gives None for a ref that does not exist, and for one that a thing had before, or
    that a source gave it and it stands under another, the entity there.
    """

    def __init__(self, store: Reading, whole: Callable[[], Reading], seen_at: int | None = None) -> None:
        """`whole`: the same, with all fields of entities. `seen_at`: the revision that is told, if it is known."""
        self._store = store
        self._whole = whole
        self._seen_at = seen_at
        self.entity: ListLoader[Ref, Entity | None] = ListLoader(self._entities)
        self.named: ListLoader[str, list[Ref]] = ListLoader(self._named)
        self.last_applied: ListLoader[str, str | None] = ListLoader(self._last_applied)
        self._neighbours: dict[NeighbourQuestion, ListLoader[Ref, list[Neighbour]]] = {}
        self._counts: dict[NeighbourQuestion, ListLoader[Ref, int]] = {}
        self._revision: ListLoader[None, int] = ListLoader(self._revisions)

    async def revision(self) -> int:
        return await self._revision.load(None) if self._seen_at is None else self._seen_at

    def neighbours(self, question: NeighbourQuestion) -> ListLoader[Ref, list[Neighbour]]:
        async def load(refs: Sequence[Ref]) -> list[list[Neighbour]]:
            found = await self._store.neighbours(refs, *question)
            return [found[ref] for ref in refs]

        return self._neighbours.setdefault(question, ListLoader(load))

    def neighbour_count(self, question: NeighbourQuestion) -> ListLoader[Ref, int]:
        async def load(refs: Sequence[Ref]) -> list[int]:
            direction, relations, link_where, _ = question
            found = await self._store.neighbour_counts(refs, direction, relations, link_where)
            return [found[ref] for ref in refs]

        return self._counts.setdefault(question, ListLoader(load))

    async def _revisions(self, _keys: Sequence[None]) -> list[int]:
        return [await self._store.revision()]

    async def _last_applied(self, sources: Sequence[str]) -> list[str | None]:
        found = {source.name: source.last_applied_at for source in await self._store.sources()}
        return [found.get(source) for source in sources]

    async def _entities(self, refs: Sequence[Ref]) -> list[Entity | None]:
        found = await self._store.entities(refs)
        missing = [ref for ref in refs if ref not in found]
        if missing:
            found |= await stand_ins(self._whole(), missing)
        return [found.get(ref) for ref in refs]

    async def _named(self, identifiers: Sequence[str]) -> list[list[Ref]]:
        found = await self._store.resolve(identifiers)
        return [found.get(identifier, []) for identifier in identifiers]
