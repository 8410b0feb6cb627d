"""Who sees what now: teams and what affects them are looked up once a revision."""

from typing import NamedTuple, TypeAlias

from graph_api.access.authorize import is_unfiltered
from graph_api.access.principal import Principal, Role
from graph_api.access.visibility import visibility_of
from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.ref import Ref, kind_of
from graph_api.standing import all_names
from graph_api.store.protocol import Store

_KEPT = 256

_Alike: TypeAlias = tuple[frozenset[Role], Ref | None, frozenset[Ref]]
"""What two principals who see the same have in common."""


class VisibilityAt(NamedTuple):
    """`revision`: what is written after it may give the reader more, or less; None where no write does."""

    visibility: Visibility
    revision: int | None = None


class Visibilities:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[_Alike, VisibilityAt] = {}

    async def sight(self, principal: Principal) -> VisibilityAt:
        if is_unfiltered(principal):
            return VisibilityAt(EVERYTHING)
        if not principal.groups and not principal.user:
            return VisibilityAt(visibility_of(principal, ()))
        alike = principal.roles, principal.user, principal.groups
        revision = await self._store.revision()
        known = self._known.get(alike)
        if known and known.revision == revision:
            return known
        sight = VisibilityAt(await self._look_up(principal), revision)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[alike] = sight
        return sight

    async def _look_up(self, principal: Principal) -> Visibility:
        named = principal.groups | ({principal.user} if principal.user else set())
        names = await all_names(self._store, named)
        groups = await self._store.subgroups([ref for ref in names if kind_of(ref) == "group"])
        teams = sorted({*names, *groups})
        return visibility_of(principal, teams, await self._store.affecting(teams))
