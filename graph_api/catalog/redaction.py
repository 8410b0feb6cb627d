"""What an entity says of others, and what is left of it for a reader who does not see all of them."""

from collections.abc import Iterator, Set
from dataclasses import replace

from graph_api.catalog.entity import Entity, Owner
from graph_api.catalog.ref import Ref

NAMED_KINDS = ("domain", "environment", "group", "repository", "system", "user")
NAMED_BY = ("DEPLOYED_TO", "OWNED_BY", "PART_OF")
"""All that refs_in() may give is of these kinds, or one of these links leads to it."""


def refs_in(entity: Entity) -> Iterator[Ref]:
    """Entities that it names beside itself, some of them twice; not those in its raw spec."""
    for owner in entity.owners:
        yield owner.ref
        yield from owner.through
    yield from entity.systems
    yield from entity.domains
    yield from entity.environments
    if entity.repository:
        yield entity.repository


def without(entity: Entity, hidden: Set[Ref]) -> Entity:
    """Return the entity as if it did not know of these. What it has through them stays, without telling so."""
    if hidden.isdisjoint(refs_in(entity)):
        return entity
    return replace(
        entity,
        owners=tuple(_owner(owner, hidden) for owner in entity.owners if owner.ref not in hidden),
        systems=_seen(entity.systems, hidden),
        domains=_seen(entity.domains, hidden),
        environments=_seen(entity.environments, hidden),
        repository=None if entity.repository in hidden else entity.repository,
    )


def _seen(refs: tuple[Ref, ...], hidden: Set[Ref]) -> tuple[Ref, ...]:
    return tuple(ref for ref in refs if ref not in hidden)


def _owner(owner: Owner, hidden: Set[Ref]) -> Owner:
    through = _seen(owner.through, hidden)
    # The evidence is in the documents of those that it goes through.
    return owner if through == owner.through else replace(owner, through=through, evidence=())
