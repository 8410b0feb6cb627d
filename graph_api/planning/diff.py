"""What a snapshot changes in the statements of its source, and whether that is suspiciously much."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import chain
from operator import attrgetter
from types import MappingProxyType
from typing import Generic, TypeVar

from graph_api.catalog.changes import Counts
from graph_api.catalog.copies import altered
from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.planning.restate import Edit
from graph_api.spool import Spool, in_order
from graph_api.store.lookups import Said
from graph_api.store.rows import dump

GUARD_SHARE = 0.20
GUARD_COUNT = 10

K = TypeVar("K", Ref, LinkKey)
S = TypeVar("S", EntityStatement, LinkStatement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run would change. `held_because` says why it must be confirmed first."""

    edit: Edit
    counts: Counts
    held_because: str | None

    def digest(self) -> str:
        """A digest that is the same for the same changes, whatever the time of the run."""
        return _digest(self.edit.entities, self.edit.links)

    def __len__(self) -> int:
        return len(self.edit.entities) + len(self.edit.links)


class Comparison:
    """Compares a snapshot with what its source said before, which comes some at a time and is not kept. Statements out
    of unreadable documents stay and become stale.
    """

    def __init__(self, snapshot: Snapshot, at: str, last_applied_at: str | None) -> None:
        self._snapshot = snapshot
        self._last_applied_at = last_applied_at
        self._entities = _Diff(snapshot.entities, snapshot.unreadable, at, last_applied_at)
        self._links = _Diff(snapshot.links, snapshot.unreadable, at, last_applied_at)

    def add(self, said: Said) -> None:
        self._entities.compare(said.entities, self._with_unread_code_owners(said.entities))
        self._links.compare(said.links)

    def plan(self) -> Plan:
        entities, links = self._entities.changes(), self._links.changes()
        counts = Counts(
            entities_added=self._entities.added,
            entities_changed=len(entities) - self._entities.added - self._entities.removed,
            entities_removed=self._entities.removed,
            links_added=self._links.added,
            links_changed=len(links) - self._links.added - self._links.removed,
            links_removed=self._links.removed,
        )
        empty = not self._snapshot.entities and not self._snapshot.links
        return Plan(
            edit=Edit(self._snapshot.source, entities, links),
            counts=counts,
            held_because=_guard(counts, self._entities.before, self._links.before, empty=empty),
        )

    def _with_unread_code_owners(self, before: Mapping[Ref, EntityStatement]) -> dict[Ref, EntityStatement]:
        """Repositories as they are said now, which keep what their CODEOWNERS file said that is unreadable now."""
        kept = {}
        for ref, old in before.items() if self._snapshot.unreadable else ():
            statement = self._snapshot.entities.get(ref)
            is_unread = old.code_owners is not None and old.code_owners_document in self._snapshot.unreadable
            if statement and statement.code_owners is None and is_unread:
                kept[ref] = replace(
                    statement,
                    code_owners=old.code_owners,
                    code_owners_dialect=old.code_owners_dialect,
                    code_owners_path=old.code_owners_path,
                    code_owners_document=old.code_owners_document,
                    code_owners_stale=True,
                    code_owners_last_seen=old.code_owners_last_seen or old.last_seen or self._last_applied_at,
                )
        return kept


class _New:
    """Stands for what was not said before."""


_NEW = _New()


class _Diff(Generic[K, S]):
    def __init__(self, now: Mapping[K, S], unreadable: Collection[str], at: str, last_applied_at: str | None) -> None:
        self._now: Mapping[K, S] = now
        self._unreadable = unreadable
        self._at = at
        self._last_applied_at = last_applied_at
        self._known: Spool[K, S | None] = Spool()
        """What was said before and still is, with what it says now where that is something else."""
        self._withdrawn: Spool[K, S | None] = Spool()
        self.before = self.removed = 0

    @property
    def added(self) -> int:
        """How many were not said before, once all of that is compared."""
        return len(self._now) - len(self._known)

    def compare(self, before: Mapping[K, S], instead: Mapping[K, S] = MappingProxyType({})) -> None:
        """Compare with what was said before; `instead` takes the place of what is said now."""
        self.before += len(before)
        for key, old in before.items():
            new = instead.get(key) or self._now.get(key)
            if new is None:
                self._withdraw(key, old)
                continue
            self._known[key] = None if _equal(new, old) else replace(new, first_seen=old.first_seen)

    def _withdraw(self, key: K, old: S) -> None:
        if old.document not in self._unreadable:
            self._withdrawn[key] = None
            self.removed += 1
        elif not old.stale:
            self._withdrawn[key] = replace(old, stale=True, last_seen=self._last_applied_at)

    def changes(self) -> Spool[K, S | None]:
        """Return what is said now, and None for what no longer is."""
        return Spool(chain(self._said(), self._withdrawn.items()))

    def _said(self) -> Iterator[tuple[K, S]]:
        for key, statement in self._now.items():
            known = self._known.get(key, _NEW)
            if isinstance(known, _New):
                yield key, altered(statement, first_seen=self._at)
            elif known:
                yield key, known


_compared = {
    statement: attrgetter(*(field.name for field in fields(statement) if field.name != "first_seen"))
    for statement in (EntityStatement, LinkStatement)
}


def _equal(new: S, old: S) -> bool:
    values = _compared[type(new)]
    return not old.stale and values(new) == values(old)


def _guard(counts: Counts, entities: int, links: int, *, empty: bool) -> str | None:
    if empty and (entities or links) and (counts.entities_removed or counts.links_removed):
        return f"the source says nothing any more; before it stated {entities} entities and {links} links"
    for name, removed, before in (
        ("entities", counts.entities_removed, entities),
        ("links", counts.links_removed, links),
    ):
        if removed > GUARD_COUNT and removed > GUARD_SHARE * before:
            return f"it would remove {removed} of the source's {before} {name} (more than {GUARD_SHARE:.0%})"
    return None


def _digest(entities: Mapping[Ref, object], links: Mapping[LinkKey, object]) -> str:
    digest = hashlib.sha256()
    for ref, entity in in_order(entities):
        digest.update(dump([ref, _timeless(entity)]).encode())
    for key, link in in_order(links):
        digest.update(dump([key, _timeless(link)]).encode())
    return digest.hexdigest()


def _timeless(statement: object) -> object:
    if isinstance(statement, EntityStatement):
        return replace(statement, first_seen=None, last_seen=None, code_owners_last_seen=None)
    if isinstance(statement, LinkStatement):
        return replace(statement, first_seen=None, last_seen=None)
    return statement
