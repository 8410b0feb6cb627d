"""Which groups have an active user in them or below. What has not changed is not looked at: groups may be thousands."""

from collections.abc import Collection, Iterable, Mapping

from graph_api.catalog.entity import Entity, OwnerState
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.relations import Direction
from graph_api.planning.neighbourhood import Neighbourhood

OUT, IN = Direction.OUT, Direction.IN


async def peopled_of(around: Neighbourhood, parents: Mapping[Ref, Collection[Ref]], users: Collection[Ref]) -> set[Ref]:
    """The groups with a declared, active user in them or below, of `parents`: all groups that the edit may change, with
    those right above them. `users` are those that the edit touches.
    """
    found = _Peopled(around, parents)
    teams = await around.ends("MEMBER_OF", OUT, users)
    found.add(team for user, named in teams.items() if _can_answer(around.row(user)) for team in named)
    await found.look_below()
    # From the bottom up, as who is in a group need not be asked where somebody is below.
    while asked := found.next_to_ask():
        await found.ask(asked)
    return found.peopled


class _Peopled:
    def __init__(self, around: Neighbourhood, parents: Mapping[Ref, Collection[Ref]]) -> None:
        self._around = around
        self._parents = {group: set(above) for group, above in parents.items()}
        self._empty: set[Ref] = set()
        """Groups that were asked for their own members: of those below, some may be peopled."""
        self.peopled: set[Ref] = set()

    def add(self, groups: Iterable[Ref]) -> None:
        pending = [group for group in groups if group not in self.peopled]
        self.peopled.update(pending)
        while pending:
            above = self._parents.get(pending.pop(), set()) - self.peopled
            self.peopled |= above
            pending += above

    async def look_below(self) -> None:
        """Take in the groups below. Of one that the edit does not touch its state tells, unless that is neither ACTIVE
        nor EMPTY.
        """
        unknown = self._parents.keys() - self.peopled
        while unknown:
            below = await self._around.ends("CHILD_OF", IN, unknown)
            fresh = {child for children in below.values() for child in children} - self._parents.keys()
            await self._around.load(fresh)
            unknown = {child for child in fresh if self._state(child) is not OwnerState.EMPTY}
            for group, children in below.items():
                for child in children:
                    if child in unknown or child in self._parents:
                        self._parents.setdefault(child, set()).add(group)
            self.add(child for child in unknown if self._state(child) is OwnerState.ACTIVE)
            self.add(group for group, children in below.items() if not self.peopled.isdisjoint(children))
            unknown -= self.peopled

    def _state(self, ref: Ref) -> OwnerState | None:
        return self._around.row(ref).owner_state if kind_of(ref) == "group" else None

    def next_to_ask(self) -> set[Ref]:
        """Return the groups that nothing else can tell of; of a circle, all."""
        unknown = self._parents.keys() - self.peopled - self._empty
        waiting = {parent for group in unknown for parent in self._parents[group]}
        return unknown - waiting or unknown

    async def ask(self, groups: Collection[Ref]) -> None:
        members = await self._around.ends("MEMBER_OF", IN, groups)
        users = {user for named in members.values() for user in named if kind_of(user) == "user"}
        await self._around.load(users)
        there = {user for user in users if _can_answer(self._around.row(user))}
        self._empty.update(groups)
        self.add(group for group, named in members.items() if not there.isdisjoint(named))


def _can_answer(user: Entity) -> bool:
    return user.declared and user.active
