"""The catalog as it will be after an edit, read piece by piece: stored rows and links with the edit laid over them."""

import math
from collections.abc import Collection, Iterable, Mapping

from graph_api.catalog.copies import altered
from graph_api.catalog.entity import Entity, Link, LinkKey, unresolved
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.store.protocol import WriteTransaction


class Neighbourhood:
    """`old` are stored rows of everything that the edit touches; `merged` the touched entities' new rows without
    derived fields; `links` the changed links (None: gone)."""

    def __init__(
        self,
        tx: WriteTransaction,
        old: dict[Ref, Entity],
        merged: Mapping[Ref, Entity],
        old_links: Mapping[LinkKey, Link],
        links: Mapping[LinkKey, Link | None],
    ) -> None:
        self.tx = tx
        self.old = old
        self.merged = merged
        self.changed = links
        self.old_links = old_links
        ends = {end for key in links for end in (key.source, key.target)}
        self._rows = {ref: with_derived(row, old[ref]) if ref in old else row for ref, row in merged.items()}
        self._absent = {ref for ref in {*merged, *ends} if ref not in old}
        self._links: dict[tuple[str, Direction], dict[Ref, list[Link]]] = {}
        self._overlay: dict[tuple[str, Direction], dict[Ref, list[Link]]] = {}
        for key, link in links.items():
            if link is not None:
                self._overlay.setdefault((key.relation, Direction.OUT), {}).setdefault(key.source, []).append(link)
                self._overlay.setdefault((key.relation, Direction.IN), {}).setdefault(key.target, []).append(link)

    async def load(self, refs: Iterable[Ref]) -> None:
        """Read the stored rows of these, so that row() has them."""
        missing = [ref for ref in set(refs) if ref not in self.old and ref not in self._absent]
        if missing:
            found = await self.tx.entities(missing)
            self.old.update(found)
            self._absent.update(ref for ref in missing if ref not in found)

    def row(self, ref: Ref) -> Entity:
        """The row after the edit, with the derived fields that it had before; a placeholder where there is none."""
        return self._rows.get(ref) or self.old.get(ref) or unresolved(ref)

    async def links(self, relation: str, direction: Direction, refs: Iterable[Ref]) -> dict[Ref, list[Link]]:
        """Return the links by the end that is asked for, after the edit; every ref is a key."""
        known = self._links.setdefault((relation, direction), {})
        wanted = set(refs)
        await self._read(known, relation, direction, wanted - known.keys())
        return {ref: known[ref] for ref in wanted}

    async def _read(
        self, known: dict[Ref, list[Link]], relation: str, direction: Direction, missing: Collection[Ref]
    ) -> None:
        overlay = self._overlay.get((relation, direction), {})
        for ref in missing:
            known[ref] = list(overlay.get(ref, ()))
        stored = [ref for ref in missing if ref not in self._absent]
        for link in await self.tx.links_at(stored, (relation,), direction) if stored else ():
            if link.key not in self.changed:
                known[near_end(link.key, direction)].append(link)

    async def ends(self, relation: str, direction: Direction, refs: Iterable[Ref]) -> dict[Ref, list[Ref]]:
        """Return the entities at the other ends of links()."""
        found = await self.links(relation, direction, refs)
        return {ref: [far_end(link.key, direction) for link in links] for ref, links in found.items()}

    async def reach(
        self, relation: str, direction: Direction, start: Iterable[Ref], levels: float = math.inf
    ) -> dict[Ref, list[Ref]]:
        """Return all that one relation reaches from `start`, so many levels away: ref -> next refs, starts included."""
        steps: dict[Ref, list[Ref]] = {}
        frontier, level = set(start), 0
        while frontier and level <= levels:
            level += 1
            found = await self.ends(relation, direction, frontier)
            steps.update(found)
            frontier = {ref for refs in found.values() for ref in refs} - steps.keys()
        return steps

    def changed_ends(self, *relations: str) -> set[tuple[Ref, Ref]]:
        """Return (source, target) of the links of these relations that the edit changes."""
        return {(key.source, key.target) for key in self.changed if key.relation in relations}


def near_end(key: LinkKey, direction: Direction) -> Ref:
    return key.source if direction is Direction.OUT else key.target


def far_end(key: LinkKey, direction: Direction) -> Ref:
    return key.target if direction is Direction.OUT else key.source


def with_derived(row: Entity, old: Entity) -> Entity:
    """Return a merged row with the derived fields that it had before."""
    return altered(
        row,
        owners=old.owners,
        systems=old.systems,
        domains=old.domains,
        environments=old.environments,
        owner_state=old.owner_state,
        audience=old.audience,
        revision=old.revision,
        created_revision=old.created_revision,
        updated_at=old.updated_at,
    )
