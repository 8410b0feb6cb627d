"""What a reader sees, as predicates and expressions of Cypher."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.entity import Entity
from graph_api.catalog.redaction import NAMED_KINDS, without
from graph_api.catalog.ref import Ref
from graph_api.store.neo4j import cypher

if TYPE_CHECKING:
    from graph_api.store.neo4j.statements import Statements

TRUE = "true"
_NAMING = frozenset({"owners", "declared_owners", "systems", "domains", "environments"})
"""Properties that are lists of refs."""
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Sight:
    visibility: Visibility
    audiences: tuple[str, ...] = ()
    """The audiences that the reader is among."""
    hidden: frozenset[Ref] = frozenset()
    """The refs of those hidden entities that others name."""
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The parameters of the texts that the methods give."""

    @property
    def whole(self) -> bool:
        return self.visibility.tokens is None

    def node(self, x: str) -> str:
        """Return the predicate that a node is seen, which may be a tombstone."""
        return TRUE if self.whole else cypher.SEEN.format(x=x)

    def values(self, x: str, name: str) -> str:
        """Return the expression for the property `name` of `x`, null where nothing of it is seen."""
        hides = self.hidden and name in _NAMING
        return (cypher.SEEN_VALUES if hides else "{x}.{name}").format(x=x, name=name)

    def redacted(self, entities: Iterable[Entity]) -> list[Entity]:
        """Return the entities without refs to what is hidden."""
        return [without(entity, self.hidden) for entity in entities] if self.hidden else list(entities)


WHOLE = Sight(EVERYTHING)


@dataclass(frozen=True, slots=True)
class _Restrictions:
    """What is the same for all readers: audiences, and the audiences of what others name."""

    revision: int
    audiences: tuple[str, ...]
    named: Mapping[Ref, str]


class Sights:
    """What readers see at the newest revision, for each visibility that somebody has asked for."""

    def __init__(self) -> None:
        self._restrictions = _Restrictions(-1, (), {})
        self._known: dict[Visibility, tuple[int, Sight]] = {}

    async def at(self, tx: "Statements", visibility: Visibility) -> Sight:
        """Return what a reader sees at the revision that the transaction reads."""
        if visibility.tokens is None:
            return WHOLE
        known = self._known.get(visibility)
        if known and known[0] == tx.revision:
            return known[1]
        sight = _resolved(visibility, await self._restrictions_at(tx))
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[visibility] = tx.revision, sight
        return sight

    async def _restrictions_at(self, tx: "Statements") -> _Restrictions:
        if self._restrictions.revision != tx.revision:
            audiences = tuple(row["text"] for row in await tx.rows(cypher.AUDIENCES))
            named = await tx.packed(cypher.RESTRICTED_NAMES, kinds=list(NAMED_KINDS))
            self._restrictions = _Restrictions(tx.revision, audiences, dict(named))
        return self._restrictions


def _resolved(visibility: Visibility, restrictions: _Restrictions) -> Sight:
    audiences = tuple(filter(visibility.includes, restrictions.audiences))
    hidden = frozenset(ref for ref, audience in restrictions.named.items() if not visibility.sees(audience, ref))
    parameters = {"audiences": audiences, "granted": sorted(visibility.granted), "hidden": sorted(hidden)}
    return Sight(visibility, audiences, hidden, parameters)
