"""What a writer may touch, asked inside its transaction: nothing can change between the question and the write."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graph_api.access.audit import Attempt
from graph_api.access.authorize import Reach, moves_ownership, not_yours, why_not
from graph_api.access.principal import Principal
from graph_api.access.visibility import visibility_of
from graph_api.catalog.audience import Restriction, audience_of
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link, LinkKey, unresolved
from graph_api.catalog.former_refs import former_refs
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.standing import declared_rows, stated_rows
from graph_api.store.protocol import WriteTransaction

_MOVED = "by this, others would share or lose the ownership of what is theirs"
"""A message without the name of what is moved: the writer need not know that it is there."""
_UNSEEN = "it would change, or link to, what you may not"

_Sees: TypeAlias = Callable[[str, Ref], bool]
"""Whether the writer sees what has this audience and ref."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`ref` is where the write reaches too far; None for what the writer does not see."""

    ref: Ref | None
    message: str


async def refusals(
    tx: WriteTransaction, by: Attempt, changes: ChangeSet, restrictions: Sequence[Restriction]
) -> list[Refusal]:
    """Return why these changes are not the writer's to make: none, or all that the changes touch and it may not."""
    if by.reach is not Reach.OWNED:
        return []
    teams = await _teams(tx, by.principal)
    sees = visibility_of(by.principal, teams).sees
    write = await _footprint(tx, changes)
    return [
        *_not_theirs(write, teams, sees),
        *_moved(write, teams),
        *_revealed(write, sees),
        *await _entered(tx, write, sees, restrictions),
        *await _reserved(tx, write, teams, sees),
    ]


@dataclass(frozen=True, slots=True)
class _Footprint:
    """What a write reaches.

    `before` and `after` are the rows of all that it changes, and `before` also of the ends of its links. `touched` is
    what something else is said of, or of a link that leaves it; `ends` are those of such links. `left` are those from
    which a link goes with what is said of it, to what claims to be the same. `claimed` has the owners that a source
    names now and did not, by what they are to own.
    """

    before: Mapping[Ref, Entity]
    after: Mapping[Ref, Entity]
    touched: set[Ref]
    ends: set[Ref]
    left: set[Ref]
    claimed: Mapping[Ref, set[Ref]]

    @property
    def others(self) -> list[Ref]:
        """What only follows from it: the neighbours of which nothing else is said."""
        return sorted(self.after.keys() & self.before.keys() - self.touched)


async def _footprint(tx: WriteTransaction, changes: ChangeSet) -> _Footprint:
    after = {row.ref: row for row in changes.entities}
    said = await tx.links([*(link.key for link in changes.links), *changes.removed_links])
    links = _relinked(said, changes)
    ends = {end for key in links for end in (key.source, key.target)}
    before = await tx.entities({*after, *changes.removed, *ends})
    touched = _restated(before, after, changes.removed) | {key.source for key in links}
    return _Footprint(before, after, touched, ends, _left(said, changes), _claimed(said, changes))


def _not_theirs(write: _Footprint, teams: frozenset[Ref], sees: _Sees) -> Iterator[Refusal]:
    """Yield a refusal for what the writer does not see, or touches and does not own."""
    for ref in sorted(write.touched | write.ends):
        rows = write.before.get(ref), write.after.get(ref)
        if not all(sees(row.audience, ref) for row in rows if row):
            yield Refusal(None, _UNSEEN)
        elif ref in write.touched and (reason := why_not(teams, ref, *rows, write.claimed.get(ref, ()))):
            yield Refusal(ref, reason)
        elif ref in write.left and not _is_of(teams, write.before.get(ref)):
            yield Refusal(ref, not_yours(ref))


def _is_of(teams: frozenset[Ref], row: Entity | None) -> bool:
    return row is not None and any(owner.ref in teams for owner in row.owners)


def _moved(write: _Footprint, teams: frozenset[Ref]) -> Iterator[Refusal]:
    """Yield a refusal for others whose ownership the writer's teams would share, or take."""
    for ref in write.others:
        if moves_ownership(teams, write.before[ref], write.after[ref]):
            yield Refusal(None, _MOVED)


def _revealed(write: _Footprint, sees: _Sees) -> Iterator[Refusal]:
    """Refuse to show the writer others that it does not see: whoever owns a whole also owns its parts, which only
    owners may see.
    """
    rows = ((ref, write.before[ref], write.after[ref]) for ref in write.others)
    if any(sees(after.audience, ref) and not sees(before.audience, ref) for ref, before, after in rows):
        yield Refusal(None, _UNSEEN)


async def _entered(
    tx: WriteTransaction, write: _Footprint, sees: _Sees, restrictions: Sequence[Restriction]
) -> list[Refusal]:
    """Refuse to put something into repositories that the writer does not see: CODEOWNERS there tells who owns it."""
    entered = {
        row.repository
        for ref in write.touched & write.after.keys()
        if (row := write.after[ref]).repository and row.repository != _repository(write.before.get(ref))
    }
    found = await tx.entities(entered) if entered else {}
    seen = all(sees(_audience(found.get(ref), ref, restrictions), ref) for ref in entered)
    return [] if seen else [Refusal(None, _UNSEEN)]


