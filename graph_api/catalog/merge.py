"""From what the sources state to what the catalog says: the highest-priority source first, the others fill gaps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeVar

from graph_api.catalog.audience import BUILT_IN, Restriction
from graph_api.catalog.correlation import NO_RULES, Rules
from graph_api.catalog.entity import (
    Criticality,
    Entity,
    EntityStatement,
    Evidence,
    Link,
    LinkKey,
    LinkOrigin,
    LinkStatement,
    Owner,
    OwnerHow,
)
from graph_api.catalog.filters import property_text
from graph_api.catalog.ref import Ref, split_ref
from graph_api.catalog.times import utc_time

DEFAULT_ROLE = "OWNER"

API_SOURCE = "api"
"""Editors write for this source and those named `api:...`: no connector is kept out by what they write."""
API_CONNECTOR = "api"
"""The connector of what is written through the API, whatever source it speaks for."""
DESCRIPTORS = "files"
"""The connector of descriptors."""

T = TypeVar("T")


class _Tier(IntEnum):
    DECLARING = 0
    OBSERVING = 1
    NAMING = 2
    UNASKED = 3


class Priority(NamedTuple):
    """What sources are sorted by."""

    tier: _Tier
    place: int
    """Among the names of the order; after all of them for others."""
    is_tool: bool
    """Whether a connector reads it that reads no descriptors."""
    source: str


@dataclass(frozen=True, slots=True)
class SourceOrder:
    """The order of priority: the sources with these names, then descriptors, then what else declares; ties by name.
    What only observes comes after all that declares, also where names put it first, since it knows things by what they
    do alone; then those that only name the thing; and the API's sources last, unless names have them.

    A name stands also for the sources that other connectors read beside it, as `files` for `kubernetes:files`; but not
    for `api:files`, which any editor may write for.
    """

    names: tuple[str, ...] = ()
    rules: Rules = NO_RULES
    """What else the operator says of sources: which of their things are one."""
    observing: frozenset[str] = frozenset()
    """Connectors that see rather than are told."""
    restrictions: tuple[Restriction, ...] = BUILT_IN
    """Who may see what; the first that matches an entity decides."""

    def __call__(self, source: str) -> Priority:
        """Return the source's place, smallest first."""
        connector, _, name = source.partition(":")
        texts = (source,) if connector == API_SOURCE else (source, name)
        place = next((self.names.index(text) for text in texts if text in self.names), len(self.names))
        tier = _Tier.OBSERVING if connector in self.observing else _Tier.DECLARING
        if connector == API_SOURCE and place == len(self.names):
            tier = _Tier.UNASKED
        return Priority(tier, place, connector not in (DESCRIPTORS, API_SOURCE, source), source)

    def of_statement(self, source: str, statement: EntityStatement) -> Priority:
        """Return the source's place for what it says of one entity."""
        priority = self(source)
        is_tool = priority.tier is _Tier.OBSERVING or priority.is_tool
        return priority._replace(tier=_Tier.NAMING) if is_tool and _only_names(statement) else priority

    @property
    def memory(self) -> tuple[str, ...]:
        """All of it as texts, for a store to remember."""
        return (*self.names, *self.rules.texts, *(rule.text for rule in self.restrictions))


def _only_names(statement: EntityStatement) -> bool:
    """Whether it tells nothing but names, as a manifest names an image, of which a scanner tells more."""
    told = (statement.spec, statement.title, statement.description, statement.lifecycle, statement.tags)
    more = (statement.labels, statement.annotations, statement.links, statement.code_owners)
    return not any((*told, *more)) and statement.tier is None and statement.active


def merge_entity(ref: Ref, statements: Mapping[str, EntityStatement]) -> Entity:
    """The entity that these statements (source -> statement, by priority, at least one) declare.

    Derived fields (owners, systems, ...) keep their defaults.
    """
    said = list(statements.values())
    first = said[0]
    kind, namespace, _ = split_ref(ref)
    return Entity(
        ref=ref,
        name=next((statement.name for statement in said if statement.ref == ref), first.name),
        kind=kind,
        namespace=namespace,
        declared=True,
        type=first.type or _first([statement.type for statement in said if _only_names(statement)]),
        title=first.title,
        description=first.description,
        lifecycle=first.lifecycle,
        tier=first.tier,
        active=first.active,
        tags=first.tags,
        labels=_fill([statement.labels for statement in said]),
        annotations=_fill([statement.annotations for statement in said]),
        identifiers=_identifiers(ref, said),
        repository=_first([statement.repository for statement in said]),
        folder=_first([statement.folder for statement in said]),
        statements=statements,
    )


