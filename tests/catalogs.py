"""Rows for tests, as short to write as they are to read: bare names are components, `a>b` is a link."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from graph_api.catalog.changes import ChangeSet, SyncRun, SyncStatus
from graph_api.catalog.entity import Criticality, Entity, EntityStatement, Link, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref, split_ref
from graph_api.planning.thread import in_thread
from graph_api.store.protocol import Store, WriteTransaction

AT = "2026-01-01T00:00:00.000Z"

_run_numbers = count(1)


def ref(name: str) -> Ref:
    return Ref(name if ":" in name else f"component:default/{name}")


def refs(names: str) -> list[Ref]:
    return [ref(name) for name in names.split()]


def entity(name: str, /, *, sources: Sequence[str] = ("files",), **fields: Any) -> Entity:
    """A declared entity with a short statement of each source."""
    parts = split_ref(ref(name))
    statements = {
        source: EntityStatement(
            ref=ref(name),
            name=parts.name,
            kind=parts.kind,
            document="catalog-info.yaml",
            location="catalog-info.yaml:1",
        )
        for source in sources
    }
    values = parts._asdict() | {"declared": True, "statements": statements} | fields
    return Entity(ref=ref(name), **values)


def link(
    source: str,
    target: str,
    relation: str = "DEPENDS_ON",
    *,
    environment: str | None = None,
    sources: Sequence[str] = ("files",),
    **fields: Any,
) -> Link:
    key = LinkKey(ref(source), relation, ref(target), environment)
    statement = LinkStatement(key=key, document="catalog-info.yaml", location="catalog-info.yaml:1")
    return Link(key=key, statements=dict.fromkeys(sources, (statement,)), **fields)


def links(text: str, relation: str = "DEPENDS_ON", **fields: Any) -> list[Link]:
    """`a>b` is a HARD link, `a~b` a SOFT one."""
    found = []
    for word in text.split():
        hard = ">" in word
        source, target = word.split(">" if hard else "~")
        criticality = Criticality.HARD if hard else Criticality.SOFT
        found.append(link(source, target, relation, criticality=criticality, **fields))
    return found


def with_ends(links: Iterable[Link], *entities: Entity) -> ChangeSet:
    """The links and entities, with a plain entity for each end that is not among them."""
    links = list(links)
    rows = {end: entity(end) for link in links for end in (link.key.source, link.key.target)}
    rows |= {row.ref: row for row in entities}
    return ChangeSet(entities=list(rows.values()), links=links)


def sync_run(**fields: Any) -> SyncRun:
    """An applied run with an id of its own."""
    values: dict[str, Any] = {
        "id": f"run-{next(_run_numbers):06}",
        "source": "files",
        "connector": "files",
        "status": SyncStatus.APPLIED,
        "started_at": AT,
        "finished_at": AT,
        "revision": 0,
    }
    return SyncRun(**values | fields)


async def write(store: Store, changes: ChangeSet, *, at: str = AT, **run_fields: Any) -> int:
    """Apply in a transaction of its own, as plans do; the catalog's revision afterwards."""

    async def work(transaction: WriteTransaction) -> int:
        planned = await as_planned(transaction, changes)
        run = sync_run(**{"revision": transaction.revision + bool(planned)} | run_fields)
        return await transaction.apply(planned, run, at)

    async with store.write() as transaction:
        return await in_thread(transaction, work)


async def as_planned(transaction: WriteTransaction, changes: ChangeSet) -> ChangeSet:
    """As a plan gives it: rows of what is there have its stamps."""
    entities = await transaction.entities([row.ref for row in changes.entities])
    links = await transaction.links([link.key for link in changes.links])
    return replace(
        changes,
        entities=[
            replace(row, created_revision=entities[row.ref].created_revision) if row.ref in entities else row
            for row in changes.entities
        ],
        links=[
            replace(link, revision=links[link.key].revision) if link.key in links else link for link in changes.links
        ],
    )
