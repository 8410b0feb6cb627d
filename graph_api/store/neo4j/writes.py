"""The write transaction: reads what a plan needs, then writes it."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from graph_api.access.audit import Event
from graph_api.access.keys import ApiKey
from graph_api.catalog.changes import SEEN, ChangeSet, SyncRun, SyncStatus
from graph_api.catalog.entity import Entity, EntityStatement, Link, LinkKey, LinkStatement, OwnerHow
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j import audit, cypher, idempotency, keys
from graph_api.store.neo4j.changes import Statement, statements_of
from graph_api.store.neo4j.database import Statements
from graph_api.store.neo4j.filters import relation_types
from graph_api.store.neo4j.records import entity_of, link_of
from graph_api.store.neo4j.runs import run_of
from graph_api.store.neo4j.sight import TRUE
from graph_api.store.protocol import Referenced, StoredAnswer
from graph_api.store.retention import Retention
from graph_api.store.rows import dump, dump_run, load_entity_statements, load_link_statements, load_owners

_ALL_TYPES = relation_types(RELATIONS)
_COUNTED = frozenset({SyncStatus.APPLIED, SyncStatus.CONFIRMED})


class Neo4jWrite:
    """Holds the catalog's lock from its first statement, so that no other writer runs."""

    def __init__(self, tx: Statements, retention: Retention) -> None:
        self._tx = tx
        self._retention = retention
        self.revision = tx.revision
        self.source_order = tx.source_order
        self.applied = False
        self.kept_aside = False
        """Whether it wrote what no reader of the catalog sees: keys, audit records and answers need no closed gate."""

    @property
    def _is_first(self) -> bool:
        """Nothing was written yet: the largest write of most catalogs need not ask what there was."""
        return self.revision == 0

    async def sources(self) -> Mapping[str, str]:
        return {row["name"]: row["connector"] for row in await self._tx.rows(cypher.CONNECTORS)}

    async def held_runs(self, source: str) -> list[SyncRun]:
        return [run_of(row) for row in await self._tx.rows(cypher.HELD_RUNS, source=source)]

    async def last_seen_at(self, source: str) -> str | None:
        rows = await self._tx.rows(cypher.LAST_SEEN_AT, source=source)
        return rows[0]["at"] if rows else None

    async def run(self, id_: str) -> SyncRun | None:
        rows = await self._tx.rows(cypher.RUN, id=id_)
        return run_of(rows[0]) if rows else None

    async def said_by(self, source: str) -> tuple[dict[Ref, EntityStatement], dict[LinkKey, LinkStatement]]:
        if self._is_first:
            return {}, {}
        entity_texts = await self._tx.rows(cypher.SAID_ENTITIES, source=source)
        said_links = await self._tx.rows(cypher.SAID_LINKS.format(types=_ALL_TYPES), source=source)
        entities = (load_entity_statements(text)[source] for text in entity_texts[0]["texts"])
        links = (
            said for *key, text in said_links[0]["links"] for said in load_link_statements(text, LinkKey(*key))[source]
        )
        return {said.ref: said for said in entities}, {said.key: said for said in links}

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        rows = (
            await self._tx.rows(cypher.ENTITIES.format(where=TRUE), refs=list(refs))
            if refs and not self._is_first
            else []
        )
        return {row["e"]["ref"]: entity_of(row["e"]) for row in rows}

    async def links(self, keys: Collection[LinkKey]) -> dict[LinkKey, Link]:
        if not keys or self._is_first:
            return {}
        rows = await self._tx.rows(cypher.LINKS, keys=[list(key) for key in keys])
        return {link.key: link for link in _links(rows)}

    async def links_at(self, refs: Collection[Ref], relations: Collection[str], direction: Direction) -> list[Link]:
        if not refs or not relations:
            return []
        query = cypher.LINKS_AT_OUT if direction is Direction.OUT else cypher.LINKS_AT_IN
        return _links(await self._tx.rows(query.format(types=relation_types(relations)), refs=list(refs)))

    async def referenced(self, refs: Collection[Ref]) -> dict[Ref, Referenced]:
        if not refs:
            return {}
        rows = await self._tx.rows(cypher.REFERENCED_LINKS, refs=list(refs))
        links = {row["ref"]: row["n"] for row in rows}
        inferred = dict.fromkeys(refs, 0)
        for text in (await self._tx.rows(cypher.REFERENCED_OWNERS, refs=list(refs)))[0]["texts"]:
            for ref in {owner.ref for owner in load_owners(text) if owner.how is OwnerHow.INFERRED}:
                if ref in inferred:
                    inferred[ref] += 1
        return {ref: Referenced(links.get(ref, 0), inferred[ref]) for ref in refs}

    async def in_repositories(self, repositories: Collection[Ref] | None) -> list[Ref]:
        if repositories is None:
            rows = await self._tx.rows(cypher.IN_ANY_REPOSITORY)
        else:
            rows = await self._tx.rows(cypher.IN_REPOSITORIES, refs=list(repositories))
        return [row["ref"] for row in rows]

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        return {} if self._is_first else await resolve(self._tx, identifiers)

    async def shared(self) -> tuple[list[Ref], list[LinkKey]]:
        entities = await self._tx.rows(cypher.SHARED_ENTITIES)
        links = await self._tx.rows(cypher.SHARED_LINKS.format(types=_ALL_TYPES))
        return [row["ref"] for row in entities], [LinkKey(**row) for row in links]

    async def apply(self, changes: ChangeSet, run: SyncRun, at: str) -> int:
        await self._write(changes, at)
        await self._write_run(run)
        await self._tx.rows(cypher.PRUNE_RUNS, source=run.source, id=run.id, keep=self._retention.runs)
        self.applied = True
        return self.revision

    async def apply_part(self, changes: ChangeSet, at: str) -> None:  # noqa: ARG002
        raise CatalogError(ErrorCode.TOO_LARGE, "on Neo4j at most 500,000 changes fit one sync; split the source")

    async def applied_parts(self, after: Ref | None, limit: int) -> ChangeSet:  # noqa: ARG002
        return ChangeSet()

    async def apply_order(self, changes: ChangeSet, names: tuple[str, ...], at: str) -> int:
        await self._write(changes, at)
        await self._tx.rows(cypher.SET_ORDER, names=list(names))
        self.applied = True
        return self.revision

    async def answer_of(self, key: str) -> StoredAnswer | None:
        return await idempotency.answer_of(self._tx, key)

    async def keep_answer(self, answer: StoredAnswer, seconds: float) -> None:
        await idempotency.keep(self._tx, answer, seconds)
        self.kept_aside = True

    async def record(self, event: Event) -> None:
        await audit.record(self._tx, event)
        self.kept_aside = True

    async def put_key(self, key: ApiKey) -> None:
        await keys.put(self._tx, key)
        self.kept_aside = True

    async def _write(self, changes: ChangeSet, at: str) -> None:
        if not changes:
            return
        self.revision += 1
        await self._run_all(statements_of(changes, self.revision, at))
        if changes.removed:
            await self._tx.rows(cypher.OLD_REMOVALS, keep=self._retention.removed, revision=self.revision)

    async def _run_all(self, statements: Iterator[Statement]) -> None:
        """While the server works on one statement, a thread builds the rows of the next."""
        build = partial(asyncio.get_running_loop().run_in_executor, None, next, statements, None)
        following = build()
        try:
            while statement := await following:
                following = build()
                await self._tx.rows(statement.query, **statement.parameters)
        finally:
            following.cancel()

    async def _write_run(self, run: SyncRun) -> None:
        counts = run.counts
        counted = run.status in _COUNTED
        await self._tx.rows(
            cypher.WRITE_RUN,
            id=run.id,
            source=run.source,
            connector=run.connector,
            started_at=run.started_at,
            body=dump_run(replace(run, problems=())),
            problems=[dump(problem) for problem in run.problems],
            held=True if run.status is SyncStatus.HELD else None,
            payload=run.payload,
            entities=counts.entities_added - counts.entities_removed if counted else 0,
            links=counts.links_added - counts.links_removed if counted else 0,
            applied_at=run.finished_at if run.status in SEEN else None,
        )


async def resolve(tx: Statements, identifiers: Collection[str]) -> dict[str, list[Ref]]:
    found: dict[str, list[Ref]] = {}
    query = cypher.RESOLVE.format(where=tx.sight.node("e"))
    values = list(set(identifiers))
    for row in await tx.rows(query, identifiers=values, **tx.sight.parameters) if values else []:
        found.setdefault(row["value"], []).append(row["ref"])
    return found


def _links(rows: Iterable[Mapping[str, Any]]) -> list[Link]:
    return [link_of(row["link"]["source"], row["link"]["relation"], row["link"]["target"], row["link"]) for row in rows]
