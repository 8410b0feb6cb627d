"""What follows from neighbours: effective owners, systems, domains, environments, and whether an owner can answer.

Only entities whose answer can change by the edit are looked at; what they need is read level by level.
"""

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter

from graph_api.catalog.copies import altered
from graph_api.catalog.correlation import standing_in
from graph_api.catalog.entity import Entity, Owner, OwnerState
from graph_api.catalog.former_refs import former_refs
from graph_api.catalog.identifiers import normalize_identifier
from graph_api.catalog.kinds import OWNER_KINDS
from graph_api.catalog.merge import SourceOrder, stated_owners
from graph_api.catalog.ownership import (
    MAX_LEVELS,
    CodeOwnersFile,
    code_owners_of,
    inferred_owners,
    inherited_owners,
    unresolved_code_owner,
    whole_of,
)
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.relations import Direction
from graph_api.planning.neighbourhood import Neighbourhood
from graph_api.planning.peopled import peopled_of
from graph_api.planning.thread import pause

OUT, IN = Direction.OUT, Direction.IN


async def derive(around: Neighbourhood, order: SourceOrder) -> dict[Ref, Entity]:
    """New rows of everything that the edit touches or that depends on it (some may turn out to be unchanged)."""
    rows = {ref: around.row(ref) for ref in around.merged}
    sources, targets = {key.source for key in around.changed}, {key.target for key in around.changed}
    for ref in sources | (targets - around.old.keys()):
        if ref not in rows:
            rows[ref] = around.row(ref)
    await _derive_ownership(around, rows, order)
    await _derive_environments(around, rows)
    await _derive_owner_states(around, rows)
    return rows


async def _derive_ownership(around: Neighbourhood, rows: dict[Ref, Entity], order: SourceOrder) -> None:
    dirty = await _ownership_dirty(around)
    parents = await around.reach("PART_OF", OUT, dirty, MAX_LEVELS)
    owned = await around.links("OWNED_BY", OUT, parents)
    await around.load(parents)
    declared = {ref: stated_owners(ref, links, around.row(ref), order) for ref, links in owned.items() if links}
    code_owners = await _CodeOwnership.load(around, dirty)
    for ref in dirty:
        await pause(around.tx)
        whole = whole_of(ref, parents)
        parts = [part for level in whole.levels for part in level]
        owners: Iterable[Owner] = (
            declared.get(ref)
            or inherited_owners(whole, declared)
            or code_owners.infer(rows.get(ref) or around.row(ref))
            or stated_owners(ref, owned.get(ref, ()), around.row(ref), order, guessed=True)
        )
        rows[ref] = _changed(
            rows.get(ref) or around.row(ref),
            owners=tuple(owners),
            systems=tuple(sorted(part for part in parts if kind_of(part) == "system")),
            domains=tuple(sorted(part for part in parts if kind_of(part) == "domain")),
        )


async def _ownership_dirty(around: Neighbourhood) -> set[Ref]:
    changed = {source for source, _ in around.changed_ends("PART_OF", "OWNED_BY")}
    restated = {ref for ref, row in around.merged.items() if _sources_differ(row, around.old.get(ref))}
    dirty = set(await around.reach("PART_OF", IN, changed | restated, MAX_LEVELS)) | around.merged.keys()
    repositories = {ref for ref, row in around.merged.items() if _code_owners_differ(row, around.old.get(ref))}
    if repositories:
        dirty.update(await around.tx.in_repositories(repositories))
    # A new name of a group or user can turn an unresolved code owner into that group, in any repository.
    if any(_names_differ(row, around.old.get(ref)) for ref, row in around.merged.items()) or _is_named_anew(around):
        dirty.update(await around.tx.in_repositories(None))
    await around.load(dirty)
    return dirty


def _sources_differ(row: Entity, old: Entity | None) -> bool:
    return old is None or row.sources != old.sources


def _code_owners_differ(row: Entity, old: Entity | None) -> bool:
    if row.kind != "repository":
        return False
    return _code_owners_said(row) != (_code_owners_said(old) if old else [])


_code_owners_read = attrgetter(
    "code_owners",
    "code_owners_dialect",
    "code_owners_path",
    "code_owners_stale",
    "code_owners_last_seen",
    "stale",
    "last_seen",
)


def _code_owners_said(row: Entity) -> list[object]:
    return [_code_owners_read(said) for said in row.statements.values() if said.code_owners is not None]


def _names_differ(row: Entity, old: Entity | None) -> bool:
    return row.kind in OWNER_KINDS and _names(row) != (_names(old) if old else (set(), set()))


def _names(row: Entity) -> tuple[set[str], set[Ref]]:
    return set(row.identifiers), {ref for said in row.statements.values() for ref in former_refs(said)}


def _is_named_anew(around: Neighbourhood) -> bool:
    """Whether another name of a group or user is declared now and was not, or is not any more."""
    owners = {ref: row for ref, row in around.merged.items() if row.kind in OWNER_KINDS}
    turned = {ref for ref, row in owners.items() if row.declared != (ref in around.old and around.old[ref].declared)}
    return any(not turned.isdisjoint(row.identifiers) for row in owners.values()) if turned else False


