"""What a plan reads of the entities and links that it changes."""

from collections.abc import Collection

from graph_api.catalog.entity import Entity, Link, LinkKey, OwnerHow
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.store.lookups import SAID, Referenced, Said, SaidPlace
from graph_api.store.neo4j import cypher, cypher_lookups
from graph_api.store.neo4j.filters import relation_types
from graph_api.store.neo4j.labels import label_of
from graph_api.store.neo4j.projection import WHOLE, link_of
from graph_api.store.neo4j.sight import TRUE
from graph_api.store.neo4j.statements import Statements, in_batches
from graph_api.store.rows import load_entity_statements, load_link_statements, load_owners

_ALL_TYPES = relation_types(RELATIONS)
_LINKS, _ENTITIES = 5_000, 500
"""Rows that one statement holds at once; some entities have documents of megabytes."""


class Neo4jLookups:
    """Implements Lookups. `is_first`: nothing was written yet, so that the largest write of most catalogs need not ask
    what there was.
    """

    def __init__(self, tx: Statements) -> None:
        self._tx = tx
        self.is_first = tx.revision == 0

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        if not refs or self.is_first:
            return {}
        return {row.ref: row for row in await entities(self._tx, refs)}

    async def links(self, keys: Collection[LinkKey]) -> dict[LinkKey, Link]:
        if not keys or self.is_first:
            return {}
        return {link.key: link for link in await links(self._tx, keys)}

    async def links_at(self, refs: Collection[Ref], relations: Collection[str], direction: Direction) -> list[Link]:
        if not refs or not relations:
            return []
        query = cypher.LINKS_AT_OUT if direction is Direction.OUT else cypher.LINKS_AT_IN
        rows = await self._tx.rows(query.format(types=relation_types(relations)), refs=list(refs))
        return [link_of(row["link"]) for row in rows]

    async def referenced(self, refs: Collection[Ref]) -> dict[Ref, Referenced]:
        if not refs:
            return {}
        links = dict(await self._tx.packed(cypher.REFERENCED_LINKS, refs=list(refs)))
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
        return {} if self.is_first else await resolve(self._tx, identifiers)

    async def said_by(self, source: str, after: SaidPlace = None, limit: int = SAID) -> Said:
        """Return what the source states; `after` is the ref of a row."""
        if self.is_first:
            return Said({}, {}, None)
        skeleton = cypher_lookups.MORE_SAID_BY if after else cypher_lookups.SAID_BY
        query = skeleton.format(label=label_of(source), types=_ALL_TYPES)
        (page,) = await self._tx.rows(query, source=source, after=after or "", limit=limit)
        entities = [load_entity_statements(text)[source] for text in page["texts"]]
        links = [
            said
            for left in page["links"]
            for *key, text in left
            for said in load_link_statements(text, LinkKey(*key))[source]
        ]
        more = page["last"] if page["count"] == limit else None
        return Said({said.ref: said for said in entities}, {said.key: said for said in links}, more)


async def resolve(tx: Statements, identifiers: Collection[str]) -> dict[str, list[Ref]]:
    found: dict[str, list[Ref]] = {}
    query = cypher.RESOLVE.format(where=tx.sight.node("e"))
    values = list(set(identifiers))
    for value, ref in await tx.packed(query, identifiers=values, **tx.sight.parameters) if values else []:
        found.setdefault(value, []).append(ref)
    return found


async def entities(tx: Statements, refs: Collection[Ref]) -> list[Entity]:
    """Return those of these entities that exist, whole."""
    query = cypher.ENTITIES.format(where=TRUE, entity=WHOLE.text)
    return [WHOLE.entity(row) for some in in_batches(refs, _ENTITIES) for row in await tx.packed(query, refs=some)]


async def links(tx: Statements, keys: Collection[LinkKey]) -> list[Link]:
    """Return those of these links that exist."""
    rows = [
        row for some in in_batches(keys, _LINKS) for row in await tx.packed(cypher.LINKS, keys=list(map(list, some)))
    ]
    return list(map(link_of, rows))
