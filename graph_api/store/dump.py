"""What a store holds, in words that every store has: what a backup is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graph_api.access.audit import Record
from graph_api.access.keys import ApiKey
from graph_api.catalog.changes import SyncRun
from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.ref import Ref

BATCH = 2_000


class TornError(Exception):
    """Somebody wrote meanwhile: what was dumped is of two revisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRow:
    """What holds for the whole catalog; it comes first."""

    revision: int
    source_order: tuple[str, ...] | None
    horizon: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    name: str
    connector: str
    entities: int
    links: int
    last_applied_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedRow:
    ref: Ref
    revision: int
    at: str
    audience: str = ""
    hidden: bool = False
    """Only out of this audience's sight: the entity was there on, for another one."""


DumpRow: TypeAlias = CatalogRow | ApiKey | Record | SourceRow | SyncRun | RemovedRow | Entity | Link
Batch: TypeAlias = Sequence[DumpRow]
"""Rows of one type. All entities come before all links."""
