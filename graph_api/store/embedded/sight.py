"""What a reader sees, in SQL and in the ids of one revision."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.entity import Entity
from graph_api.catalog.redaction import NAMED_BY, NAMED_KINDS, without
from graph_api.catalog.ref import Ref
from graph_api.store.embedded.condition import AMONG, RELATION_TERMS, Condition, one_of
from graph_api.store.embedded.schema import current_revision

_NAMING = ("owner", "declared_owner", "inferred_owner", "system", "domain", "environment")
"""Fields of terms that are refs."""
_TERMS = f"SELECT id FROM terms WHERE field {AMONG} AND text {AMONG}"
_NAMED = f"""
SELECT e.ref, a.text FROM entities e CROSS JOIN terms a ON a.id = e.audience WHERE e.audience <> 0 AND (
    e.kind {AMONG} OR EXISTS (SELECT 1 FROM links l WHERE l.target = e.id AND l.relation IN ({RELATION_TERMS})))
"""
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Sight:
    visibility: Visibility
    audiences: tuple[int, ...] = ()
    """Terms of the audiences that the reader is among, and 0."""
    granted: str = "[]"
    """The granted refs as one parameter, for AMONG."""
    hidden: frozenset[Ref] = frozenset()
    """The refs of those hidden entities that others name."""
    hidden_terms: tuple[int, ...] = ()
    """Terms that are refs of `hidden`."""

    @property
    def whole(self) -> bool:
        return self.visibility.tokens is None

    def row(self, row: str) -> Condition:
        """Return the condition that the reader sees a row of `entities`, or of another table with ref and audience."""
        if self.whole:
            return Condition("1")
        among = f"{row}.audience IN ({', '.join(map(str, self.audiences))})"
        if not self.visibility.granted:
            return Condition(among)
        return Condition(f"({among} OR {row}.ref {AMONG})", (self.granted,))

    def redacted(self, entities: dict[int, Entity]) -> dict[int, Entity]:
        """Return the entities without refs to what is hidden."""
        if not self.hidden:
            return entities
        return {id_: without(entity, self.hidden) for id_, entity in entities.items()}


WHOLE = Sight(EVERYTHING)


class Sights:
    """What readers see at the newest revision, for each visibility that somebody has asked for."""

    def __init__(self) -> None:
        self._restrictions = _Restrictions(-1, {}, {})
        self._known: dict[Visibility, tuple[int, Sight]] = {}

    def at(self, conn: sqlite3.Connection, visibility: Visibility) -> Sight:
        """Return what a reader sees at the revision of the connection's read transaction."""
        if known := self.kept(conn, visibility):
            return known
        revision = current_revision(conn)
        sight = _resolved(conn, visibility, self._restrictions_at(conn, revision))
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[visibility] = revision, sight
        return sight

    def kept(self, conn: sqlite3.Connection, visibility: Visibility) -> Sight | None:
        """Return what at() does if it is in memory, else None."""
        if visibility.tokens is None:
            return WHOLE
        known = self._known.get(visibility)
        return known[1] if known and known[0] == current_revision(conn) else None

    def _restrictions_at(self, conn: sqlite3.Connection, revision: int) -> "_Restrictions":
        found = self._restrictions
        if found.revision != revision:
            audiences = dict(conn.execute("SELECT id, text FROM terms WHERE field = 'audience'"))
            named = dict(conn.execute(_NAMED, (one_of(NAMED_KINDS), one_of(NAMED_BY))))
            found = self._restrictions = _Restrictions(revision, audiences, named)
        return found


@dataclass(frozen=True, slots=True)
class _Restrictions:
    """What is the same for all readers: audiences by term, and the audiences of what others name."""

    revision: int
    audiences: Mapping[int, str]
    named: Mapping[Ref, str]


def _resolved(conn: sqlite3.Connection, visibility: Visibility, restrictions: _Restrictions) -> Sight:
    audiences = (0, *(id_ for id_, text in sorted(restrictions.audiences.items()) if visibility.includes(text)))
    hidden = frozenset(ref for ref, audience in restrictions.named.items() if not visibility.sees(audience, ref))
    terms = conn.execute(_TERMS, (one_of(_NAMING), one_of(sorted(hidden)))) if hidden else ()
    return Sight(
        visibility=visibility,
        audiences=audiences,
        granted=one_of(sorted(visibility.granted)),
        hidden=hidden,
        hidden_terms=tuple(sorted(id_ for (id_,) in terms)),
    )
