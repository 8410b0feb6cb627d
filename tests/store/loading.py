"""Random catalogs into one store, one after the other, each with its reference."""

from dataclasses import replace

from hypothesis import settings

from graph_api.catalog.audience import Visibility
from graph_api.catalog.changes import Change, ChangeOperation, ChangeSet
from graph_api.catalog.entity import Entity, Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.store.protocol import Store
from tests.catalogs import write
from tests.graphs import Catalog
from tests.reference import Reference

FEW = settings(max_examples=40)
"""For tests that ask several questions of each example."""


class Loader:
    """Each catalog replaces the one before by writes of the store's own: much faster than a fresh database."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.revision = 0
        self.history: list[tuple[Change, str, str | None]] = []
        """With whom the entity is for then, and whom it was for before."""
        self._audiences: dict[Ref, str] = {}
        self._entities: dict[Ref, Entity] = {}
        self._links: dict[LinkKey, Link] = {}

    async def load(self, catalog: Catalog) -> Reference:
        first, second = catalog.times
        refs = {entity.ref for entity in catalog.entities}
        keys = {link.key for link in catalog.links}
        await self._write(
            ChangeSet(
                entities=[self._known(entity) for entity in catalog.entities],
                removed=sorted(self._entities.keys() - refs),
                links=catalog.links,
                removed_links=[key for key in self._links if key not in keys],
            ),
            first,
        )
        await self._write(ChangeSet(entities=[self._entities[ref] for ref in sorted(catalog.restated)]), second)
        return Reference(self._entities.values(), self._links.values())

    def _known(self, entity: Entity) -> Entity:
        old = self._entities.get(entity.ref)
        return replace(entity, created_revision=old.created_revision) if old else entity

    async def _write(self, changes: ChangeSet, at: str) -> None:
        self.revision = await write(self.store, changes, at=at)
        new = {row.ref: row.audience for row in changes.entities}
        for operation, refs in self._operations(changes).items():
            for ref in refs:
                change = Change(ref=ref, operation=operation, revision=self.revision, at=at)
                before = self._audiences.get(ref)
                self.history.append((change, new.get(ref, before or ""), before))
        for ref in changes.removed:
            del self._entities[ref], self._audiences[ref]
        for key in changes.removed_links:
            del self._links[key]
        self._audiences |= new
        self._entities |= {row.ref: stamped(row, self.revision, at) for row in changes.entities}
        self._links |= {link.key: replace(link, revision=self.revision) for link in changes.links}

    def _operations(self, changes: ChangeSet) -> dict[ChangeOperation, list[Ref]]:
        written = [row.ref for row in changes.entities]
        return {
            ChangeOperation.CREATED: [ref for ref in written if ref not in self._entities],
            ChangeOperation.UPDATED: [ref for ref in written if ref in self._entities],
            ChangeOperation.REMOVED: list(changes.removed),
        }

    def changes(self, since: int, visibility: Visibility) -> list[Change]:
        """The latest change of each entity after this revision that is seen, in the order (revision, ref)."""
        latest: dict[Ref, Change] = {}
        for change, audience, before in self.history:
            ref = change.ref
            if change.revision <= since:
                continue
            if visibility.sees(audience, ref):
                latest[ref] = change
            elif before is not None and visibility.sees(before, ref):
                latest[ref] = replace(change, operation=ChangeOperation.REMOVED)
                if not since:  # who has seen nothing yet is told of nothing that it does not see
                    del latest[ref]
        return sorted(latest.values(), key=lambda change: (change.revision, change.ref))


def stamped(entity: Entity, revision: int, at: str) -> Entity:
    """The row as the store keeps it when it is written at this revision."""
    return replace(entity, revision=revision, created_revision=entity.created_revision or revision, updated_at=at)
