"""Sources, their runs, problems and changes, and the catalog's own schema."""

from typing import Any, cast

import strawberry
from strawberry import Parent
from strawberry.relay import PageInfo

from graph_api.catalog import changes as catalog
from graph_api.catalog.kinds import KINDS
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import RELATIONS
from graph_api.catalog.relations import Relation as CatalogRelation
from graph_api.catalog.snapshot import Problem as CatalogProblem
from graph_api.catalog.snapshot import ProblemCode
from graph_api.catalog.snapshot import Severity as ProblemSeverity
from graph_api.graphql.connections import Dated
from graph_api.graphql.context import Info
from graph_api.graphql.named import existing_entity
from graph_api.graphql.refs import global_id
from graph_api.graphql.times import Time
from graph_api.graphql.types import Entity

strawberry.enum(catalog.SyncStatus, description="How a run ended; HELD waits for confirmSync.")
strawberry.enum(catalog.ChangeOperation, description="What happened to an entity, earlier changes folded in.")
strawberry.enum(
    ProblemCode, description="Why a document or a part of it did not go in as written; see docs/descriptors.md."
)
strawberry.enum(
    ProblemSeverity,
    name="ProblemSeverity",
    description="REFUSED: nothing of the document went in. WARNING: the rest did. INFO: nothing to mend.",
)


@strawberry.type(description="Something that is wrong with what a source says.")
class Problem:
    source: str = strawberry.field(description="The source's name.")
    code: ProblemCode = strawberry.field(description="What kind of problem.")
    severity: ProblemSeverity = strawberry.field(description="How much of the document was lost by it.")
    message: str = strawberry.field(description="What, and how to mend it.")
    path: str = strawberry.field(description="The document.")
    line: int | None = strawberry.field(description="The line in it, from 1.")
    ref: str | None = strawberry.field(description="The entity it is about.")


def as_problem(source: str, row: CatalogProblem) -> Problem:
    return Problem(
        source=source,
        code=row.code,
        severity=row.severity,
        message=row.message,
        path=row.path,
        line=row.line,
        ref=row.ref,
    )


@strawberry.type(description="Statements of a source that a run adds, changes and removes.")
class SyncCounts:
    entities_added: int = strawberry.field(description="Entities stated for the first time.")
    entities_changed: int = strawberry.field(description="Entities stated differently.")
    entities_removed: int = strawberry.field(description="Entities not stated any more.")
    links_added: int = strawberry.field(description="Links stated for the first time.")
    links_changed: int = strawberry.field(description="Links stated differently.")
    links_removed: int = strawberry.field(description="Links not stated any more.")


def _run_problems(root: Parent[catalog.SyncRun]) -> list[Problem]:
    return [as_problem(root.source, row) for row in root.problems]


@strawberry.type(description="One run of a source.")
class Sync:
    id: strawberry.ID = strawberry.field(description="For confirmSync.")
    source: str = strawberry.field(description="The source's name.")
    connector: str = strawberry.field(description="The type of source.")
    status: catalog.SyncStatus = strawberry.field(description="How it ended.")
    message: str | None = strawberry.field(description="Why it was held or failed.")
    started_at: Time = strawberry.field(description="When it began.")
    finished_at: Time = strawberry.field(description="When it ended.")
    revision: int = strawberry.field(description="The catalog's revision after it.")
    counts: SyncCounts = strawberry.field(description="What it changed, or would change while HELD.")
    problems: list[Problem] = strawberry.field(resolver=_run_problems, description="What was wrong with its input.")


@strawberry.type(description="A source: one instance of a connector and everything it says.")
class Source:
    name: str = strawberry.field(description="Its name.")
    connector: str = strawberry.field(description="The type of source.")
    entities: int = strawberry.field(description="Entities that it states now.")
    links: int = strawberry.field(description="Links that it states now.")
    last_run: Sync = strawberry.field(description="Its newest run.")
    last_applied_at: Time | None = strawberry.field(description="When what it states now was last seen.")


def _ref_that_is_left(change: catalog.Change) -> Ref | None:
    """Return the ref, None for one that is removed: another entity may go by it."""
    return None if change.operation is catalog.ChangeOperation.REMOVED else change.ref


