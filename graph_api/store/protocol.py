"""The store contract: one method per question, two implementations, one test suite for both.

All methods raise CatalogError UNAVAILABLE when the database does not answer and DEADLINE_EXCEEDED when `deadline`
(seconds, from the call) passes. Refs are canonical and need not exist unless a method says so.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from graph_api.access.audit import Event, Head, Record
from graph_api.access.keys import ApiKey
from graph_api.catalog.audience import Visibility
from graph_api.catalog.changes import Change, ChangeSet, SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.drift import DriftFinding, DriftPlace, DriftQuestion
from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.filters import Filter, LinkFilter, Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.snapshot import Problem
from graph_api.catalog.traversal import Cycle, Facet, Path, Paths, Traversal, WalkAnswer, WalkRequest
from graph_api.store.dump import Batch
from graph_api.store.lookups import Lookups

LONGEST_LEASE = 120
"""Seconds. One that seems to last longer was taken before the clock was put back."""

SortValue = str | int | float | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a sorted list, exclusive: the sort field's value and the ref of one entity."""

    value: SortValue
    ref: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`backward` takes the last `limit` entities of the range instead of the first; the order stays the same."""

    filter: Filter
    sort: Sort
    limit: int
    after: Place | None = None
    before: Place | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`more` tells whether the range (after, before) holds entities beyond the limit, in the direction of paging."""

    entities: Sequence[Entity]
    more: bool
    revision: int


@dataclass(frozen=True, slots=True)
class LinkPlace:
    """A place among the links of one entity, exclusive: the ref at the other end, the relation, the environment."""

    ref: Ref
    relation: str
    environment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPage:
    """Which of an entity's links; `limit` None means all in the range. `backward` as in PageRequest."""

    limit: int | None = None
    after: LinkPlace | None = None
    before: LinkPlace | None = None
    backward: bool = False


ALL_LINKS = LinkPage()


class Neighbour(NamedTuple):
    """A link of `ref` and the entity at its other end."""

    ref: Ref
    link: Link
    entity: Entity


class Needed(NamedTuple):
    """What a reader needs of entities: fields of Entity, and whether it needs more of links than their keys."""

    fields: frozenset[str]
    links: bool


class PlacedProblem(NamedTuple):
    """`place`: the problem's number in its run, from 0."""

    source: str
    place: int
    problem: Problem


class StoredAnswer(NamedTuple):
    """What a write answered. `key` is the client's, of one principal; `digest` tells what was asked."""

    key: str
    digest: str
    body: bytes


class NotHereError(Exception):
    """Raised where only the transaction itself can answer, by suspending."""


class PlanningThread(NamedTuple):
    """`run` takes steps to it. What is `here` is asked in the thread itself, where its methods answer without ever
    suspending, or raise NotHereError; for others the transaction is asked from outside of it.
    """

    run: Callable[[Callable[[], Any]], Awaitable[Any]]
    here: Callable[[], object] = lambda: None


class WriteTransaction(Lookups, Protocol):
    """The only writer at this moment; sees the state that it changes. Leaving with an error writes nothing."""

    revision: int
    """The catalog's revision before this write."""
    source_order: tuple[str, ...] | None
    """What apply_order() was last told; None before that."""

    async def thread(self) -> PlanningThread:
        """Return the thread in which what is written is to be planned."""
        ...

    async def sources(self) -> Collection[str]:
        """Return the names of all sources."""
        ...

    async def connector(self, source: str) -> str | None:
        """Return the name of what feeds the source; None where nothing was ever written of it."""
        ...

    async def held_runs(self, source: str) -> list[SyncRun]:
        """The source's runs that wait to be confirmed, without payload."""
        ...

    async def last_seen_at(self, source: str) -> str | None:
        """When what the source states now was last read from it: the end of its last run that was not refused."""
        ...

    async def run(self, id_: str) -> SyncRun | None:
        """Return one run with its payload, None where there is no such run."""
        ...

    async def apply(self, changes: ChangeSet, run: SyncRun, at: str) -> int:
        """Write everything and the run at the next revision (at the current one when `changes` is empty); returns it.

        A run whose id exists replaces that run.
        """
        ...

    async def apply_part(self, changes: ChangeSet, at: str) -> None:
        """Write a part of what the next apply(), without changes of its own, gives a run: all parts are one change at
        one revision, and what is in the end as it was before has its stamps. Each is planned on top of those before.

        From the first one on, nothing is asked of runs, sources and answers any more.
        """
        ...

    async def applied_parts(self, after: Ref | None, limit: int) -> ChangeSet:
        """Return what all parts together change, as one plan has it: of the first so many entities behind a ref, with
        their outgoing links.
        """
        ...

    async def apply_order(self, changes: ChangeSet, names: tuple[str, ...], at: str) -> int:
        """Like apply(), without a run: what changes by this order of sources, which is remembered."""
        ...

    async def answer_of(self, key: str) -> StoredAnswer | None:
        """Return the answer that is kept under this key; None where there is none."""
        ...

    async def keep_answer(self, answer: StoredAnswer, seconds: float) -> None:
        """Keep the answer as part of this write, also of one that applies nothing; it is forgotten after so many
        seconds.
        """
        ...

    async def record(self, event: Event) -> None:
        """Append to the audit log, as part of this write. There is no way to change or delete what is there."""
        ...

    async def put_key(self, key: ApiKey) -> None:
        """Write or replace an API key, by its id."""
        ...


class Restoring(Protocol):
    async def add(self, batch: Batch) -> None:
        """Add rows as a dump gives them, in its order."""
        ...


