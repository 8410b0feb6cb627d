"""Effective ownership: declared owners, else the nearest owned level of PART_OF parents, else CODEOWNERS.

Pure: callers hand over the neighbourhood that the rules look at.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from graph_api.catalog.codeowners import CodeOwners, Dialect, parsed
from graph_api.catalog.entity import Entity, EntityStatement, Evidence, Owner, OwnerHow
from graph_api.catalog.ref import MAX_PART, BadRefError, Ref, make_ref

CODE_OWNER_ROLE = "CODE_OWNER"
MAX_LEVELS = 50
"""Levels of PART_OF parents, as many as a walk takes: each entity of a chain holds what is above it."""


@dataclass(frozen=True, slots=True)
class CodeOwnersFile:
    """A repository's parsed CODEOWNERS with the evidence of the statement that holds it."""

    repository: Ref
    rules: CodeOwners
    source: str
    statement: EntityStatement


def code_owners_of(repository: Entity) -> CodeOwnersFile | None:
    """Return the CODEOWNERS of the highest-priority source that has one."""
    for source, statement in repository.statements.items():
        if statement.code_owners is not None:
            dialect = Dialect(statement.code_owners_dialect or Dialect.GITHUB)
            rules = parsed(statement.code_owners, dialect)
            return CodeOwnersFile(repository.ref, rules, source, statement)
    return None


@dataclass(frozen=True, slots=True)
class Whole:
    """What an entity is part of, up to MAX_LEVELS away. Each level is in the order of the chains from the entity."""

    levels: list[list[Ref]]
    below: Mapping[Ref, Ref]
    """From where the smallest chain by refs comes to each."""

    def chain(self, ref: Ref) -> tuple[Ref, ...]:
        """Return the chain from the entity to one of its levels."""
        chain = [ref]
        while (before := self.below.get(chain[-1])) is not None:
            chain.append(before)
        return tuple(reversed(chain))


def whole_of(ref: Ref, parents: Mapping[Ref, Collection[Ref]]) -> Whole:
    """Return the PART_OF ancestors level by level."""
    seen, level = {ref}, [ref]
    below: dict[Ref, Ref] = {}
    levels: list[list[Ref]] = []
    while level and len(levels) < MAX_LEVELS:
        above = []
        # The chains of a level are in order, so that the first one which reaches a parent is the smallest.
        for part in level:
            for parent in sorted(parents.get(part, ())):
                if parent not in seen:
                    seen.add(parent)
                    below[parent] = part
                    above.append(parent)
        level = above
        if level:
            levels.append(level)
    return Whole(levels, below)


def inherited_owners(whole: Whole, declared: Mapping[Ref, Sequence[Owner]]) -> list[Owner]:
    """All owners of the nearest level at which something has owners, ordered by ref, each owner once."""
    for level in whole.levels:
        found: dict[Ref, Owner] = {}
        for part in level:
            for owner in declared.get(part, ()):
                if owner.ref not in found:
                    found[owner.ref] = _owner(owner, OwnerHow.INHERITED, whole.chain(part))
        if found:
            return [found[ref] for ref in sorted(found)]
    return []


def _owner(owner: Owner, how: OwnerHow, through: tuple[Ref, ...]) -> Owner:
    return Owner(
        ref=owner.ref, role=owner.role, primary=owner.primary, how=how, through=through, evidence=owner.evidence
    )


def inferred_owners(ref: Ref, folder: str, file: CodeOwnersFile, resolve: Callable[[str], Ref | None]) -> list[Owner]:
    """Code owners of the things in `folder`, ordered by ref; `resolve` finds the entity of a handle or e-mail."""
    found: dict[Ref, Evidence] = {}
    for match in file.rules.owners(f"{folder}/" if folder else ""):
        for text in match.owners:
            owner = resolve(text) or unresolved_code_owner(text)
            if owner and owner not in found:
                found[owner] = _rule_evidence(file, match.rule.line)
    through = (ref, file.repository) if ref != file.repository else (ref,)
    return [
        Owner(
            ref=owner,
            role=CODE_OWNER_ROLE,
            primary=len(found) == 1,
            how=OwnerHow.INFERRED,
            through=through,
            evidence=(found[owner],),
        )
        for owner in sorted(found)
    ]


def _rule_evidence(file: CodeOwnersFile, line: int) -> Evidence:
    statement = file.statement
    return Evidence(
        source=file.source,
        location=f"{statement.code_owners_path}:{line}",
        first_seen=statement.first_seen or "",
        last_seen=statement.code_owners_last_seen or statement.last_seen,
        stale=statement.code_owners_stale or statement.stale,
    )


def unresolved_code_owner(text: str) -> Ref | None:
    """The ref that stands for a code owner nobody declares; None for GitLab roles (`@@developer`), which name nobody.

    `@org/team` is group:org/team (nested groups join with `-`), `@user` and e-mails are users.
    """
    handle = text.removeprefix("@")
    if not handle or handle.startswith("@"):
        return None
    if text.startswith("@") and "/" in handle:
        namespace, _, name = handle.rpartition("/")
        return _lenient_ref("group", namespace, name)
    return _lenient_ref("user", "default", handle)


def _lenient_ref(kind: str, namespace: str, name: str) -> Ref | None:
    try:
        return make_ref(kind, _clean(namespace, r"[^A-Za-z0-9]+"), _clean(name, r"[^A-Za-z0-9._-]+"))
    except BadRefError:
        return None


def _clean(text: str, foreign: str) -> str:
    return re.sub(foreign, "-", text).strip("-._")[:MAX_PART].rstrip("-._")