@strawberry.type(description="The latest thing that happened to an entity.")
class Change:
    entity_id: strawberry.ID = strawberry.field(
        resolver=lambda root: strawberry.ID(global_id(root.ref)),
        description="The entity's global id, also of one that is removed: a client's cache knows it by that.",
    )
    ref: str = strawberry.field(description="The entity's ref.")
    operation: catalog.ChangeOperation = strawberry.field(description="What happened.")
    revision: int = strawberry.field(description="The revision that did it.")
    at: Time = strawberry.field(description="When.")
    entity: Entity | None = strawberry.field(
        resolver=existing_entity(_ref_that_is_left), description="The entity now; null if removed."
    )


@strawberry.type(description="A change in a list.")
class ChangeEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: Change = strawberry.field(description="The change.")


@strawberry.type(description="Changes, oldest first.")
class ChangeConnection(Dated):
    edges: list[ChangeEdge] = strawberry.field(description="The changes of this page.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")

    @strawberry.field(description="The changes of this page.")
    def nodes(self) -> list[Change]:
        return [edge.node for edge in self.edges]


@strawberry.type(description="A sort of entity.")
class KindInfo:
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(description="What it stands for.")
    ownable: bool = strawberry.field(description="Counted by ownershipGaps and ownershipCoverage.")
    like: str | None = strawberry.field(
        description="Of a kind that the deployment adds: the kind whose places at the ends of links it may take."
    )


@strawberry.type(description="A descriptor field that states a relation.")
class RelationSpelling:
    field: str = strawberry.field(description="The field of spec.")
    points_to: bool = strawberry.field(description="True: the arrow starts at the entity with the field.")
    default_kind: str | None = strawberry.field(description="The kind of a ref that names none.")


def _spellings(root: Parent[CatalogRelation]) -> list[RelationSpelling]:
    return [
        RelationSpelling(field=row.field, points_to=row.direction == "OUT", default_kind=row.default_kind)
        for row in root.spellings
    ]


@strawberry.type(description="A relation, stored from the dependent to what it needs.")
class RelationInfo:
    name: str = strawberry.field(description="Its name, read along the arrow.")
    inverse: str = strawberry.field(description="Its name read against the arrow.")
    impact: bool = strawberry.field(description="Whether impact runs against it.")
    sources: list[str] = strawberry.field(
        resolver=lambda root: sorted(root.sources), description="Kinds where the arrow may start; empty: any."
    )
    targets: list[str] = strawberry.field(
        resolver=lambda root: sorted(root.targets), description="Kinds where the arrow may end; empty: any."
    )
    description: str = strawberry.field(description="What it means.")
    spellings: list[RelationSpelling] = strawberry.field(resolver=_spellings, description="Fields that state it.")


@strawberry.type(description="The registries of this catalog.")
class CatalogSchema:
    @strawberry.field(description="Every registered kind, built in or added by the deployment.")
    def kinds(self) -> list[KindInfo]:
        return cast("Any", list(KINDS.values()))

    @strawberry.field(description="Every relation.")
    def relations(self) -> list[RelationInfo]:
        return cast("Any", list(RELATIONS.values()))


@strawberry.type(description="A run in a list.")
class SyncEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: Sync = strawberry.field(description="The run.")


@strawberry.type(description="Runs, newest first.")
class SyncConnection(Dated):
    edges: list[SyncEdge] = strawberry.field(description="The runs of this page.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")

    @strawberry.field(description="The runs of this page.")
    def nodes(self) -> list[Sync]:
        return [edge.node for edge in self.edges]


@strawberry.type(description="A problem in a list.")
class ProblemEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: Problem = strawberry.field(description="The problem.")


@strawberry.type(description="Problems of the last run of each source, by source, path and line.")
class ProblemConnection(Dated):
    edges: list[ProblemEdge] = strawberry.field(description="The problems of this page.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")
    asked_source: strawberry.Private[str | None]

    @strawberry.field(description="How many there are; costs only when asked.")
    async def total_count(self, info: Info) -> int:
        return await info.context.store.count_problems(self.asked_source)

    @strawberry.field(description="The problems of this page.")
    def nodes(self) -> list[Problem]:
        return [edge.node for edge in self.edges]
