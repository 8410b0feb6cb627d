"""Entities under the refs that somebody uses: those that a source gave things that now stand under another ref too."""

from collections.abc import Collection

from graph_api.catalog.correlation import standing_in
from graph_api.catalog.entity import Entity
from graph_api.catalog.ref import Ref
from graph_api.store.protocol import Reading


async def standing_under(store: Reading, refs: Collection[Ref]) -> dict[Ref, Entity]:
    """The existing ones, by the ref that was asked for."""
    found = await store.entities(refs)
    missing = [ref for ref in refs if ref not in found]
    return found | await stand_ins(store, missing) if missing else found


async def stand_ins(store: Reading, missing: Collection[Ref]) -> dict[Ref, Entity]:
    """As standing_under(), of refs that no entity has."""
    named = await store.resolve(missing)
    rows = await store.entities({ref for others in named.values() for ref in others})
    return standing_in(named, rows)


async def all_names(store: Reading, refs: Collection[Ref]) -> set[Ref]:
    """The refs, and those that they stand under."""
    return {*refs, *(row.ref for row in (await standing_under(store, refs)).values())}
