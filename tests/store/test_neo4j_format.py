"""Databases that another version wrote."""

from dataclasses import replace

import neo4j
import orjson
import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import LinkKey
from graph_api.catalog.filters import ALL, LinkCompare, Op
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError
from graph_api.store.neo4j import preparing
from graph_api.store.neo4j.cypher import FORMAT
from graph_api.store.protocol import Store
from tests.catalogs import entity, link, ref, refs, with_ends, write
from tests.conftest import OpenStore

on_neo4j = pytest.mark.parametrize("open_store", ["neo4j"], indirect=True)

OLDER = """
MATCH (a:Entity {ref: $source})-[r:DEPENDS_ON]->(:Entity {ref: $target})
SET r.criticality = 'HARD', r.confidence = 1.0, r.statements = replace(r.statements, '{', '{"key":' + $key + ',')
WITH r MATCH (c:Catalog) SET c.format = 1 RETURN r.statements AS statements
"""


@on_neo4j
async def test_links_of_the_older_format_are_read(store: Store, neo4j_driver: neo4j.Driver) -> None:
    row = link("a", "b")
    await write(store, with_ends([row]))
    key = orjson.dumps(tuple(row.key)).decode()
    found = neo4j_driver.execute_query(OLDER, source=ref("a"), target=ref("b"), key=key)
    assert '"key":[' in found.records[0]["statements"]
    hard = LinkCompare("criticality", Op.EQ, "HARD")
    (neighbour,) = (await store.neighbours(refs("a"), Direction.OUT, ["DEPENDS_ON"], hard))[ref("a")]
    assert neighbour.link == replace(row, revision=1)
    assert neighbour.link.statements == row.statements
    async with store.write() as tx:
        said = await tx.said_by("files")
    assert (said[1][row.key],) == row.statements["files"]


@on_neo4j
async def test_a_database_of_a_newer_format_is_refused(store: Store, neo4j_driver: neo4j.Driver) -> None:
    await write(store, with_ends([link("a", "b")]))
    neo4j_driver.execute_query("MATCH (c:Catalog) SET c.format = 99")
    try:
        with pytest.raises(CatalogError, match="format 99"):
            await store.ping()
    finally:
        neo4j_driver.execute_query("MATCH (c:Catalog) SET c.format = $ours", ours=FORMAT)


UNLABELLED = """
MATCH (e:Entity) REMOVE e:$([label IN labels(e) WHERE label STARTS WITH 'Said'])
WITH count(e) AS _ MATCH (c:Catalog) SET c.format = 4, c.oldest = 4
"""


@on_neo4j
async def test_what_a_source_says_is_found_in_an_older_database(
    store: Store, open_store: OpenStore, neo4j_driver: neo4j.Driver
) -> None:
    needs, uses = link("a", "b", sources=("files",)), link("a", "c", sources=("scans",))
    await write(store, with_ends([needs], entity("c", sources=("files", "wiki"))))
    for source in ("scans", "wiki"):
        await write(store, ChangeSet(entities=[entity("a")], links=[uses]), source=source)
    before = {source: await said(store, source) for source in ("files", "scans", "wiki", "unheard")}
    assert before == {
        "files": (refs("a b c"), [needs.key]),
        "scans": ([], [uses.key]),
        "wiki": (refs("c"), []),
        "unheard": ([], []),
    }
    neo4j_driver.execute_query(UNLABELLED)
    assert await said(store, "files") == ([], [])
    newer = await open_store()
    assert {source: await said(newer, source) for source in before} == before


async def said(store: Store, source: str) -> tuple[list[Ref], list[LinkKey]]:
    async with store.write() as tx:
        found = await tx.said_by(source)
    return sorted(found.entities), list(found.links)


WORDLESS = "MATCH (e:Entity) REMOVE e.words WITH count(e) AS _ MATCH (c:Catalog) SET c.format = 6, c.oldest = 6"


@on_neo4j
async def test_words_that_marks_join_are_found_in_an_older_database(
    store: Store, open_store: OpenStore, neo4j_driver: neo4j.Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "AT_ONCE", 2)
    joined = [entity(f"orders.gateway{number}") for number in range(5)]
    await write(store, ChangeSet(entities=[*joined, entity("plain")]))
    neo4j_driver.execute_query(WORDLESS)
    newer = await open_store()
    assert sorted(await newer.search("gateway", ALL)) == [row.ref for row in joined]
    assert await newer.search("plain", ALL) == [ref("plain")]
