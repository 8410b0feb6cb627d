"""Writes through the API: each speaks for one source, changes only its statements, and is all or nothing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graph_api.access.audit import Attempt, Outcome
from graph_api.catalog.changes import ChangeSet, Counts, SyncRun, SyncStatus
from graph_api.catalog.copies import altered
from graph_api.catalog.entity import Entity, EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.merge import API_CONNECTOR, SourceOrder
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.snapshot import Problem
from graph_api.catalog.times import utc_now
from graph_api.edit_problems import (
    UserError,
    declared_elsewhere,
    link_warnings,
    repeated,
    revision_errors,
    sort_problems,
)
from graph_api.errors import ErrorCode
from graph_api.guarding import Refusal, not_owned, refusals, seen_links
from graph_api.idempotency import Told
from graph_api.outranked import outranked
from graph_api.planning.restate import Edit, stated_links
from graph_api.planning.settle import settle
from graph_api.sources.codeowners import placed_by_annotations, urls_of_repositories
from graph_api.sources.descriptor_links import add_link, read_links
from graph_api.sources.descriptors import Reading, read_descriptor
from graph_api.sources.fields import Fields, Origin
from graph_api.standing import declared_rows, stated_rows
from graph_api.store.protocol import Store, WriteTransaction
from graph_api.store.rows import dump
from graph_api.writing import foreign_connector, new_run_id, write

FEW = 100
"""Entities or links that are written so fast that others may wait for them to be committed together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditReport:
    """What an edit did. With any user error nothing was written and `changes` is empty. `revision` is the catalog's
    afterwards, `first` the entity that the request names first.
    """

    changes: ChangeSet
    errors: Sequence[UserError]
    warnings: Sequence[Problem]
    revision: int
    first: Ref | None = None

    def told(self) -> Told:
        return {
            "revision": self.revision,
            "changes": self.changes.operations(),
            "errors": [(error.path, error.code, error.message) for error in self.errors],
            "warnings": [dump(problem) for problem in self.warnings],
            "first": self.first,
        }


@dataclass(frozen=True, slots=True)
class EntityPut:
    """A descriptor document to state, whole; `expected_revision` 0: it must not be declared yet."""

    document: dict[str, Any]
    expected_revision: int | None = None


@dataclass(frozen=True, slots=True)
class EntityRemoval:
    ref: Ref
    expected_revision: int | None = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """An edit with what is wrong with it. `named` are the refs that the request names, by place: the entities, or where
    the links start; they may be `new`.
    """

    edit: Edit
    named: Sequence[tuple[tuple[str, ...], Ref]]
    errors: Sequence[UserError] = ()
    warnings: Sequence[Problem] = ()
    new: bool = False
    rows: Mapping[Ref, Entity] = field(default_factory=dict)
    """The named entities before the edit."""


async def put_entities(
    store: Store, order: SourceOrder, source: str, puts: Sequence[EntityPut], *, by: Attempt, dry_run: bool
) -> EditReport:
    """State these entities with the links of their specs; what this source said of them before is replaced."""

    async def draft(tx: WriteTransaction, now: str) -> _Draft:
        return await _draft_puts(tx, source, puts, now)

    return await _edit(store, order, draft, by=by, dry_run=dry_run, small=len(puts) <= FEW)


async def remove_entities(
    store: Store, order: SourceOrder, source: str, removals: Sequence[EntityRemoval], *, by: Attempt, dry_run: bool
) -> EditReport:
    """Withdraw this source's statements of these entities, with the links of their specs."""

    async def draft(tx: WriteTransaction, now: str) -> _Draft:
        return await _draft_removals(tx, source, removals, now)

    return await _edit(store, order, draft, by=by, dry_run=dry_run, small=len(removals) <= FEW)


