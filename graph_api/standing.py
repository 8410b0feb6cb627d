"""Entities under the refs that somebody uses: those that a source gave things that now stand under another ref too, and
those that they had before.
"""

from collections.abc import Collection
from typing import Protocol

from graph_api.catalog.correlation import is_given, standing_in
from graph_api.catalog.entity import Entity
from graph_api.catalog.ref import Ref


class Names(Protocol):
    """The catalog, as a reader or the writer sees it."""

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]: ...

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]: ...


async def stated_rows(names: Names, refs: Collection[Ref]) -> dict[Ref, Entity]:
    """Return rows by the refs that were asked for: those that they have, that some source gave them, or that they
    had before.
    """
    found = await names.entities(refs)
    missing = [ref for ref in refs if ref not in found]
    return found | await stand_ins(names, missing) if missing else found


async def stand_ins(names: Names, missing: Collection[Ref]) -> dict[Ref, Entity]:
    """Return what stated_rows() does, for refs that no entity has."""
    named = await names.resolve(missing)
    rows = await names.entities({ref for others in named.values() for ref in others}) if named else {}
    return standing_in(named, rows)


async def declared_rows(names: Names, refs: Collection[Ref]) -> dict[Ref, Entity]:
    """Return what stated_rows() does, but for what only had the ref before: declared anew it is another thing."""
    return {ref: row for ref, row in (await stated_rows(names, refs)).items() if row.ref == ref or is_given(row, ref)}


async def all_names(names: Names, refs: Collection[Ref]) -> set[Ref]:
    """Return the refs, and those that they stand under."""
    return {*refs, *(row.ref for row in (await stated_rows(names, refs)).values())}