class Reading(Protocol):
    """The catalog as one reader sees it: what is hidden from it, and every link at that, is not there.

    Also not in the values of what is seen. Only `sources`, `syncs` and `problems` tell of everything.
    """

    async def revision(self) -> int: ...

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        """Return those of these entities that exist, declared or only pointed at."""
        ...

    async def page(self, request: PageRequest) -> Page: ...

    async def count(self, filter_: Filter) -> int: ...

    async def facets(self, filter_: Filter, fields: Sequence[str]) -> dict[str, Facet]: ...

    async def search(self, text: str, filter_: Filter) -> list[Ref]:
        """Best first, ranked by search.py: at most MAX_FOUND by names, titles, descriptions and tags; words may be
        prefixes and out of order, and have a typo where nothing is found otherwise."""
        ...

    async def neighbours(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
        page: LinkPage = ALL_LINKS,
    ) -> dict[Ref, list[Neighbour]]:
        """Per ref, the page of its matching links sorted by (other end's ref, relation, environment with null first);
        every ref is a key."""
        ...

    async def neighbour_counts(
        self,
        refs: Collection[Ref],
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
    ) -> dict[Ref, int]:
        """How many links of each ref match; every ref is a key."""
        ...

    async def subgroups(self, groups: Collection[Ref]) -> list[Ref]:
        """The groups and all groups below them by CHILD_OF, sorted."""
        ...

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]: ...

    async def walk(self, request: WalkRequest, *, deadline: float) -> WalkAnswer: ...

    async def via(
        self, traversal: Traversal, refs: Collection[Ref], *, hard_only: bool, deadline: float
    ) -> dict[Ref, Path]:
        """One shortest walk to each ref that obeys the traversal (over HARD links only with `hard_only`); refs that
        it does not reach are left out."""
        ...

    async def paths(self, from_: Ref, to: Ref, traversal: Traversal, first: int, *, deadline: float) -> Paths:
        """All shortest paths along dependencies, ordered by their refs. `traversal.start` is `from_`."""
        ...

    async def cycles(self, relations: Collection[str], *, deadline: float) -> list[Cycle]:
        """Return the cycles that these relations make, ordered by the first member."""
        ...

    async def drift(self, question: DriftQuestion, limit: int, after: DriftPlace | None = None) -> list[DriftFinding]:
        """Return the findings in the order of their places, those behind `after`."""
        ...

    async def count_drift(self, question: DriftQuestion) -> int: ...

    async def changes(self, since: int, limit: int, after: tuple[int, Ref] | None = None) -> list[Change]:
        """Changes after a revision in the order (revision, ref), folded to the latest change of each entity.

        `after` is such a pair, exclusive."""
        ...

    async def sources(self) -> list[SourceInfo]:
        """Return the sources by name, each with its last run, without payload."""
        ...

    async def syncs(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, str] | None = None,
        status: SyncStatus | None = None,
    ) -> list[SyncRun]:
        """Return the runs, newest first by (started_at, id), without payload. `after` is such a pair."""
        ...

    async def problems(
        self,
        source: str | None,
        limit: int,
        after: tuple[str, int] | None = None,
        before: tuple[str, int] | None = None,
        *,
        backward: bool = False,
    ) -> list[PlacedProblem]:
        """Return the problems of the last run of each source, in the order (source, place). `after` and `before` are
        such pairs, exclusive; `backward` takes the last ones of the range, in the same order.
        """
        ...

    async def count_problems(self, source: str | None) -> int: ...


class Store(Reading, Protocol):
    """The store of one catalog. As a reading, it hides nothing."""

    async def open(self, *, to_restore: bool = False) -> None:
        """Connect, check the format version, create constraints and indexes. Safe to run by many at once.

        UNAVAILABLE also where a restore has not come to its end, unless it is opened `to_restore`.
        """
        ...

    async def close(self) -> None: ...

    async def ping(self) -> None:
        """Return when the database answers, its format is ours and nothing is missing.

        Raises ReplacedError where it is not the catalog that was opened, or an earlier state of it.
        """
        ...

    def seen_by(self, visibility: Visibility, needed: Needed | None = None) -> Reading:
        """Return the catalog as a reader of this visibility sees it. What is not `needed` of the entities in its
        answers, and of the links of neighbours, may be missing there: reading it raises AttributeError.
        """
        ...

    async def affecting(self, owners: Collection[Ref]) -> frozenset[Ref]:
        """Return the entities that are for AFFECTED and affect what these own effectively, see MADE_OF."""
        ...

    async def source_order(self) -> tuple[str, ...] | None:
        """Return the order of sources that the catalog is merged in, see WriteTransaction."""
        ...

    async def audit(self, limit: int, before: int | None = None) -> list[Record]:
        """Return the newest records first; with `before`, those with a lower place."""
        ...

    async def audit_head(self) -> Head: ...

    async def keys(self) -> list[ApiKey]:
        """All API keys, also revoked and expired ones, by (name, created_at, id)."""
        ...

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether the holder alone may do what `name` says, for so many seconds from now; asked again, for longer.

        At most LONGEST_LEASE; 0 seconds give it back. Nothing else in the catalog changes.
        """
        ...

    def dump(self, *, exclusive: bool = False) -> AsyncIterator[Batch]:
        """Yield all of it at one revision. Raises TornError if that is not to be had beside a writer; `exclusive` makes
        writers wait.
        """
        ...

    def restore(self, *, replace: bool) -> AbstractAsyncContextManager[Restoring]:
        """Make it what a dump says, under a new identity; left with an error, it is as before or not usable.

        CatalogError CONFLICT if it is not empty, unless it is to be replaced.
        """
        ...

    def write(self, *, small: bool = False) -> AbstractAsyncContextManager[WriteTransaction]:
        """Waits for its turn; CatalogError UNAVAILABLE when another writer takes too long.

        A `small` one may be committed together with others that wait for each other: all of them or none.
        """
        ...
