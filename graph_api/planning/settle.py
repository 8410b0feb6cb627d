"""From changed statements to the rows that change: merge, derive what depends on neighbours, compare, write.

Everything here runs inside a write transaction, so what it reads is what it changes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TypeVar

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, EntityStatement, Link, LinkKey, LinkStatement, OwnerHow, unresolved
from graph_api.catalog.merge import SourceOrder, merge_entity, merge_link
from graph_api.catalog.ref import Ref
from graph_api.planning.derive import derive
from graph_api.planning.neighbourhood import Neighbourhood
from graph_api.store.protocol import Referenced, WriteTransaction

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Edit:
    """New statements of one source; None withdraws."""

    source: str
    entities: Mapping[Ref, EntityStatement | None] = field(default_factory=dict)
    links: Mapping[LinkKey, LinkStatement | None] = field(default_factory=dict)


async def settle(tx: WriteTransaction, edit: Edit, order: SourceOrder) -> ChangeSet:
    """The rows that this edit changes."""
    ends = {end for key in edit.links for end in (key.source, key.target)}
    old = await tx.entities(ends | edit.entities.keys())
    old_links = await tx.links([key for key in edit.links if key.source in old and key.target in old])
    merged = {
        ref: _merged_entity(ref, _restated(old[ref].statements if ref in old else {}, edit.source, statement, order))
        for ref, statement in edit.entities.items()
    }
    links = {
        key: _merged_link(key, statement, old_links.get(key), edit.source, order)
        for key, statement in edit.links.items()
    }
    links = {key: link for key, link in links.items() if link != old_links.get(key)}
    around = Neighbourhood(tx, old, merged, old_links, links)
    return await _compare(around, await derive(around, order))


def _restated(before: Mapping[str, S], source: str, statement: S | None, order: SourceOrder) -> dict[str, S]:
    statements = {name: value for name, value in before.items() if name != source}
    if statement is not None:
        statements[source] = statement
    return dict(sorted(statements.items(), key=lambda item: order(item[0]))) if len(statements) > 1 else statements


def _merged_entity(ref: Ref, statements: Mapping[str, EntityStatement]) -> Entity:
    return merge_entity(ref, statements) if statements else unresolved(ref)


def _merged_link(
    key: LinkKey, statement: LinkStatement | None, old: Link | None, source: str, order: SourceOrder
) -> Link | None:
    statements = _restated(old.statements if old else {}, source, statement, order)
    return merge_link(key, statements, old.revision if old else 0) if statements else None


async def _compare(around: Neighbourhood, rows: dict[Ref, Entity]) -> ChangeSet:
    removed = await _vanished(around, rows)
    # An entity's revision also tells that its outgoing links changed, so such a row is written again.
    sources = {key.source for key in around.changed}
    changed = [
        row
        for ref, row in sorted(rows.items())
        if ref not in removed and (ref in sources or not _same(row, around.old.get(ref)))
    ]
    links = sorted(around.changed.items(), key=_link_order)
    return ChangeSet(
        entities=changed,
        removed=sorted(ref for ref in removed if ref in around.old),
        links=[link for _, link in links if link],
        removed_links=[key for key, link in links if link is None],
    )


def _link_order(item: tuple[LinkKey, object]) -> tuple[str, str, str, str]:
    key = item[0]
    return key.source, key.relation, key.target, key.environment or ""


_KEPT = frozenset({"revision", "created_revision", "updated_at"})
_COMPARED = tuple(field.name for field in fields(Entity) if field.name not in _KEPT)


def _same(row: Entity, old: Entity | None) -> bool:
    return old is not None and (row is old or all(getattr(row, name) == getattr(old, name) for name in _COMPARED))


async def _vanished(around: Neighbourhood, rows: dict[Ref, Entity]) -> set[Ref]:
    """Undeclared entities that no link touches any more and nobody infers as an owner."""
    deltas = _reference_deltas(around, rows)
    await around.load(deltas)
    candidates = {ref for ref in {*rows, *deltas} if not around.row(ref).declared}
    stored = await around.tx.referenced([ref for ref in candidates if ref in around.old])
    none = Referenced(0, 0)
    gone = set()
    for ref in candidates:
        before = stored.get(ref, none)
        if before.links + before.inferred + deltas.get(ref, 0) == 0:
            gone.add(ref)
        else:
            rows.setdefault(ref, around.row(ref))
    return gone


def _reference_deltas(around: Neighbourhood, rows: Mapping[Ref, Entity]) -> dict[Ref, int]:
    deltas: dict[Ref, int] = {}
    for key, link in around.changed.items():
        _count(deltas, {key.source, key.target}, (link is not None) - (key in around.old_links))
    for ref, row in rows.items():
        _count(deltas, _inferred(row), 1)
        if ref in around.old:
            _count(deltas, _inferred(around.old[ref]), -1)
    return deltas


def _count(deltas: dict[Ref, int], refs: Iterable[Ref], by: int) -> None:
    for ref in refs:
        deltas[ref] = deltas.get(ref, 0) + by


def _inferred(entity: Entity) -> Collection[Ref]:
    return [owner.ref for owner in entity.owners if owner.how is OwnerHow.INFERRED]
