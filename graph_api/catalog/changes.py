"""What one write changes, and the record that every run of a source leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from graph_api.catalog.entity import Entity, Link, LinkKey
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Problem


class SyncStatus(StrEnum):
    APPLIED = "APPLIED"
    UNCHANGED = "UNCHANGED"
    HELD = "HELD"
    """The plan removes too much; nothing was applied until somebody confirms it."""
    CONFIRMED = "CONFIRMED"
    """Was held and then applied by a later run."""
    SUPERSEDED = "SUPERSEDED"
    """Was held, and a newer run of the source took its place."""
    FAILED = "FAILED"
    """The source could not be listed; nothing was applied."""


SEEN = frozenset({SyncStatus.APPLIED, SyncStatus.CONFIRMED, SyncStatus.UNCHANGED})
"""After a run of these the source's statements were last seen at its end."""


class ChangeOperation(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    REMOVED = "REMOVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Statements of the source that a run adds, changes and removes."""

    entities_added: int = 0
    entities_changed: int = 0
    entities_removed: int = 0
    links_added: int = 0
    links_changed: int = 0
    links_removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One run of a source. `revision` is the catalog's after the run. `payload` is the held snapshot, compressed."""

    id: str
    source: str
    connector: str
    status: SyncStatus
    started_at: str
    finished_at: str
    revision: int
    counts: Counts = field(default_factory=Counts)
    problems: tuple[Problem, ...] = ()
    message: str | None = None
    plan_digest: str | None = None
    payload: bytes | None = None
    read_from: str | None = None
    """The same as in the snapshot, see there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """A source and its last run; `entities` and `links` count its current statements."""

    name: str
    connector: str
    last_run: SyncRun
    last_applied_at: str | None
    """End of the last run that was APPLIED, CONFIRMED or UNCHANGED: what the source states was last seen then."""
    entities: int
    links: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The latest thing that happened to an entity since some revision (earlier ones are folded into it)."""

    ref: Ref
    operation: ChangeOperation
    revision: int
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """Rows to write, complete but for their stamps: the store sets revision, created_revision (where 0) and updated_at.

    What is there already has the stamps that it was read with: an entity whose created_revision is 0, or a link whose
    revision is 0, is new. `removed` are entities that nobody declares and nothing points at any more.
    """

    entities: Sequence[Entity] = ()
    removed: Sequence[Ref] = ()
    links: Sequence[Link] = ()
    removed_links: Sequence[LinkKey] = ()

    def __bool__(self) -> bool:
        return bool(self.entities or self.removed or self.links or self.removed_links)

    def operations(self) -> list[tuple[Ref, ChangeOperation]]:
        """Return what happens to each entity."""
        known = ChangeOperation.UPDATED
        written = [(row.ref, known if row.created_revision else ChangeOperation.CREATED) for row in self.entities]
        return written + [(ref, ChangeOperation.REMOVED) for ref in self.removed]

    def __len__(self) -> int:
        return len(self.entities) + len(self.removed) + len(self.links) + len(self.removed_links)