async def put_links(
    store: Store, order: SourceOrder, source: str, links: Sequence[LinkStatement], *, by: Attempt, dry_run: bool
) -> EditReport:
    """State these links; what this source said of them before is replaced."""

    async def draft(tx: WriteTransaction, now: str) -> _Draft:
        before = await stated_links(tx, source, {link.key for link in links})
        edit = Edit(source, {}, {link.key: _first_seen(link, before, now) for link in links})
        return _Draft(edit, _starts(link.key for link in links), repeated(links), link_warnings(links))

    return await _edit(store, order, draft, by=by, dry_run=dry_run, small=len(links) <= FEW)


async def remove_links(
    store: Store, order: SourceOrder, source: str, keys: Sequence[LinkKey], *, by: Attempt, dry_run: bool
) -> EditReport:
    """Withdraw this source's statements of these links."""

    async def draft(tx: WriteTransaction, _: str) -> _Draft:
        standing = await _standing_keys(tx, keys)
        before = await seen_links(tx, by, await tx.links(standing))
        errors = []
        for place, key in enumerate(standing):
            link = before.get(key)
            if link is None:
                errors.append(UserError(("links", str(place)), ErrorCode.NOT_FOUND, "there is no such link"))
            elif source not in link.statements:
                errors.append(declared_elsewhere(("links", str(place)), link.statements))
        stated = [said.key for link in before.values() for said in link.statements.get(source, ())]
        return _Draft(Edit(source, {}, dict.fromkeys(stated)), _starts(keys), errors)

    return await _edit(store, order, draft, by=by, dry_run=dry_run, small=len(keys) <= FEW)


async def _standing_keys(tx: WriteTransaction, keys: Sequence[LinkKey]) -> list[LinkKey]:
    """Return the keys under which links stand that were put with other refs of their ends."""
    rows = await stated_rows(tx, {end for key in keys for end in (key.source, key.target)})
    places = {ref: row.ref for ref, row in rows.items()}
    return [
        key._replace(source=places.get(key.source, key.source), target=places.get(key.target, key.target))
        for key in keys
    ]


async def _edit(
    store: Store,
    order: SourceOrder,
    draft_at: Callable[[WriteTransaction, str], Awaitable[_Draft]],
    *,
    by: Attempt,
    dry_run: bool,
    small: bool,
) -> EditReport:
    now = utc_now()

    async def work(tx: WriteTransaction) -> EditReport:
        return await _finish(tx, order, await draft_at(tx, now), by, now, dry_run=dry_run)

    return await write(store, order, work, idempotency=by.idempotency, dry_run=dry_run, small=small)


async def _draft_puts(tx: WriteTransaction, source: str, puts: Sequence[EntityPut], now: str) -> _Draft:
    origin = _items(now)
    readings = [read_descriptor(put.document, origin) for put in puts]
    stated = await _placed(tx, [row.entity for row in readings if row.entity])
    named = [(("entities", str(place)), row.entity.ref) for place, row in enumerate(readings) if row.entity]
    rows = await declared_rows(tx, [ref for _, ref in named])
    entities: dict[Ref, EntityStatement | None] = {}
    before: dict[Ref, EntityStatement | None] = {}
    links: list[LinkStatement] = []
    errors: list[UserError] = []
    warnings: list[Problem] = []
    for place, (put, reading) in enumerate(zip(puts, readings, strict=True)):
        path = ("entities", str(place))
        wrong, unusual = sort_problems(path, reading)
        errors += wrong
        warnings += unusual
        if reading.entity is None:
            continue
        statement = stated[reading.entity.ref]
        row = rows.get(statement.ref)
        if statement.ref in entities:
            errors.append(UserError(path, ErrorCode.INVALID, f"{statement.ref} is given twice"))
        errors += revision_errors(path, put.expected_revision, row)
        said = row.statements.get(source) if row else None
        before[statement.ref] = said
        entities[statement.ref] = altered(statement, first_seen=said.first_seen) if said else statement
        links += reading.links
    edit = Edit(source, entities, await _links_after(tx, source, before, links, now))
    return _Draft(edit, named, errors, warnings, new=True, rows=rows)


