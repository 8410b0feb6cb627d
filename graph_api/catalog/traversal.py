"""One input for dependencies, dependents and impact, and the answer that says how far, through what and how hard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.filters import ALL, Filter, LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import IMPACT_RELATIONS, Direction

MAX_DEPTH = 50
DEFAULT_BUDGET = 100_000
MAX_BUDGET = 1_000_000


class Severity(StrEnum):
    """DOWN: some walk has only HARD links. DEGRADED: every walk crosses a SOFT one."""

    DOWN = "DOWN"
    DEGRADED = "DEGRADED"

    @classmethod
    def of(cls, *, hard: bool) -> "Severity":
        """Return how hard it is hit. `hard`: whether some walk has only HARD links."""
        return cls.DOWN if hard else cls.DEGRADED


class IncompleteReason(StrEnum):
    BUDGET = "BUDGET"
    DEPTH = "DEPTH"
    UNRESOLVED = "UNRESOLVED"
    HIDDEN = "HIDDEN"
    """The reader does not see everything, whether or not that mattered here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traversal:
    """Where to walk. Direction OUT follows the arrows (dependencies), IN runs against them (dependents, impact).

    `start` is canonical, without duplicates, sorted; every ref exists. `max_depth` None means no limit.
    `budget` counts reached entities in the order (distance, ref), before `keep`.
    """

    start: tuple[Ref, ...]
    direction: Direction
    relations: tuple[str, ...] = IMPACT_RELATIONS
    max_depth: int | None = None
    link_where: LinkFilter | None = None
    through: Filter = ALL
    keep: Filter = ALL
    budget: int = DEFAULT_BUDGET


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order (distance, ref), exclusive."""

    distance: int
    ref: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRequest:
    """What of the answer is wanted: nothing that is not asked for is computed.

    `after` / `before` bound the page, `limit` its size; `backward` takes the last ones. `facets` names fields
    of FACET_FIELDS. `severity` also gives each hit's severity and the `severities` counts.
    """

    traversal: Traversal
    limit: int = 0
    after: Position | None = None
    before: Position | None = None
    backward: bool = False
    total: bool = False
    severity: bool = False
    facets: tuple[str, ...] = ()
    completeness: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    entity: Entity
    distance: int
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Completeness:
    """`unexplored`: reached entities not expanded because of depth or budget that have a link leading further."""

    reasons: tuple[IncompleteReason, ...]
    unexplored: int

    @classmethod
    def of(cls, *, cut: bool, deep: bool, unresolved: bool, hidden: bool, unexplored: int) -> "Completeness":
        """Return how complete an answer is. `cut` by the budget; `deep`: some hit that leads further is at the greatest
        depth.
        """
        holds = {
            IncompleteReason.BUDGET: cut,
            IncompleteReason.DEPTH: deep,
            IncompleteReason.UNRESOLVED: unresolved,
            IncompleteReason.HIDDEN: hidden,
        }
        return cls(tuple(reason for reason in IncompleteReason if holds[reason]), unexplored)

    @property
    def complete(self) -> bool:
        return not self.reasons


@dataclass(slots=True)  # one answer makes thousands, and frozen ones take three times as long to make
class Bucket:
    """How many entities have `value`; None is a bucket of its own."""

    value: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """Counts of one field, largest first, then by value with null last. In a multi-valued one an entity counts in
    each of its buckets."""

    field: str
    buckets: tuple[Bucket, ...]
    multi_valued: bool


FACET_FIELDS: dict[str, bool] = {
    "owner": True,
    "system": True,
    "domain": True,
    "environment": True,
    "tags": True,
    "source": True,
    "kind": False,
    "type": False,
    "tier": False,
    "lifecycle": False,
    "namespace": False,
    "severity": False,
}
"""Fields that can be counted, and whether an entity can have several values. `severity` only in walks."""


def facet_of(field: str, counts: Mapping[str | None, int]) -> Facet:
    values: list[str | None] = []
    values.extend(sorted(value for value in counts if value is not None))
    if None in counts:
        values.append(None)
    values.sort(key=counts.__getitem__, reverse=True)
    return Facet(field, tuple(map(Bucket, values, map(counts.__getitem__, values))), FACET_FIELDS[field])


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkAnswer:
    """`more_before` / `more_after` tell whether hits (after keep) lie beyond the page on either side."""

    revision: int
    hits: Sequence[Hit] = ()
    more_before: bool = False
    more_after: bool = False
    total: int | None = None
    facets: Mapping[str, Facet] = field(default_factory=dict)
    completeness: Completeness | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Parallel links between a pair are one step. Walking IN, each link points from `to` to `from_`."""

    from_: Ref
    to: Ref
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A path from a start to a hit, both included."""

    refs: tuple[Ref, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Paths:
    paths: tuple[Path, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """A strongly connected component, its members by ref, and one shortest cycle through it, the first repeated
    at the end. `path` starts at the smallest ref that lies on a shortest cycle."""

    members: tuple[Ref, ...]
    path: tuple[Ref, ...]