class _CodeOwnership:
    """Code owners of the repositories that some entities lie in, with their handles resolved."""

    def __init__(
        self, files: Mapping[Ref, CodeOwnersFile], names: Mapping[str, Collection[Ref]], places: Mapping[Ref, Ref]
    ) -> None:
        """`places`: where the refs stand that handles make which name nothing."""
        self._files = files
        self._names = names
        self._places = places

    @classmethod
    async def load(cls, around: Neighbourhood, refs: Collection[Ref]) -> "_CodeOwnership":
        rows = [around.row(ref) for ref in refs]
        repositories = {row.repository for row in rows if row.repository}
        repositories.update(row.ref for row in rows if row.kind == "repository")
        await around.load(repositories)
        found = ((ref, code_owners_of(around.row(ref))) for ref in repositories)
        files = {ref: file for ref, file in found if file}
        texts = {text for file in files.values() for rule in file.rules.rules for text in rule.owners}
        refs_of_texts = set(filter(None, map(unresolved_code_owner, texts)))
        names = await _resolve(around, {*map(normalize_identifier, texts), *refs_of_texts})
        return cls(files, names, await _places(around, {ref: names[ref] for ref in refs_of_texts if names[ref]}))

    def infer(self, row: Entity) -> list[Owner]:
        repository, folder = (row.ref, "") if row.kind == "repository" else (row.repository, row.folder)
        file = self._files.get(repository) if repository else None
        return inferred_owners(row.ref, folder or "", file, self._owner) if file else []

    def _owner(self, text: str) -> Ref | None:
        refs = [ref for ref in self._names.get(normalize_identifier(text), ()) if kind_of(ref) in OWNER_KINDS]
        ref = unresolved_code_owner(text)
        return refs[0] if len(refs) == 1 else self._places.get(ref) if ref else None


async def _places(around: Neighbourhood, named: Mapping[Ref, Collection[Ref]]) -> dict[Ref, Ref]:
    """Return where refs stand that have no row of their own after the edit; `named` has the rows with such a name."""
    places = {place for places in named.values() for place in places}
    await around.load({*named, *places})
    others: dict[str, Collection[Ref]] = {ref: found for ref, found in named.items() if not around.row(ref).declared}
    return {ref: row.ref for ref, row in standing_in(others, {ref: around.row(ref) for ref in places}).items()}


async def _resolve(around: Neighbourhood, names: Collection[str]) -> dict[str, set[Ref]]:
    """Return the entities by identifier as they are after the edit."""
    if not names:
        return {}
    stored = await around.tx.resolve(names)
    found = {name: {ref for ref in stored.get(name, ()) if ref not in around.merged} for name in names}
    for ref, row in around.merged.items():
        if row.kind in OWNER_KINDS:
            for name in row.identifiers:
                if name in found:
                    found[name].add(ref)
    return found


async def _derive_environments(around: Neighbourhood, rows: dict[Ref, Entity]) -> None:
    changed = {source for source, _ in around.changed_ends("DEPLOYED_TO")}
    targets = await around.ends("DEPLOYED_TO", OUT, changed)
    for ref in changed:
        rows[ref] = _changed(rows[ref], environments=tuple(sorted(set(targets[ref]))))


async def _derive_owner_states(around: Neighbourhood, rows: dict[Ref, Entity]) -> None:
    users = [ref for ref in around.merged if kind_of(ref) == "user"]
    groups = await _state_dirty(around, rows, users)
    await around.load(groups)
    peopled = await peopled_of(around, groups, users)
    for ref in {ref for ref in groups.keys() | rows.keys() if kind_of(ref) in OWNER_KINDS}:
        row = rows.get(ref) or around.row(ref)
        rows[ref] = _changed(row, owner_state=_owner_state(row, kind_of(ref) == "user" or ref in peopled))


def _changed(row: Entity, **derived: object) -> Entity:
    """Return the row with these values; the row itself where it has them already, as most have."""
    return row if all(getattr(row, name) == value for name, value in derived.items()) else altered(row, **derived)


async def _state_dirty(
    around: Neighbourhood, rows: Mapping[Ref, Entity], users: Collection[Ref]
) -> dict[Ref, list[Ref]]:
    """Return the groups whose state may change, with their parents; and what stands between them, whatever it is."""
    groups = {end for ends in around.changed_ends("MEMBER_OF", "CHILD_OF") for end in ends}
    groups.update(ref for ref in rows if kind_of(ref) == "group")
    teams = await around.ends("MEMBER_OF", OUT, users)
    groups.update(team for found in teams.values() for team in found)
    return await around.reach("CHILD_OF", OUT, {ref for ref in groups if kind_of(ref) != "user"})


def _owner_state(row: Entity, peopled: bool) -> OwnerState:
    if not row.declared:
        return OwnerState.UNRESOLVED
    if not row.active:
        return OwnerState.INACTIVE
    return OwnerState.ACTIVE if peopled else OwnerState.EMPTY