async def _placed(tx: WriteTransaction, statements: Sequence[EntityStatement]) -> dict[Ref, EntityStatement]:
    """Return the statements by ref, with the repositories that their annotations name: what bears the URL, whoever
    declares it.
    """
    urls = urls_of_repositories(statements)
    found = await tx.resolve(urls) if urls else {}
    repositories = {url: [ref for ref in refs if kind_of(ref) == "repository"] for url, refs in found.items()}
    known = {url: refs[0] for url, refs in repositories.items() if len(refs) == 1}
    return {said.ref: said for said in placed_by_annotations(statements, known)}


async def _draft_removals(tx: WriteTransaction, source: str, removals: Sequence[EntityRemoval], now: str) -> _Draft:
    rows = await declared_rows(tx, [removal.ref for removal in removals])
    named = [(("entities", str(place)), removal.ref) for place, removal in enumerate(removals)]
    errors: list[UserError] = []
    withdrawn: dict[Ref, EntityStatement | None] = {}
    for (path, ref), removal in zip(named, removals, strict=True):
        row = rows.get(ref)
        errors += _removal_errors(path, source, removal, row)
        if said := row.statements.get(source) if row else None:
            withdrawn[said.ref] = said
    edit = Edit(source, dict.fromkeys(withdrawn), await _links_after(tx, source, withdrawn, [], now))
    return _Draft(edit, named, errors)


def _removal_errors(path: tuple[str, ...], source: str, removal: EntityRemoval, row: Entity | None) -> list[UserError]:
    if row is None or not row.declared:
        return [UserError(path, ErrorCode.NOT_FOUND, f"nothing declares {removal.ref}")]
    if source not in row.statements:
        return [declared_elsewhere(path, row.statements)]
    return revision_errors(path, removal.expected_revision, row)


async def _links_after(
    tx: WriteTransaction,
    source: str,
    before: Mapping[Ref, EntityStatement | None],
    new: Sequence[LinkStatement],
    now: str,
) -> dict[LinkKey, LinkStatement | None]:
    """Return what this source says, after the edit, of the links that the edited entities' specs told `before` or tell
    now.

    A link that was put by itself stands as it is; one that the other end's spec tells too stays.
    """
    keys = {link.key for said in before.values() if said for link in _links_said_with(said, now)}
    keys |= {link.key for link in new}
    stated = await stated_links(tx, source, keys)
    after = {key: said for key, said in stated.items() if said.document == API_CONNECTOR}
    told_by_specs = keys - after.keys()
    others = await stated_rows(tx, {ref for key in told_by_specs for ref in (key.source, key.target)} - before.keys())
    said_there = (row.statements.get(source) for row in others.values())
    # Where two ends are one thing, what stands there may be what is edited.
    specs = [said for said in said_there if said and said.ref not in before]
    for link in [*(link for said in specs for link in _links_said_with(said, now)), *new]:
        if link.key in told_by_specs:
            add_link(after, link)
    return {key: _first_seen(after[key], stated, now) if key in after else None for key in keys}


def read_document(document: dict[str, Any]) -> Reading:
    """Read a descriptor out of a snapshot. Its links are told by its spec, other than those that the snapshot lists."""
    return read_descriptor(document, Origin(API_CONNECTOR, of_items=True))


def _items(now: str) -> Origin:
    """Return the origin of descriptors that are stated one by one."""
    return Origin(API_CONNECTOR, of_items=True, first_seen=now)


def _links_said_with(statement: EntityStatement, now: str) -> Iterable[LinkStatement]:
    """Return the links that the statement's own spec states."""
    fields = Fields({"spec": statement.spec}, _items(now), statement.ref, statement.document)
    return read_links(statement.ref, fields).values()


def _first_seen(link: LinkStatement, before: Mapping[LinkKey, LinkStatement], now: str) -> LinkStatement:
    old = before.get(link.key)
    first_seen = old.first_seen if old else now
    return link if link.first_seen == first_seen else altered(link, first_seen=first_seen)


