"""From changed statements to the rows that change: merge, derive what depends on neighbours, compare, write.

Everything here runs inside a write transaction, so what it reads is what it changes.
"""

from collections.abc import Collection, Iterable, Mapping

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, LinkKey, OwnerHow, unresolved
from graph_api.catalog.merge import SourceOrder, merge_entity, merge_link
from graph_api.catalog.ref import Ref
from graph_api.catalog.sameness import same_entity, same_link
from graph_api.planning.audiences import derive_audiences, derive_pointed_at
from graph_api.planning.derive import derive
from graph_api.planning.neighbourhood import Neighbourhood
from graph_api.planning.restate import Edit, Restated, restate, restate_all
from graph_api.store.lookups import Referenced
from graph_api.store.protocol import WriteTransaction


async def settle(tx: WriteTransaction, edit: Edit, order: SourceOrder) -> ChangeSet:
    """Return the rows that this edit changes."""
    around, rows = await _derived(tx, await restate(tx, edit, order), order)
    return await _compare(around, rows, order)


async def settle_order(tx: WriteTransaction, order: SourceOrder) -> ChangeSet:
    """The rows that change when everything is joined, merged and restricted as `order` says."""
    around, rows = await _derived(tx, await restate_all(tx, order), order)
    await derive_pointed_at(around, rows, order.restrictions)
    return await _compare(around, rows, order)


async def _derived(
    tx: WriteTransaction, restated: Restated, order: SourceOrder
) -> tuple[Neighbourhood, dict[Ref, Entity]]:
    merged = {ref: merge_entity(ref, said) if said else unresolved(ref) for ref, said in restated.entities.items()}
    links = {}
    for key, said in restated.links.items():
        old = restated.old_links.get(key)
        link = merge_link(key, said, old.revision if old else 0) if said else None
        if not same_link(link, old):
            links[key] = link
    around = Neighbourhood(tx, restated.old, merged, restated.old_links, links)
    return around, await derive(around, order)


async def _compare(around: Neighbourhood, rows: dict[Ref, Entity], order: SourceOrder) -> ChangeSet:
    removed = await _vanished(around, rows)
    derive_audiences(around, rows, order.restrictions)
    # An entity's revision also tells that its outgoing links changed, so such a row is written again.
    sources = {key.source for key in around.changed}
    changed = [
        row
        for ref, row in sorted(rows.items())
        if ref not in removed and (ref in sources or not same_entity(row, around.old.get(ref)))
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