def _identifiers(ref: Ref, said: Sequence[EntityStatement]) -> tuple[str, ...]:
    """Return the identifiers, with the refs that it has in other sources."""
    names = {name for statement in said for name in statement.identifiers}
    names.update(statement.ref for statement in said if statement.ref != ref)
    return tuple(sorted(names))


def merge_link(key: LinkKey, statements: Mapping[str, tuple[LinkStatement, ...]], revision: int = 0) -> Link:
    """The link that these statements (by priority, at least one) make; unset is HARD with confidence 1."""
    said = [row for rows in statements.values() for row in rows]
    confidence = _first([statement.confidence for statement in said])
    return Link(
        key=key,
        criticality=_first([statement.criticality for statement in said]) or Criticality.HARD,
        confidence=1.0 if confidence is None else confidence,
        properties=_fill([statement.properties for statement in said]),
        origins=_origins(said),
        observed_at=_observed_at(said),
        statements=statements,
        revision=revision,
    )


def _observed_at(said: Sequence[LinkStatement]) -> str | None:
    times = [statement.observed_at for statement in said if statement.observed_at]
    return max(filter(None, map(utc_time, times)), default=None) if times else None


def _origins(said: Sequence[LinkStatement]) -> tuple[LinkOrigin, ...]:
    if len(said) == 1:
        return (said[0].origin,)
    stated = {statement.origin for statement in said}
    return tuple(origin for origin in LinkOrigin if origin in stated)


def stated_owners(
    ref: Ref, links: Sequence[Link], entity: Entity, order: SourceOrder, *, guessed: bool = False
) -> list[Owner]:
    """Owners out of the entity's OWNED_BY links: those of the declaring source, else of the first source that states
    any. Sorted by ref; one of them is primary. `guessed`: of those that only follow from something, such as a
    permission, instead of the others.
    """
    said = _owners_said(links, guessed=guessed)
    if not said:
        return []
    source = min(said, key=lambda name: _priority(name, entity, order))
    rows = [(target, _fill([row.properties for row in told]), told[0]) for target, told in sorted(said[source].items())]
    flagged = next((target for target, properties, _ in rows if properties.get("primary") is True), rows[0][0])
    return [
        Owner(
            ref=target,
            role=role_of(properties),
            primary=target == flagged,
            how=OwnerHow.INFERRED if guessed else OwnerHow.DECLARED,
            through=(ref,),
            evidence=(evidence_of(source, statement),),
        )
        for target, properties, statement in rows
    ]


def role_of(properties: Mapping[str, object]) -> str:
    """Return the role of an owner, of the properties of its link."""
    return property_text(properties.get("role")) or DEFAULT_ROLE


def sources_of_owners(entity: Entity, links: Sequence[Link], order: SourceOrder) -> list[str]:
    """Return the sources of the entity's OWNED_BY links, the one in force first."""
    firm = _owners_said(links, guessed=False)
    sources = {source for link in links for source in link.statements}
    return sorted(sources, key=lambda name: (name not in firm, *_priority(name, entity, order)))


def _owners_said(links: Iterable[Link], *, guessed: bool) -> dict[str, dict[Ref, tuple[LinkStatement, ...]]]:
    """Statements by source and owner. Links that differ only in their environment name one owner."""
    said: dict[str, dict[Ref, tuple[LinkStatement, ...]]] = {}
    for link in links:
        for source, rows in link.statements.items():
            if all(row.origin is LinkOrigin.INFERRED for row in rows) is guessed:
                said.setdefault(source, {})[link.key.target] = rows
    return said


def _priority(source: str, entity: Entity, order: SourceOrder) -> tuple[bool, Priority]:
    """Return what sources are sorted by: the declaring source comes first."""
    return source != next(iter(entity.statements), None), order(source)


def evidence_of(source: str, statement: EntityStatement | LinkStatement) -> Evidence:
    return Evidence(
        source=source,
        location=statement.location,
        first_seen=statement.first_seen or "",
        last_seen=statement.last_seen,
        stale=statement.stale,
    )


def _fill(maps: Sequence[Mapping[str, T]]) -> Mapping[str, T]:
    if len(maps) == 1:
        return maps[0]
    return {key: value for values in reversed(maps) for key, value in values.items()}


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
