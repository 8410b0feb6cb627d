"""Who may do what: one table for every root field of the schema, and `sync`. What is not in it nobody may do."""

from collections.abc import Mapping
from dataclasses import dataclass

from graph_api.access.principal import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    roles: frozenset[Role]
    """Roles that may ask it about everything that they may see."""
    own_source: bool = False
    """Whether an ingestor may too, about the source that it is bound to."""
    owned: bool = False
    """Whether an editor may too, of what its teams own."""


UNFILTERED = frozenset({Role.ADMIN, Role.SECURITY, Role.AUDITOR})
"""Roles that see all entities."""

_ANYBODY = Rule(roles=frozenset(Role))
_OF_SOURCES = Rule(roles=UNFILTERED, own_source=True)
_WRITE = Rule(roles=frozenset({Role.ADMIN}), own_source=True, owned=True)

RULES: Mapping[str, Rule] = {
    "Query.viewer": _ANYBODY,
    "Query.node": _ANYBODY,
    "Query.nodes": _ANYBODY,
    "Query.entity": _ANYBODY,
    "Query.entities": _ANYBODY,
    "Query.services": _ANYBODY,
    "Query.applications": _ANYBODY,
    "Query.libraries": _ANYBODY,
    "Query.apis": _ANYBODY,
    "Query.pipelines": _ANYBODY,
    "Query.datasets": _ANYBODY,
    "Query.resources": _ANYBODY,
    "Query.environments": _ANYBODY,
    "Query.systems": _ANYBODY,
    "Query.domains": _ANYBODY,
    "Query.groups": _ANYBODY,
    "Query.users": _ANYBODY,
    "Query.repositories": _ANYBODY,
    "Query.unresolvedRefs": _ANYBODY,
    "Query.resolve": _ANYBODY,
    "Query.why": _ANYBODY,
    "Query.search": _ANYBODY,
    "Query.facets": _ANYBODY,
    "Query.owned": _ANYBODY,
    "Query.ownershipGaps": _ANYBODY,
    "Query.ownershipCoverage": _ANYBODY,
    "Query.dependencies": _ANYBODY,
    "Query.dependents": _ANYBODY,
    "Query.impact": _ANYBODY,
    "Query.paths": _ANYBODY,
    "Query.cycles": _ANYBODY,
    "Query.drift": _ANYBODY,
    "Query.changes": _ANYBODY,
    "Subscription.changes": _ANYBODY,
    "Query.catalogSchema": _ANYBODY,
    "Query.sources": _OF_SOURCES,
    "Query.syncs": _OF_SOURCES,
    "Query.problems": _OF_SOURCES,
    "Query.auditLog": Rule(roles=frozenset({Role.ADMIN, Role.AUDITOR})),
    "Mutation.putEntities": _WRITE,
    "Mutation.removeEntities": _WRITE,
    "Mutation.putLinks": _WRITE,
    "Mutation.removeLinks": _WRITE,
    "Mutation.applySnapshot": _WRITE,
    # A sync is held so that a person looks at it: not whoever sent it.
    "Mutation.confirmSync": Rule(roles=frozenset({Role.ADMIN}), owned=True),
    "sync": Rule(roles=frozenset({Role.ADMIN}), own_source=True),
}
