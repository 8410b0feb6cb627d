"""What a snapshot changes in the statements of its source, and whether that is suspiciously much."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import TypeVar

from graph_api.catalog.changes import Counts
from graph_api.catalog.copies import altered
from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.planning.restate import Edit
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
        """The same for the same changes, whatever the time of the run."""
        return _digest(self.edit.entities, self.edit.links)

    def __len__(self) -> int:
        return len(self.edit.entities) + len(self.edit.links)


def plan_snapshot(
    snapshot: Snapshot,
    said: tuple[Mapping[Ref, EntityStatement], Mapping[LinkKey, LinkStatement]],
    at: str,
    last_applied_at: str | None,
) -> Plan:
    """Compare with what the source said before. Statements out of unreadable documents stay and become stale."""
    stated = _with_unread_code_owners(snapshot, said[0], last_applied_at)
    entities = _diff(stated, said[0], snapshot.unreadable, at, last_applied_at)
    links = _diff(snapshot.links, said[1], snapshot.unreadable, at, last_applied_at)
    counts = Counts(
        entities_added=sum(ref not in said[0] for ref in entities),
        entities_changed=sum(ref in said[0] and value is not None for ref, value in entities.items()),
        entities_removed=sum(value is None for value in entities.values()),
        links_added=sum(key not in said[1] for key in links),
        links_changed=sum(key in said[1] and value is not None for key, value in links.items()),
        links_removed=sum(value is None for value in links.values()),
    )
    return Plan(
        edit=Edit(snapshot.source, entities, links),
        counts=counts,
        held_because=_guard(counts, len(said[0]), len(said[1]), empty=not snapshot.entities and not snapshot.links),
    )


def _with_unread_code_owners(
    snapshot: Snapshot, before: Mapping[Ref, EntityStatement], last_applied_at: str | None
) -> Mapping[Ref, EntityStatement]:
    """The snapshot's entities, where repositories keep what their CODEOWNERS file said that is unreadable now."""
    kept = {}
    for ref, statement in snapshot.entities.items() if snapshot.unreadable else ():
        old = before.get(ref)
        document = statement.code_owners_document
        if old and old.code_owners is not None and old.code_owners_document == document in snapshot.unreadable:
            kept[ref] = replace(
                statement,
                code_owners=old.code_owners,
                code_owners_dialect=old.code_owners_dialect,
                code_owners_path=old.code_owners_path,
                code_owners_stale=True,
                code_owners_last_seen=old.code_owners_last_seen or old.last_seen or last_applied_at,
            )
    return {**snapshot.entities, **kept} if kept else snapshot.entities


def _diff(
    now: Mapping[K, S], before: Mapping[K, S], unreadable: Collection[str], at: str, last_applied_at: str | None
) -> dict[K, S | None]:
    changes: dict[K, S | None] = {}
    for key, statement in now.items():
        old = before.get(key)
        if old is None:
            changes[key] = altered(statement, first_seen=at)
        elif not _equal(statement, old):
            changes[key] = replace(statement, first_seen=old.first_seen)
    for key, old in before.items():
        if key in now:
            continue
        if old.document not in unreadable:
            changes[key] = None
        elif not old.stale:
            changes[key] = replace(old, stale=True, last_seen=last_applied_at)
    return changes


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
    for ref in sorted(entities):
        digest.update(dump([ref, _timeless(entities[ref])]).encode())
    for key in sorted(links, key=lambda key: (*key[:3], key.environment or "")):
        digest.update(dump([key, _timeless(links[key])]).encode())
    return digest.hexdigest()


def _timeless(statement: object) -> object:
    if isinstance(statement, EntityStatement):
        return replace(statement, first_seen=None, last_seen=None, code_owners_last_seen=None)
    if isinstance(statement, LinkStatement):
        return replace(statement, first_seen=None, last_seen=None)
    return statement
