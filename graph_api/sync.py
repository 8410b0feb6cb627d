"""The write path: a snapshot of one source becomes a plan, and the plan is applied in one step or held."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from graph_api.access.audit import LOCAL_SYNC, MAX_REFS, Attempt, Outcome
from graph_api.access.authorize import Reach, is_open
from graph_api.catalog.changes import ChangeSet, SyncRun, SyncStatus
from graph_api.catalog.merge import API_CONNECTOR, SourceOrder
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.catalog.times import utc_now
from graph_api.errors import CatalogError, ErrorCode, OvertakenError
from graph_api.guarding import refusals
from graph_api.idempotency import Told
from graph_api.large import SIZES, Sizes, is_large, write_parts
from graph_api.planning.diff import Comparison, Plan
from graph_api.planning.held import pack, unpack
from graph_api.planning.restate import each_said
from graph_api.planning.settle import settle
from graph_api.store.protocol import Store, WriteTransaction
from graph_api.store.rows import dump_run
from graph_api.writing import foreign_connector, new_run_id, write

Known: TypeAlias = Mapping[str, str | None]
"""When what each source states was last read from it, by source."""

_NOT_ALL_YOURS = "it would change what your teams do not own"
_NOT_OPEN = "editors confirm what is said for the sources `api` and `api:...`; an admin confirms this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a run did, or with a dry run would do: the plan over statements, and the rows that change by it; of a plan
    that was made in parts the first few.
    """

    run: SyncRun
    plan: Plan
    changes: ChangeSet

    def told(self) -> Told:
        return {"run": dump_run(self.run), "changes": self.changes.operations()}


async def known_of(store: Store) -> Known:
    """Return when what each source states was last read. To be asked before sources are read, so that a sync knows
    whether another one overtook it.
    """
    return {source.name: source.last_applied_at for source in await store.sources()}


async def sync(
    store: Store,
    snapshot: Snapshot,
    order: SourceOrder,
    *,
    by: Attempt = LOCAL_SYNC,
    dry_run: bool = False,
    known: Known | None = None,
    sizes: Sizes = SIZES,
) -> SyncReport:
    """Make the source's statements what the snapshot says: all of it or nothing, and nothing when held.

    Raises CatalogError TOO_LARGE where a large one is by who may not change everything, DECLARED_ELSEWHERE for a source
    of another connector, FORBIDDEN where `by` may not make all of the changes, and OvertakenError if the source is no
    longer as `known`.
    """
    started = utc_now()

    async def work(tx: WriteTransaction) -> SyncReport:
        if foreign := await foreign_connector(tx, snapshot.source, snapshot.connector):
            raise CatalogError(ErrorCode.DECLARED_ELSEWHERE, foreign)
        if known is not None:
            await _check_known(tx, snapshot.source, known)
        plan = await _plan(tx, snapshot, started)
        run = await _keeping_id(tx, _new_run(tx, snapshot, plan, started))
        held = run.status is SyncStatus.HELD
        if is_large(plan.edit, by, sizes) and not held:
            return await _apply_parts(tx, run, plan, order, by, sizes, dry_run=dry_run)
        changes = await _settle(tx, plan, order, by, named=snapshot.entities, held=held)
        if held:
            run = replace(run, payload=pack(snapshot))
        if dry_run:
            return SyncReport(run=run, plan=plan, changes=changes)
        await _supersede(tx, run, order, by)
        return await _apply(tx, run, plan, changes, by)

    try:
        return await write(store, order, work, idempotency=by.idempotency, dry_run=dry_run)
    except _TriedOutError as tried:
        return tried.report


async def sync_all(
    store: Store,
    snapshots: Sequence[Snapshot],
    order: SourceOrder,
    *,
    by: Attempt = LOCAL_SYNC,
    dry_run: bool = False,
) -> AsyncIterator[SyncReport]:
    """Sync these one after the other; one that says nothing only if its source has said something before.

    Raises CatalogError CONFLICT, before anything is written, where a source has only its folder's name and was read
    from another folder before.
    """
    for snapshot in await to_sync(store, snapshots):
        yield await sync(store, snapshot, order, by=by, dry_run=dry_run)