async def _reserved(tx: WriteTransaction, write: _Footprint, teams: frozenset[Ref], sees: _Sees) -> list[Refusal]:
    """Refuse to claim as a former ref what others declare, or claim: once that is gone, all that names it would lead to
    what the writer owns.
    """
    claims = {
        name: ref
        for ref in sorted(write.touched & write.after.keys())
        for name in _former_refs(write.after[ref]) - _former_refs(write.before.get(ref))
    }
    if not claims:
        return []
    named = await tx.resolve(claims)
    rows = await tx.entities({*claims, *(ref for refs in named.values() for ref in refs)})
    return [
        Refusal(ref, not_yours(name)) if sees(row.audience, row.ref) else Refusal(None, _UNSEEN)
        for name, ref in claims.items()
        for holder in {name, *named.get(name, ())} - {ref}
        if (row := rows.get(holder)) and row.declared and not _is_of(teams, row)
    ]


def _former_refs(row: Entity | None) -> set[Ref]:
    return {ref for said in row.statements.values() for ref in former_refs(said)} if row else set()


def _repository(row: Entity | None) -> Ref | None:
    return row.repository if row else None


def _audience(row: Entity | None, ref: Ref, restrictions: Sequence[Restriction]) -> str:
    """Return who may see the row, or a ref that nothing is under: rules by kind or namespace hide which are taken."""
    return row.audience if row else audience_of(unresolved(ref), restrictions)


async def not_owned(
    tx: WriteTransaction, by: Attempt, refs: Sequence[Ref], restrictions: Sequence[Restriction], *, new: bool
) -> list[Refusal]:
    """Return which of the refs that a request names are declared, or owned, and not by its teams; or are neither,
    unless they may be new; or are nothing that it sees. Asked first, so that no other error tells of what somebody else
    owns.
    """
    if by.reach is not Reach.OWNED:
        return []
    teams = await _teams(tx, by.principal)
    sees = visibility_of(by.principal, teams).sees
    rows = await (declared_rows if new else stated_rows)(tx, refs)

    def is_own(ref: Ref) -> bool:
        row = rows.get(ref)
        if not sees(_audience(row, ref, restrictions), ref):
            return False
        return any(owner.ref in teams for owner in row.owners) if row and (row.declared or row.owners) else new

    return [Refusal(ref, not_yours(ref)) for ref in refs if not is_own(ref)]


async def seen_links(tx: WriteTransaction, by: Attempt, links: Mapping[LinkKey, Link]) -> Mapping[LinkKey, Link]:
    """Return the links that the writer sees, of those that start at what it sees: the others are none to it."""
    if by.reach is not Reach.OWNED:
        return links
    sees = visibility_of(by.principal, await _teams(tx, by.principal)).sees
    targets = await tx.entities({key.target for key in links})
    return {key: link for key, link in links.items() if sees(targets[key.target].audience, key.target)}


async def _teams(tx: WriteTransaction, principal: Principal) -> frozenset[Ref]:
    """Return the user, its groups, and all groups below them; also under the refs that they have joined with others."""
    named = principal.groups | ({principal.user} if principal.user else set())
    rows = await stated_rows(tx, named)
    teams = {*named, *(row.ref for row in rows.values())}
    below = teams
    while below:
        links = await tx.links_at(below, ("CHILD_OF",), Direction.IN)
        below = {link.key.source for link in links} - teams
        teams |= below
    return frozenset(teams)


def _restated(before: dict[Ref, Entity], after: dict[Ref, Entity], removed: Iterable[Ref]) -> set[Ref]:
    """Return the entities of which something else is said now, rather than of their neighbours."""
    changed = {
        ref
        for ref, row in after.items()
        if dict(row.statements) != dict(before[ref].statements if ref in before else {})
    }
    return changed | {ref for ref in removed if ref in before and before[ref].declared}


def _relinked(before: Mapping[LinkKey, Link], changes: ChangeSet) -> set[LinkKey]:
    """Return the links of which something else is said now."""
    stated = {
        link.key
        for link in changes.links
        if dict(link.statements) != dict(before[link.key].statements if link.key in before else {})
    }
    return stated | set(changes.removed_links)


def _left(before: Mapping[LinkKey, Link], changes: ChangeSet) -> set[Ref]:
    """Return what links leave that are said as before, and start at something else now."""
    starts = {
        (source, said.key): link.key.source
        for link in changes.links
        for source, statements in link.statements.items()
        for said in statements
    }
    return {
        key.source
        for key in changes.removed_links
        for source, statements in (before[key].statements.items() if key in before else ())
        for said in statements
        if starts.get((source, said.key), key.source) != key.source
    }


def _claimed(before: Mapping[LinkKey, Link], changes: ChangeSet) -> dict[Ref, set[Ref]]:
    """Owners that a source names now and did not, by what they are to own; also where another source is in force."""
    claimed: dict[Ref, set[Ref]] = {}
    for link in changes.links:
        known = before[link.key].statements.keys() if link.key in before else ()
        if link.key.relation == "OWNED_BY" and not link.statements.keys() <= set(known):
            claimed.setdefault(link.key.source, set()).add(link.key.target)
    return claimed
