"""What mutations answer, the first time and again."""

from typing import Any, cast

import strawberry

from graph_api import edit_problems, edits
from graph_api.catalog.audience import audience_of
from graph_api.catalog.changes import ChangeOperation, ChangeSet
from graph_api.catalog.entity import unresolved
from graph_api.catalog.ref import Ref
from graph_api.errors import ErrorCode
from graph_api.graphql.context import Context, Info
from graph_api.graphql.records import Problem, Sync, as_problem
from graph_api.graphql.refs import global_id
from graph_api.graphql.types import Entity
from graph_api.idempotency import Told
from graph_api.store.rows import load_problem, load_run
from graph_api.sync import SyncReport

REPLAYED = "Whether this is the answer to an earlier request with the same idempotencyKey: nothing was done again."

strawberry.enum(ErrorCode, description="A stable code for what went wrong.")


@strawberry.type(description="What is wrong with the input. With any of these nothing was written.")
class UserError:
    path: list[str] = strawberry.field(description="Where in the arguments.")
    code: ErrorCode = strawberry.field(description="A stable code.")
    message: str = strawberry.field(description="What, and how to mend it.")


@strawberry.type(description="One entity that a mutation changed, or with dryRun would change.")
class EntityChange:
    entity_id: strawberry.ID = strawberry.field(
        resolver=lambda root: strawberry.ID(global_id(root.ref)),
        description="Its global id, also of one that is removed: a client's cache knows it by that.",
    )
    ref: str = strawberry.field(description="Its ref.")
    operation: ChangeOperation = strawberry.field(description="What happened.")


@strawberry.type(description="What a mutation did, or with dryRun would do.")
class MutationPayload:
    revision: int = strawberry.field(description="The catalog's revision afterwards.")
    changes: list[EntityChange] = strawberry.field(description="Entities that changed, also through their links.")
    user_errors: list[UserError] = strawberry.field(description="What is wrong; then nothing was written.")
    warnings: list[Problem] = strawberry.field(description="What went in although it looks wrong.")
    replayed: bool = strawberry.field(default=False, description=REPLAYED)
    first: strawberry.Private[Ref | None] = None
    """The entity that the request names first."""

    @strawberry.field(description="The changed entities that exist, as they are now.")
    async def entities(self, info: Info) -> list[Entity]:
        refs = [Ref(change.ref) for change in self.changes if change.operation is not ChangeOperation.REMOVED]
        found = await info.context.loaders.entity.load_many(refs)
        return cast("Any", [row for row in found if row])

    @strawberry.field(
        description="The entity that the request names first, or where its first link starts, as it is now, changed or "
        "not; null where it is not in the catalog, or nothing was written because of an error."
    )
    async def entity(self, info: Info) -> Entity | None:
        return cast("Any", await info.context.loaders.entity.load(self.first) if self.first else None)


@strawberry.type(description="What a sync did, or with dryRun would do.")
class SyncPayload:
    sync: Sync | None = strawberry.field(description="The run; null when the input is wrong.")
    changes: list[EntityChange] = strawberry.field(
        description="Entities that changed, also through their links; of a sync in parts the first 100."
    )
    user_errors: list[UserError] = strawberry.field(description="What is wrong; then nothing was written.")
    replayed: bool = strawberry.field(default=False, description=REPLAYED)


def _seen(info: Info, changes: ChangeSet) -> list[EntityChange]:
    """Return those of the changes that the writer sees."""
    audiences = {row.ref: row.audience for row in changes.entities}
    return [
        EntityChange(ref=ref, operation=operation)
        for ref, operation in changes.operations()
        if _is_seen(info.context, ref, audiences.get(ref))
    ]


def _is_seen(context: Context, ref: Ref, audience: str | None) -> bool:
    """Whether the entity is seen. `audience` is None for what is gone, of which only the ref can tell."""
    if audience is None:
        audience = audience_of(unresolved(ref), context.source_order.restrictions)
    return context.visibility.sees(audience, ref)


def edit_payload(info: Info, source: str, report: edits.EditReport) -> MutationPayload:
    return MutationPayload(
        revision=report.revision,
        changes=_seen(info, report.changes),
        user_errors=[user_error(error) for error in report.errors],
        warnings=[as_problem(source, problem) for problem in report.warnings],
        first=report.first,
    )


def user_error(error: edit_problems.UserError) -> UserError:
    return UserError(path=list(error.path), code=error.code, message=error.message)


def sync_payload(info: Info, report: SyncReport) -> SyncPayload:
    return SyncPayload(
        sync=cast("Any", report.run),
        changes=_seen(info, report.changes),
        user_errors=[],
    )


async def replay(context: Context, source: str, told: Told) -> MutationPayload | SyncPayload:
    """Return the payload of what EditReport or SyncReport told."""
    changes = [EntityChange(ref=ref, operation=ChangeOperation(operation)) for ref, operation in told["changes"]]
    if context.visibility.tokens is not None:
        rows = await context.store.entities([Ref(change.ref) for change in changes])
        gone = ChangeOperation.REMOVED
        changes = [
            change
            for change in changes
            if change.ref in rows or (change.operation is gone and _is_seen(context, Ref(change.ref), None))
        ]
    if "run" in told:
        return SyncPayload(sync=cast("Any", load_run(told["run"])), changes=changes, user_errors=[], replayed=True)
    return MutationPayload(
        revision=told["revision"],
        changes=changes,
        user_errors=[
            UserError(path=path, code=ErrorCode(code), message=message) for path, code, message in told["errors"]
        ],
        warnings=[as_problem(source, load_problem(text)) for text in told["warnings"]],
        replayed=True,
        first=told.get("first"),
    )
