"""Writes: each speaks for one source, is all or nothing, and answers with what changed or what is wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from graph_api import edit_problems, edits
from graph_api.catalog.entity import Criticality, EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.merge import API_CONNECTOR, API_SOURCE
from graph_api.catalog.ref import Ref, environment_name
from graph_api.catalog.snapshot import Snapshot
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql import inputs
from graph_api.graphql.arguments import DryRun, IdempotencyKey, SourceName, described
from graph_api.graphql.batches import batched
from graph_api.graphql.context import Info
from graph_api.graphql.payloads import MutationPayload, SyncPayload, UserError, edit_payload, sync_payload, user_error
from graph_api.graphql.refs import parse_ref_input
from graph_api.sources.codeowners import placed_by_annotations
from graph_api.sources.descriptor_links import add_link
from graph_api.sources.fields import MAX_TEXT, content_problem
from graph_api.sync import confirm_sync, sync

MAX_ITEMS = 10_000


@batched
@strawberry.input(description="An entity as a descriptor states it; relations stand in `spec` (dependsOn, owner, ...).")
class EntityInput:
    kind: str = strawberry.field(description="Such as Component; see catalogSchema.")
    name: str = strawberry.field(description="At most 63 letters, digits, and inner - _ .")
    namespace: str | None = strawberry.field(default=None, description="`default` when left out.")
    title: str | None = strawberry.field(default=None, description="A name for people.")
    description: str | None = strawberry.field(default=None, description="What it is.")
    tags: list[str] | None = strawberry.field(default=None, description="Tags.")
    labels: JSON | None = strawberry.field(default=None, description="An object of texts.")
    annotations: JSON | None = strawberry.field(default=None, description="An object of texts.")
    links: JSON | None = strawberry.field(default=None, description="A list of {url, title, icon, type}.")
    spec: JSON | None = strawberry.field(default=None, description="Everything else, as in a descriptor file.")
    expected_revision: int | None = strawberry.field(
        default=None, description="The entity's revision as last read; 0: it must not exist. CONFLICT otherwise."
    )

    def document(self) -> dict[str, Any]:
        metadata = {
            "name": self.name,
            "namespace": self.namespace,
            "title": self.title,
            "description": self.description,
            "tags": self.tags,
            "labels": self.labels,
            "annotations": self.annotations,
            "links": self.links,
        }
        return {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": self.kind,
            "metadata": {name: value for name, value in metadata.items() if value is not None},
            "spec": {} if self.spec is None else self.spec,
        }


@batched
@strawberry.input(description="An entity to withdraw.")
class EntityRemovalInput:
    ref: str = strawberry.field(description="Its ref.")
    expected_revision: int | None = strawberry.field(default=None, description="The entity's revision as last read.")


@batched
@strawberry.input(description="A link's identity, along the arrow: from the dependent to what it needs.")
class LinkKeyInput:
    source: str = strawberry.field(name="from", description="The ref where the arrow starts.")
    relation: inputs.RelationName = strawberry.field(description="The relation.")
    target: str = strawberry.field(name="to", description="The ref where the arrow ends.")
    environment: str | None = strawberry.field(
        default=None, description="The name, or the ref, of the environment that it holds in."
    )

    def key(self) -> LinkKey:
        environment = environment_name(self.environment) if self.environment else self.environment
        return LinkKey(parse_ref_input(self.source), self.relation.value, parse_ref_input(self.target), environment)


@batched
@strawberry.input(description="A link with its properties.")
class LinkInput(LinkKeyInput):
    criticality: Criticality | None = strawberry.field(default=None, description="Unset counts as HARD.")
    confidence: float | None = strawberry.field(default=None, description="From 0 to 1; unset counts as 1.")
    properties: JSON | None = strawberry.field(default=None, description="An object of texts, numbers and booleans.")

    def statement(self, source: str) -> LinkStatement:
        properties: Any = {} if self.properties is None else self.properties
        if not isinstance(properties, dict):
            raise CatalogError(ErrorCode.INVALID, "`properties` is an object")
        if any(isinstance(value, dict | list) for value in properties.values()):
            raise CatalogError(ErrorCode.INVALID, "the values of `properties` are texts, numbers and booleans")
        if problem := content_problem([properties, self.environment]):
            raise CatalogError(ErrorCode.INVALID, f"a link cannot be stored: {problem[1]}")
        if self.environment is not None and not 1 <= len(self.environment) <= MAX_TEXT:
            raise CatalogError(ErrorCode.INVALID, f"`environment` has 1 to {MAX_TEXT:,} characters or is left out")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise CatalogError(ErrorCode.INVALID, f"`confidence` goes from 0 to 1; got {self.confidence}")
        return LinkStatement(
            key=self.key(),
            document=API_CONNECTOR,
            location=source,
            criticality=self.criticality,
            confidence=self.confidence,
            properties=properties,
        )


def _check(source: str, *batches: list[Any]) -> None:
    if not source.strip() or len(source) > 200 or not source.isprintable():
        raise CatalogError(ErrorCode.BAD_INPUT, "`source` is a printable name of 1 to 200 characters")
    for batch in batches:
        if len(batch) > MAX_ITEMS:
            raise CatalogError(ErrorCode.TOO_LARGE, f"a batch holds at most {MAX_ITEMS:,} items; got {len(batch):,}")


def _each(items: list[Any], name: str, read: Callable[[Any], Any]) -> tuple[list[Any], list[edit_problems.UserError]]:
    """Read every item; those that are wrong become user errors with their path."""
    values, errors = [], []
    for place, item in enumerate(items):
        try:
            values.append(read(item))
        except CatalogError as error:
            errors.append(edit_problems.UserError((name, str(place)), error.code, error.message))
    return values, errors


async def _edited(
    info: Info, edit: Callable[..., Awaitable[edits.EditReport]], source: str, items: list[Any], *, dry_run: bool
) -> MutationPayload:
    context = info.context
    report = await edit(context.catalog, context.source_order, source, items, by=context.attempt, dry_run=dry_run)
    return edit_payload(info, source, report)


async def _refused(info: Info, errors: list[edit_problems.UserError]) -> MutationPayload:
    revision = await info.context.store.revision()
    return MutationPayload(
        revision=revision, changes=[], user_errors=[user_error(error) for error in errors], warnings=[]
    )


# Every field is nullable, so that one that fails leaves the answers of those that have written before it.
@strawberry.type(
    description="Writes. Editors change what their teams own, ingestors what their source says, admins everything."
)
class Mutation:
    @strawberry.mutation(description="State entities; what the source said of them before is replaced.")
    async def put_entities(
        self,
        info: Info,
        entities: Annotated[list[EntityInput], described("At most 10,000.")],
        source: SourceName = API_SOURCE,
        dry_run: DryRun = False,
        idempotency_key: IdempotencyKey = None,  # noqa: ARG002 - gate.py has it
    ) -> MutationPayload | None:
        _check(source, entities)
        puts = [edits.EntityPut(entity.document(), entity.expected_revision) for entity in entities]
        return await _edited(info, edits.put_entities, source, puts, dry_run=dry_run)

    @strawberry.mutation(description="Withdraw the source's statements of entities.")
    async def remove_entities(
        self,
        info: Info,
        entities: Annotated[list[EntityRemovalInput], described("At most 10,000.")],
        source: SourceName = API_SOURCE,
        dry_run: DryRun = False,
        idempotency_key: IdempotencyKey = None,  # noqa: ARG002 - gate.py has it
    ) -> MutationPayload | None:
        _check(source, entities)
        removals, errors = _each(
            entities, "entities", lambda item: edits.EntityRemoval(parse_ref_input(item.ref), item.expected_revision)
        )
        if errors:
            return await _refused(info, errors)
        return await _edited(info, edits.remove_entities, source, removals, dry_run=dry_run)

    @strawberry.mutation(description="State links; what the source said of them before is replaced.")
    async def put_links(
        self,
        info: Info,
        links: Annotated[list[LinkInput], described("At most 10,000.")],
        source: SourceName = API_SOURCE,
        dry_run: DryRun = False,
        idempotency_key: IdempotencyKey = None,  # noqa: ARG002 - gate.py has it
    ) -> MutationPayload | None:
        _check(source, links)
        statements, errors = await asyncio.to_thread(_each, links, "links", lambda item: item.statement(source))
        if errors:
            return await _refused(info, errors)
        return await _edited(info, edits.put_links, source, statements, dry_run=dry_run)

    @strawberry.mutation(description="Withdraw the source's statements of links.")
    async def remove_links(
        self,
        info: Info,
        links: Annotated[list[LinkKeyInput], described("At most 10,000.")],
        source: SourceName = API_SOURCE,
        dry_run: DryRun = False,
        idempotency_key: IdempotencyKey = None,  # noqa: ARG002 - gate.py has it
    ) -> MutationPayload | None:
        _check(source, links)
        keys, errors = _each(links, "links", lambda item: item.key())
        if errors:
            return await _refused(info, errors)
        return await _edited(info, edits.remove_links, source, keys, dry_run=dry_run)

    @strawberry.mutation(
        description="Make a source say exactly this: what it said before and says no more is withdrawn; a plan that "
        "removes too much is HELD."
    )
    async def apply_snapshot(
        self,
        info: Info,
        source: SourceName,
        entities: Annotated[list[EntityInput], described("Everything that the source states.")],
        links: Annotated[list[LinkInput] | None, described("Links beside those in the specs.")] = None,
        dry_run: DryRun = False,
        idempotency_key: IdempotencyKey = None,  # noqa: ARG002 - gate.py has it
    ) -> SyncPayload | None:
        _check(source, entities, links or [])
        snapshot, errors = await asyncio.to_thread(_snapshot, source, entities, links or [])
        if errors:
            return SyncPayload(sync=None, changes=[], user_errors=[user_error(error) for error in errors])
        context = info.context
        try:
            report = await sync(context.catalog, snapshot, context.source_order, by=context.attempt, dry_run=dry_run)
        except CatalogError as error:
            if error.code not in (ErrorCode.DECLARED_ELSEWHERE, ErrorCode.FORBIDDEN):
                raise
            return _refused_sync(error, snapshot)
        return sync_payload(info, report)

    @strawberry.mutation(description="Apply a HELD sync, if its plan is still the same.")
    async def confirm_sync(
        self,
        info: Info,
        id: Annotated[strawberry.ID, described("The id of a HELD sync.")],
        idempotency_key: IdempotencyKey = None,  # noqa: ARG002 - gate.py has it
    ) -> SyncPayload | None:
        context = info.context
        report = await confirm_sync(context.catalog, id, context.source_order, by=context.attempt)
        return sync_payload(info, report)


def _refused_sync(error: CatalogError, snapshot: Snapshot) -> SyncPayload:
    """Return the error at the entities that it is about, where the request names them."""
    places = {str(ref): place for place, ref in enumerate(snapshot.entities)}
    named = [places[ref] for ref in error.details.get("refs", ()) if ref in places]
    paths = [["entities", str(place)] for place in named] or [["source"]]
    errors = [UserError(path=path, code=error.code, message=error.message) for path in paths]
    return SyncPayload(sync=None, changes=[], user_errors=errors)


def _snapshot(
    source: str, entities: list[EntityInput], links: list[LinkInput]
) -> tuple[Snapshot, list[edit_problems.UserError]]:
    stated: dict[Ref, EntityStatement] = {}
    statements, errors = _each(links, "links", lambda item: item.statement(source))
    errors = errors or edit_problems.repeated(statements)
    said: dict[LinkKey, LinkStatement] = {link.key: link for link in statements}
    problems = edit_problems.link_warnings(statements)
    for place, entity in enumerate(entities):
        path = ("entities", str(place))
        reading = edits.read_document(entity.document())
        refused, warnings = edit_problems.sort_problems(path, reading)
        errors += refused
        problems += warnings
        if reading.entity and reading.entity.ref in stated:
            errors.append(edit_problems.UserError(path, ErrorCode.INVALID, f"{reading.entity.ref} is given twice"))
        if reading.entity:
            stated[reading.entity.ref] = reading.entity
        for link in reading.links:
            add_link(said, link)
    snapshot = Snapshot(
        source=source,
        connector=API_CONNECTOR,
        entities={statement.ref: statement for statement in placed_by_annotations([*stated.values()])},
        links=said,
        problems=tuple(problems),
    )
    return snapshot, errors