async def to_sync(store: Store, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """All but those that say nothing, as their sources always have. Raises CatalogError CONFLICT as sync_all() does."""
    folders = await _folders(store)
    for snapshot in snapshots:
        _check_folder(snapshot, folders.get(snapshot.source))
    return [row for row in snapshots if row.entities or row.links or row.problems or row.source in folders]


async def _folders(store: Store) -> dict[str, str | None]:
    """Return by source the folder that it was read from, where it has its name of that alone."""
    return {source.name: source.last_run.read_from for source in await store.sources()}


def _check_folder(snapshot: Snapshot, before: str | None) -> None:
    if before and snapshot.read_from and snapshot.read_from != before:
        bare = snapshot.source.partition(":")[2]
        message = (
            f"{snapshot.source} was read from {before} until now, and is to be read from {snapshot.read_from}; two "
            "folders of one name would replace each other. Name this one with --source NAME, or with "
            f"--source files:{bare} if it has moved"
        )
        raise CatalogError(ErrorCode.CONFLICT, message)


async def confirm_sync(
    store: Store, id_: str, order: SourceOrder, *, by: Attempt = LOCAL_SYNC, sizes: Sizes = SIZES
) -> SyncReport:
    """Apply a held run, if its plan is still the same.

    Raises CatalogError NOT_FOUND for an unknown run, CONFLICT when it is not held or the plan has changed, and
    FORBIDDEN where `by` may not make all of the changes.
    """
    started = utc_now()

    async def work(tx: WriteTransaction) -> SyncReport:
        held = await tx.run(id_)
        if held is None:
            raise CatalogError(ErrorCode.NOT_FOUND, f"there is no sync {id_!r}; list them with `syncs`")
        if by.reach is Reach.OWNED and not is_open(held.source):
            raise CatalogError(ErrorCode.FORBIDDEN, _NOT_OPEN)
        if held.status is not SyncStatus.HELD or held.payload is None:
            raise CatalogError(ErrorCode.CONFLICT, f"sync {id_} is {held.status}, only a HELD one can be confirmed")
        snapshot = unpack(held.payload)
        if snapshot is None:
            raise CatalogError(ErrorCode.CONFLICT, f"another version has held sync {id_}; sync the source again")
        plan = await _plan(tx, snapshot, started)
        if plan.digest() != held.plan_digest:
            raise CatalogError(
                ErrorCode.CONFLICT, f"the catalog has changed since sync {id_} was held; sync the source again"
            )
        run = replace(held, status=SyncStatus.CONFIRMED, payload=None, message=None)
        if is_large(plan.edit, by, sizes):
            return await _apply_parts(tx, run, plan, order, by, sizes)
        return await _apply(tx, run, plan, await _settle(tx, plan, order, by), by)

    return await write(store, order, work, idempotency=by.idempotency)


async def record_failure(
    store: Store, source: str, connector: str, message: str, *, by: Attempt = LOCAL_SYNC
) -> SyncRun:
    """Leave a FAILED run: the source could not be listed, and what it said before stays.

    Raises CatalogError DECLARED_ELSEWHERE for a source of another connector.
    """
    now = utc_now()
    read_from = (await _folders(store)).get(source)
    async with store.write() as tx:
        if foreign := await foreign_connector(tx, source, connector):
            raise CatalogError(ErrorCode.DECLARED_ELSEWHERE, foreign)
        run = SyncRun(
            id=new_run_id(),
            source=source,
            connector=connector,
            status=SyncStatus.FAILED,
            started_at=now,
            finished_at=now,
            revision=tx.revision,
            message=message,
            read_from=read_from,
        )
        await tx.apply(ChangeSet(), run, now)
        await tx.record(by.wrote(run, ChangeSet()))
    return run


async def _check_known(tx: WriteTransaction, source: str, known: Known) -> None:
    """Leases and clocks do not help a process that slept: only the catalog knows what happened meanwhile."""
    if await tx.last_seen_at(source) != known.get(source):
        raise OvertakenError(f"another sync of {source} was applied while this one was being read; sync again")


async def _plan(tx: WriteTransaction, snapshot: Snapshot, at: str) -> Plan:
    comparison = Comparison(snapshot, at, await tx.last_seen_at(snapshot.source))
    async for said in each_said(tx, snapshot.source):
        comparison.add(said)
    return comparison.plan()


def _new_run(tx: WriteTransaction, snapshot: Snapshot, plan: Plan, started: str) -> SyncRun:
    held = plan.held_because is not None
    status = SyncStatus.HELD if held else SyncStatus.APPLIED if len(plan) else SyncStatus.UNCHANGED
    return SyncRun(
        id=new_run_id(),
        source=snapshot.source,
        connector=snapshot.connector,
        status=status,
        started_at=started,
        finished_at=started,
        revision=tx.revision,
        counts=plan.counts,
        problems=snapshot.problems,
        message=plan.held_because,
        plan_digest=plan.digest() if held else None,
        read_from=snapshot.read_from,
    )


async def _settle(
    tx: WriteTransaction,
    plan: Plan,
    order: SourceOrder,
    by: Attempt,
    *,
    named: Collection[Ref] = (),
    held: bool = False,
) -> ChangeSet:
    """The changes; none of a plan that is held, which must be the writer's to make all the same.

    A refusal tells of nothing that the writer has not `named` itself.
    """
    if held and by.reach is not Reach.OWNED:
        return ChangeSet()
    changes = await settle(tx, plan.edit, order)
    if refused := await refusals(tx, by, changes, order.restrictions):
        told = [row for row in refused if row.ref in named]
        message = told[0].message if told else _NOT_ALL_YOURS
        refs = [row.ref for row in told[:MAX_REFS] if row.ref]
        raise CatalogError(ErrorCode.FORBIDDEN, message, refs=refs)
    return ChangeSet() if held else changes


async def _keeping_id(tx: WriteTransaction, run: SyncRun) -> SyncRun:
    """A run that is held for the plan of a held one takes its place, so that a schedule leaves time to confirm it."""
    same = (held.id for held in await tx.held_runs(run.source) if held.plan_digest == run.plan_digest)
    return replace(run, id=next(same, run.id))


async def _supersede(tx: WriteTransaction, run: SyncRun, order: SourceOrder, by: Attempt) -> None:
    for held in await tx.held_runs(run.source):
        if held.id == run.id or not await _may_confirm(tx, held.id, order, by):
            continue
        superseded = replace(held, status=SyncStatus.SUPERSEDED, payload=None)
        await tx.apply(ChangeSet(), superseded, held.finished_at)


async def _may_confirm(tx: WriteTransaction, id_: str, order: SourceOrder, by: Attempt) -> bool:
    """Whether what is held is the writer's to make, and so to give up; also where it is nobody's any more."""
    if by.reach is not Reach.OWNED:
        return True
    held = await tx.run(id_)
    snapshot = unpack(held.payload) if held and held.payload else None
    if held is None or snapshot is None:
        return True
    plan = await _plan(tx, snapshot, held.started_at)
    if plan.digest() != held.plan_digest:
        return True
    return not await refusals(tx, by, await settle(tx, plan.edit, order), order.restrictions)


async def _apply(tx: WriteTransaction, run: SyncRun, plan: Plan, changes: ChangeSet, by: Attempt) -> SyncReport:
    """Sources stay for good: one of the API that says nothing is not made known."""
    now = utc_now()
    if not changes and run.connector == API_CONNECTOR and await tx.connector(run.source) is None:
        await tx.record(by.ended(Outcome.APPLIED, now, source=run.source, revision=tx.revision))
        return SyncReport(run=run, plan=plan, changes=changes)
    run = replace(run, finished_at=now, revision=tx.revision + bool(changes))
    await tx.apply(changes, run, now)
    await tx.record(by.wrote(run, changes))
    return SyncReport(run=run, plan=plan, changes=changes)


class _TriedOutError(Exception):
    """A dry run whose parts are written, to be rolled back."""

    def __init__(self, report: SyncReport) -> None:
        super().__init__("it was tried out only")
        self.report = report


async def _apply_parts(
    tx: WriteTransaction,
    run: SyncRun,
    plan: Plan,
    order: SourceOrder,
    by: Attempt,
    sizes: Sizes,
    *,
    dry_run: bool = False,
) -> SyncReport:
    if not dry_run:
        await _supersede(tx, run, order, by)
    now = utc_now()
    changes = await write_parts(tx, plan.edit, order, now, sizes.part)
    if dry_run:
        raise _TriedOutError(SyncReport(run=run, plan=plan, changes=changes))
    run = replace(run, finished_at=now, revision=tx.revision + bool(changes))
    await tx.apply(ChangeSet(), run, now)
    await tx.record(by.wrote(run, changes))
    return SyncReport(run=run, plan=plan, changes=changes)