async def _finish(
    tx: WriteTransaction, order: SourceOrder, draft: _Draft, by: Attempt, now: str, *, dry_run: bool
) -> EditReport:
    if refused := await not_owned(tx, by, [ref for _, ref in draft.named], order.restrictions, new=draft.new):
        return _failed(tx, draft, _at_their_places(refused, draft))
    foreign = await foreign_connector(tx, draft.edit.source, API_CONNECTOR)
    errors = [UserError(("source",), ErrorCode.DECLARED_ELSEWHERE, foreign)] if foreign else []
    if errors := [*errors, *draft.errors]:
        return _failed(tx, draft, errors)
    changes = await settle(tx, draft.edit, order)
    if refused := await refusals(tx, by, changes, order.restrictions):
        return _failed(tx, draft, _at_their_places(refused, draft))
    after = {row.ref: row for row in (*draft.rows.values(), *changes.entities)}
    draft = replace(draft, warnings=[*draft.warnings, *await outranked(tx, draft.edit, after.values())])
    revision = tx.revision if dry_run else await _write(tx, draft, changes, by, now)
    first = draft.named[0][1] if draft.named else None
    return EditReport(changes=changes, errors=(), warnings=draft.warnings, revision=revision, first=first)


async def _write(tx: WriteTransaction, draft: _Draft, changes: ChangeSet, by: Attempt, now: str) -> int:
    """The catalog's revision afterwards. Sources stay for good: one that says nothing is not made known."""
    source = draft.edit.source
    if not changes and await tx.connector(source) is None:
        await tx.record(by.ended(Outcome.APPLIED, utc_now(), source=source, revision=tx.revision))
        return tx.revision
    run = await _run(tx, draft, changes, now)
    revision = await tx.apply(changes, run, now)
    await tx.record(by.wrote(run, changes))
    return revision


def _failed(tx: WriteTransaction, draft: _Draft, errors: Sequence[UserError]) -> EditReport:
    return EditReport(changes=ChangeSet(), errors=errors, warnings=draft.warnings, revision=tx.revision)


def _at_their_places(refused: Sequence[Refusal], draft: _Draft) -> list[UserError]:
    places = {ref: path for path, ref in reversed(draft.named)}
    anywhere = draft.named[0][0][:1] if draft.named else ()
    return [
        UserError(places.get(row.ref, anywhere) if row.ref else anywhere, ErrorCode.FORBIDDEN, row.message)
        for row in refused
    ]


def _starts(keys: Iterable[LinkKey]) -> list[tuple[tuple[str, ...], Ref]]:
    return [(("links", str(place)), key.source) for place, key in enumerate(keys)]


async def _run(tx: WriteTransaction, draft: _Draft, changes: ChangeSet, now: str) -> SyncRun:
    return SyncRun(
        id=new_run_id(),
        source=draft.edit.source,
        connector=API_CONNECTOR,
        status=SyncStatus.APPLIED if changes else SyncStatus.UNCHANGED,
        started_at=now,
        finished_at=utc_now(),
        revision=tx.revision + bool(changes),
        counts=await _counts(tx, draft.edit),
        problems=tuple(draft.warnings),
    )


async def _counts(tx: WriteTransaction, edit: Edit) -> Counts:
    """Statements added, changed and removed, by what the source said of the same things before."""
    rows = await tx.entities(edit.entities.keys())
    links = await stated_links(tx, edit.source, edit.links.keys())
    entities = [(ref in rows and edit.source in rows[ref].statements, new) for ref, new in edit.entities.items()]
    stated = [(key in links, new) for key, new in edit.links.items()]
    return Counts(
        entities_added=sum(new is not None and not old for old, new in entities),
        entities_changed=sum(new is not None and old for old, new in entities),
        entities_removed=sum(new is None and old for old, new in entities),
        links_added=sum(new is not None and not old for old, new in stated),
        links_changed=sum(new is not None and old for old, new in stated),
        links_removed=sum(new is None and old for old, new in stated),
    )
