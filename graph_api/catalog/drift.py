"""Drift: where what is written down differs from what is seen to happen, or from what somebody else wrote down.

Needs are compared between two entities, whatever relation says it, since tools that see a call do not know whether a
descriptor calls it `dependsOn` or `consumesApis`: a declared need of an API is also one of what provides the API. A
link without an environment stands for all of them. Links that are only inferred are neither declared nor observed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from graph_api.catalog.entity import Entity, Link, LinkOrigin
from graph_api.catalog.filters import And, Compare, Filter, Op
from graph_api.catalog.merge import DEFAULT_ROLE, role_of
from graph_api.catalog.ref import Ref

NEEDS = ("CONSUMES_API", "DEPENDS_ON", "READS_FROM", "WRITTEN_BY")
"""Relations that tools observe and people declare; what only scanners tell of, such as packages, is no drift."""
EXPECTED = ("CONSUMES_API", "DEPENDS_ON", "READS_FROM")
"""Relations that show at run time where an entity is watched."""


class DriftKind(StrEnum):
    """The kinds of drift, in the order of findings."""

    UNDECLARED = "UNDECLARED"
    """A need that is observed between two declared entities, and that nobody declares; not of what only observers
    know.
    """
    UNOBSERVED = "UNOBSERVED"
    """A declared need that was not observed of late, of an entity at an end of some observed need."""
    OWNERS = "OWNERS"
    """An entity whose sources name different owners for one role."""


class DriftPlace(NamedTuple):
    """Where a finding stands in the order of all. `environment` is empty for none; OWNERS have only a `source`."""

    kind: DriftKind
    source: Ref
    relation: str = ""
    target: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftQuestion:
    """`filter` looks at the entity where a link starts. Observations before `since` are too old to count, those
    without a time never are. `declaring`: the sources of which one must state the entity that has an UNDECLARED need;
    what only observers know has no place where it could be declared. None for all.
    """

    kinds: frozenset[DriftKind]
    filter: Filter
    since: str
    declaring: tuple[str, ...] | None = None

    def filter_of(self, kind: DriftKind) -> Filter:
        """Return the filter of findings of this kind."""
        if kind is not DriftKind.UNDECLARED or self.declaring is None:
            return self.filter
        return And((self.filter, Compare("source", Op.IN, self.declaring)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
    """`entity` is where the link starts; `links` are that one, or the OWNED_BY links of the disputed roles in the order
    of their keys.
    """

    kind: DriftKind
    entity: Entity
    links: tuple[Link, ...]

    @property
    def place(self) -> DriftPlace:
        if self.kind is DriftKind.OWNERS:
            return DriftPlace(self.kind, self.entity.ref)
        source, relation, target, environment = self.links[0].key
        return DriftPlace(self.kind, source, relation, target, environment or "")


def disputed(owned_by: Iterable[Link]) -> list[Link]:
    """Return those of an entity's OWNED_BY links that name the owners of a role about which its sources disagree: of
    those that name any for it, not each names all. Who is on call beside the team that owns it is no other opinion.
    """
    by_role: dict[str, list[Link]] = {}
    for link in owned_by:
        # A guess, such as that of a permission, is one of who owns it.
        role = DEFAULT_ROLE if link.origin is LinkOrigin.INFERRED else role_of(link.properties)
        by_role.setdefault(role, []).append(link)
    return [link for links in by_role.values() if _differ(links) for link in links]


def _differ(links: Iterable[Link]) -> bool:
    named: dict[str, set[Ref]] = {}
    for link in links:
        for source in link.statements:
            named.setdefault(source, set()).add(link.key.target)
    return len(set(map(frozenset, named.values()))) > 1


def owners_order(link: Link) -> tuple[str, str]:
    """Return what the OWNED_BY links of one entity are sorted by."""
    return link.key.target, link.key.environment or ""


def kinds_from(question: DriftQuestion, after: DriftPlace | None) -> list[DriftKind]:
    """Return the kinds that can still have findings, in order."""
    kinds = [kind for kind in DriftKind if kind in question.kinds]
    order = list(DriftKind)
    return [kind for kind in kinds if after is None or order.index(kind) >= order.index(after.kind)]
