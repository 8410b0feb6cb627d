"""The relation table: one row a relation, stored from the dependent to what it needs (the arrow rule).

Structural relations carry no impact: a system is not hit because one of its components is.
"""

from dataclasses import dataclass
from enum import StrEnum

from graph_api.catalog.kinds import KINDS


class Direction(StrEnum):
    """Along the stored arrow (what an entity needs) or against it (what needs it)."""

    OUT = "OUT"
    IN = "IN"


@dataclass(frozen=True, slots=True)
class Spelling:
    """A descriptor field that states a relation, seen from the entity that carries the field."""

    field: str
    direction: Direction
    default_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    name: str
    inverse: str
    impact: bool
    sources: frozenset[str]
    """Kinds allowed where the arrow starts; empty means any."""
    targets: frozenset[str]
    """Kinds allowed where the arrow ends; empty means any."""
    description: str
    spellings: tuple[Spelling, ...]

    def allows(self, source_kind: str, target_kind: str) -> bool:
        return _fits(source_kind, self.sources) and _fits(target_kind, self.targets)


def _fits(kind: str, allowed: frozenset[str]) -> bool:
    if not allowed or kind in allowed:
        return True
    registered = KINDS.get(kind)
    return registered is not None and registered.like is not None and registered.like.lower() in allowed


def _row(name: str, inverse: str, ends: str, description: str, *spellings: Spelling, impact: bool = True) -> Relation:
    sources, _, targets = ends.partition(" -> ")
    return Relation(name, inverse, impact, _kinds(sources), _kinds(targets), description, spellings)


def _kinds(text: str) -> frozenset[str]:
    return frozenset() if text == "any" else frozenset(text.split("|"))


_OUT, _IN = Direction.OUT, Direction.IN

_RELATIONS = (
    _row("DEPENDS_ON", "DEPENDENCY_OF", "any -> any", "Needs the other to work.",
         Spelling("dependsOn", _OUT), Spelling("dependencyOf", _IN)),
    _row("CONSUMES_API", "API_CONSUMED_BY", "component|pipeline|api -> api", "Calls an interface.",
         Spelling("consumesApis", _OUT, "api"), Spelling("apiConsumedBy", _IN, "component")),
    _row("PROVIDED_BY", "PROVIDES_API", "api -> component|resource|pipeline", "An interface that another serves.",
         Spelling("apiProvidedBy", _OUT, "component"), Spelling("providesApis", _IN, "api")),
    _row("READS_FROM", "READ_BY", "any -> dataset|resource", "Reads data.",
         Spelling("readsFrom", _OUT, "dataset"), Spelling("readBy", _IN, "pipeline")),
    _row("WRITTEN_BY", "WRITES_TO", "dataset|resource -> any", "Data that another entity produces.",
         Spelling("writtenBy", _OUT, "pipeline"), Spelling("writesTo", _IN, "dataset")),
    _row("RUNS_ON", "RUNS", "any -> resource|environment|component", "Executes on compute or a platform.",
         Spelling("runsOn", _OUT, "resource"), Spelling("runs", _IN, "component")),
    _row("DEPLOYED_TO", "HAS_DEPLOYED", "any -> environment", "Is deployed to an environment.",
         Spelling("deployedTo", _OUT, "environment"), Spelling("hasDeployed", _IN, "component")),
    _row("BUILT_FROM", "BUILDS", "any -> repository", "Is built from a repository.",
         Spelling("builtFrom", _OUT, "repository"), Spelling("builds", _IN, "component")),
    _row("RUNS_IMAGE", "IMAGE_OF", "any -> resource", "Executes a container image.",
         Spelling("runsImage", _OUT, "resource"), Spelling("imageOf", _IN, "component")),
    _row("CONTAINS", "CONTAINED_IN", "any -> package", "Is built with a third-party package.",
         Spelling("contains", _OUT, "package"), Spelling("containedIn", _IN, "component")),
    _row("AFFECTED_BY", "AFFECTS", "any -> vulnerability", "Has a known weakness.",
         Spelling("affectedBy", _OUT, "vulnerability"), Spelling("affects", _IN, "package")),
    _row("OWNED_BY", "OWNER_OF", "any -> group|user", "Is accounted for by a group or user.",
         Spelling("owner", _OUT, "group"), Spelling("owners", _OUT, "group"), Spelling("ownerOf", _IN), impact=False),
    _row("PART_OF", "HAS_PART", "any -> system|domain|component|resource|api|pipeline", "Belongs to a larger whole.",
         Spelling("system", _OUT, "system"), Spelling("domain", _OUT, "domain"),
         Spelling("subcomponentOf", _OUT, "component"), Spelling("subdomainOf", _OUT, "domain"),
         Spelling("partOf", _OUT), Spelling("hasPart", _IN), impact=False),
    _row("DESCRIBES", "DESCRIBED_BY", "document|ticket|metric|vulnerability -> any", "Is about another entity.",
         Spelling("describes", _OUT), Spelling("describedBy", _IN, "document"), impact=False),
    _row("CHILD_OF", "PARENT_OF", "group -> group", "Is a group below another group.",
         Spelling("parent", _OUT, "group"), Spelling("children", _IN, "group"), impact=False),
    _row("MEMBER_OF", "HAS_MEMBER", "user -> group", "Is a person in a group.",
         Spelling("memberOf", _OUT, "group"), Spelling("members", _IN, "user"), impact=False),
)  # fmt: skip  # one relation a paragraph reads as the table that it is

RELATIONS: dict[str, Relation] = {relation.name: relation for relation in _RELATIONS}
IMPACT_RELATIONS: tuple[str, ...] = tuple(relation.name for relation in _RELATIONS if relation.impact)
SPELLINGS: dict[str, tuple[Relation, Spelling]] = {
    spelling.field: (relation, spelling) for relation in _RELATIONS for spelling in relation.spellings
}
"""Every descriptor field that states a relation."""
