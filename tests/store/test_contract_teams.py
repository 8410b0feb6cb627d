"""Whether owners can answer, after each of many edits: as if all were looked at anew."""

import random
from dataclasses import dataclass, replace

import pytest

from graph_api.catalog.entity import OwnerState
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.store.protocol import PageRequest, Store
from graph_api.sync import sync
from tests.catalogs import entity, link

GROUPS = [Ref(f"group:default/g{number}") for number in range(6)]
USERS = [Ref(f"user:default/u{number}") for number in range(4)]
ODD = Ref("component:default/odd")
"""No group, and yet stated to stand among them."""
Tie = tuple[str, Ref, Ref]


@dataclass(frozen=True)
class Teams:
    """Who is there, and is active; CHILD_OF, also in circles, and MEMBER_OF."""

    active: dict[Ref, bool]
    ties: frozenset[Tie]

    def edited(self, chance: random.Random) -> "Teams":
        active, ties = dict(self.active), set(self.ties)
        for _ in range(chance.randint(1, 3)):
            child, group = chance.sample([*GROUPS, ODD], 2)
            what = chance.choice(["child", "member", "entity"])
            if what == "child":
                ties ^= {("CHILD_OF", child, group)}
            elif what == "member":
                ties ^= {("MEMBER_OF", chance.choice([*USERS, child]), group)}
            elif active.pop(gone := chance.choice([*GROUPS, *USERS]), None) is None:
                active[gone] = chance.random() < 0.8
        return Teams(active, frozenset(ties))

    def snapshot(self) -> Snapshot:
        entities = {
            ref: replace(entity(ref, sources=["f"]).statements["f"], active=active)
            for ref, active in self.active.items()
        }
        rows = [link(one, other, relation, sources=["f"]) for relation, one, other in self.ties]
        links = {row.key: row.statements["f"][0] for row in rows}
        return Snapshot(source="f", connector="api", entities=entities, links=links)

    def states(self) -> dict[Ref, OwnerState | None]:
        named = self.active.keys() | {end for _, one, other in self.ties for end in (one, other)}
        return {ref: None if ref == ODD else self._state(ref) for ref in named}

    def _state(self, ref: Ref) -> OwnerState:
        if ref not in self.active:
            return OwnerState.UNRESOLVED
        if not self.active[ref]:
            return OwnerState.INACTIVE
        below, pending = {ref}, [ref]
        while pending:
            group = pending.pop()
            found = {one for relation, one, other in self.ties if (relation, other) == ("CHILD_OF", group)} - below
            below |= found
            pending += found
        members = {one for relation, one, other in self.ties if relation == "MEMBER_OF" and other in below}
        is_peopled = ref in USERS or any(user in members and self.active.get(user) for user in USERS)
        return OwnerState.ACTIVE if is_peopled else OwnerState.EMPTY


@pytest.mark.parametrize("seed", [*range(20), 296])
async def test_states_follow_from_who_is_there(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    teams = Teams(dict.fromkeys([*GROUPS, *USERS], True), frozenset())
    for _ in range(12):
        edited = teams.edited(chance)
        outcome = await sync(store, edited.snapshot(), SourceOrder())
        if outcome.run and outcome.run.status == "HELD":
            continue  # it would remove too much
        teams = edited
        page = await store.page(PageRequest(filter=ALL, sort=Sort("ref"), limit=100))
        assert {row.ref: row.owner_state for row in page.entities} == teams.states()
