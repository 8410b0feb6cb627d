"""Who may see an entity: the operator's rules, made into a text that stands with it.

The text is empty for everybody, else the tokens of who sees it, sorted: `role:viewer`, `group:default/payments`,
`user:default/ann`, and AFFECTED for whoever owns what it affects.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from graph_api.catalog.entity import Entity
from graph_api.catalog.kinds import OWNER_KINDS
from graph_api.catalog.ref import Ref, split_ref

EVERYBODY = ""
EVERYONE, OWNERS, MEMBERS, AFFECTED = "everyone", "owners", "members", "affected"
"""Words of Restriction.to beside tokens."""

MADE_OF = ("RUNS_IMAGE", "CONTAINS", "BUILT_FROM", "AFFECTED_BY")
"""What an entity has these links to, at any distance, affects whoever owns it."""

_NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """Entities that have one of each list that is not empty, by any source's word, are seen by `to` alone."""

    kinds: tuple[str, ...] = ()
    """In lower case."""
    namespaces: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """As `key=value`."""
    to: tuple[str, ...]
    """Tokens and words."""

    def matches(self, entity: Entity) -> bool:
        said = entity.statements.values()
        refs = [split_ref(ref) for ref in {entity.ref, *(row.ref for row in said)}]
        return (
            _meet(self.kinds, (ref.kind for ref in refs))
            and _meet(self.namespaces, (ref.namespace for ref in refs))
            and _meet(self.tags, chain(entity.tags, *(row.tags for row in said)))
            and _meet(self.labels, (f"{key}={value}" for row in said for key, value in row.labels.items()))
        )

    @property
    def text(self) -> str:
        """A text that is the same for the same rule."""
        return f"restricted {self.kinds} {self.namespaces} {self.tags} {self.labels} to {self.to}"


def _meet(wanted: tuple[str, ...], found: Iterable[str]) -> bool:
    return not wanted or not set(wanted).isdisjoint(found)


BUILT_IN = (Restriction(kinds=("vulnerability",), to=("role:security", OWNERS, AFFECTED)),)
"""Restrictions that come after the operator's."""


def audience_of(entity: Entity, restrictions: Iterable[Restriction]) -> str:
    """Return the audience by the first rule that matches; `entity` has its effective owners."""
    rule = next((rule for rule in restrictions if rule.matches(entity)), None)
    if rule is None or EVERYONE in rule.to:
        return EVERYBODY
    tokens = set(rule.to) - {OWNERS, MEMBERS}
    if OWNERS in rule.to:
        tokens.update(owner.ref for owner in entity.owners)
    if MEMBERS in rule.to and entity.kind in OWNER_KINDS:
        tokens.add(entity.ref)
    return " ".join(sorted(tokens)) or _NOBODY


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a reader sees: what is for everybody, for one of its `tokens` (None: all there is), and `granted` refs."""

    tokens: frozenset[str] | None
    granted: frozenset[Ref] = frozenset()

    def sees(self, audience: str, ref: Ref) -> bool:
        return self.includes(audience) or ref in self.granted

    def includes(self, audience: str) -> bool:
        """Whether everything with this audience is seen."""
        return self.tokens is None or not audience or not self.tokens.isdisjoint(audience.split())


EVERYTHING = Visibility(None)
