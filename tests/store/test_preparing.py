"""A store is made ready by many at once, brought to a newer format by one, and known again later."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import neo4j
import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.filters import ALL
from graph_api.errors import CatalogError, ErrorCode, ReplacedError
from graph_api.store.embedded import migrations
from graph_api.store.embedded.migrations import EmbeddedStep
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.migrations import Step
from graph_api.store.neo4j import cypher, preparing
from graph_api.store.neo4j.database import Database
from graph_api.store.neo4j.preparing import CONSTRAINT_NAMES, Neo4jStep
from graph_api.store.neo4j.store import Neo4jStore
from tests.catalogs import entity, ref, write
from tests.conftest import OpenStore, wipe

Auth = tuple[str, str] | None


@pytest.fixture
def empty(neo4j_driver: neo4j.Driver) -> Iterator[neo4j.Driver]:
    wipe(neo4j_driver)
    yield neo4j_driver
    wipe(neo4j_driver)


def neo4j_store(uri: str, auth: Auth) -> Neo4jStore:
    user, password = auth or (None, None)
    return Neo4jStore(uri, user=user, password=password)


def neo4j_database(uri: str, auth: Auth) -> Database:
    user, password = auth or (None, None)
    return Database(uri, user, password, "neo4j")


async def test_of_many_that_open_a_new_store_at_once_each_finds_the_same(open_store: OpenStore) -> None:
    stores = await asyncio.gather(*(open_store() for _ in range(5)))
    await asyncio.gather(*(store.ping() for store in stores))
    await write(stores[0], ChangeSet(entities=[entity("a")]))
    assert [await store.revision() for store in stores] == [1] * 5


async def test_five_replicas_make_the_schema_of_an_empty_database(
    neo4j_uri: str, neo4j_auth: Auth, empty: neo4j.Driver
) -> None:
    for name in CONSTRAINT_NAMES:
        empty.execute_query(f"DROP CONSTRAINT {name} IF EXISTS")
    stores = [neo4j_store(neo4j_uri, neo4j_auth) for _ in range(5)]
    try:
        await asyncio.gather(*(store.open() for store in stores))
    finally:
        for store in stores:
            await store.close()
    found = empty.execute_query("SHOW CONSTRAINTS YIELD name").records
    assert {record["name"] for record in found} >= CONSTRAINT_NAMES
    assert len(empty.execute_query("MATCH (c:Catalog) RETURN c.store").records) == 1


async def test_without_a_constraint_nothing_is_ready_and_nothing_written(
    neo4j_uri: str, neo4j_auth: Auth, empty: neo4j.Driver
) -> None:
    store = neo4j_store(neo4j_uri, neo4j_auth)
    await store.open()
    try:
        empty.execute_query("DROP CONSTRAINT entity_ref")
        with pytest.raises(CatalogError, match="lost its constraint entity_ref"):
            await store.ping()
        with pytest.raises(CatalogError, match="lost its constraint entity_ref"):
            await write(store, ChangeSet(entities=[entity("a")]))
        assert await store.revision() == 0
        await store.open()
        await store.ping()
        empty.execute_query("DROP CONSTRAINT entity_ref")
        empty.execute_query("CREATE (:Entity {ref: 'twin'}), (:Entity {ref: 'twin'})")
        with pytest.raises(CatalogError, match="entity_ref cannot be made") as refused:
            await store.open()
        assert refused.value.code is ErrorCode.UNAVAILABLE
    finally:
        wipe(empty)
        await store.open()
        await store.close()


async def test_another_catalog_in_its_place_is_noticed(neo4j_uri: str, neo4j_auth: Auth, empty: neo4j.Driver) -> None:
    store = neo4j_store(neo4j_uri, neo4j_auth)
    await store.open()
    try:
        await write(store, ChangeSet(entities=[entity("a")]))
        await store.ping()
        empty.execute_query("MATCH (c:Catalog) SET c.revision = 0")
        with pytest.raises(ReplacedError, match="back in time"):
            await store.ping()
        empty.execute_query("MATCH (c:Catalog) SET c.revision = 1, c.store = 'another'")
        with pytest.raises(ReplacedError, match="another catalog"):
            await store.ping()
        wipe(empty)
        with pytest.raises(ReplacedError, match="emptied"):
            await store.ping()
    finally:
        await store.close()


async def test_an_older_file_put_back_is_noticed(tmp_path: Path) -> None:
    path, copy = tmp_path / "c.db", tmp_path / "copy.db"
    store = EmbeddedStore(path)
    await store.open()
    try:
        await write(store, ChangeSet(entities=[entity("a")]))
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        target.close()
        await write(store, ChangeSet(entities=[entity("b")]))
        await store.ping()
        with sqlite3.connect(copy) as source, sqlite3.connect(path) as target:
            source.backup(target)
        source.close()
        with pytest.raises(ReplacedError, match="back in time"):
            await store.ping()
        shutil.move(copy, path)
        with pytest.raises(ReplacedError, match="replaced"):
            await store.ping()
    finally:
        await store.close()


def _mark(conn: sqlite3.Connection) -> None:
    conn.execute("ALTER TABLE entities ADD COLUMN colour TEXT")


COLOUR: EmbeddedStep = Step(format=99, oldest=3, name="colour", run=_mark)


def test_a_step_that_only_adds_leaves_the_version_before_serving(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    asyncio.run(_open(path))
    with sqlite3.connect(path) as conn:
        conn.isolation_level = None
        migrations.migrate(conn, (*migrations.STEPS, COLOUR))
        migrations.migrate(conn, (*migrations.STEPS, COLOUR))
        assert migrations.format_of(conn) == 99
        assert conn.execute("SELECT format, name FROM migrations").fetchall() == [(99, "colour")]
        asyncio.run(_open(path))
        conn.execute("UPDATE migrations SET oldest = 99")
    conn.close()
    with pytest.raises(CatalogError, match="newer version"):
        asyncio.run(_open(path))


async def _open(path: Path) -> None:
    store = EmbeddedStore(path)
    await store.open()
    await store.ping()
    await store.close()


KILLED = """
import os, signal, sqlite3, sys
from graph_api.store.embedded import migrations
from graph_api.store.migrations import Step
from tests.store.test_preparing import COLOUR

def die(conn):
    conn.execute("CREATE TABLE half (done TEXT)")
    os.kill(os.getpid(), signal.SIGKILL)

conn = sqlite3.connect(sys.argv[1], isolation_level=None)
dying = Step(format=100, oldest=100, name="dies", run=die)
migrations.migrate(conn, (*migrations.STEPS, COLOUR, dying))
"""


def test_a_migration_that_is_killed_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    asyncio.run(_open(path))
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False, env=os.environ)
    assert killed.returncode == -9
    with sqlite3.connect(path) as conn:
        conn.isolation_level = None
        assert migrations.format_of(conn) == 99
        assert not conn.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchone()
        last: EmbeddedStep = Step(format=100, oldest=100, name="lives", run=lambda _: None)
        migrations.migrate(conn, (*migrations.STEPS, COLOUR, last))
        assert migrations.format_of(conn) == 100
    conn.close()


class Steps:
    """Two, of which the second counts how often it ran, and can fail."""

    def __init__(self) -> None:
        self.ran = 0
        self.fails = False

    async def first(self, database: Database) -> None:
        await database.execute("MATCH (e:Entity) WHERE e.colour IS NULL SET e.colour = 'red'")

    async def second(self, database: Database) -> None:
        self.ran += 1
        await asyncio.sleep(0.2)
        if self.fails:
            raise CatalogError(ErrorCode.UNAVAILABLE, "gone")
        await database.execute("MATCH (e:Entity) SET e.shade = 'dark'")

    def all(self) -> list[Neo4jStep]:
        newest = cypher.FORMAT
        return [
            Step(format=newest + 2, oldest=newest + 2, name="shade", run=self.second),
            Step(format=newest + 1, oldest=newest, name="colour", run=self.first),
        ]


async def test_of_many_one_migrates_and_who_fails_is_followed(
    neo4j_uri: str, neo4j_auth: Auth, empty: neo4j.Driver
) -> None:
    store = neo4j_store(neo4j_uri, neo4j_auth)
    await store.open()
    await write(store, ChangeSet(entities=[entity("a")]))
    databases = [neo4j_database(neo4j_uri, neo4j_auth) for _ in range(5)]
    steps = Steps()
    try:
        steps.fails = True
        with pytest.raises(CatalogError, match="gone"):
            await preparing.prepare(databases[0], steps.all())
        await store.ping()  # the first step only added something
        steps.fails, steps.ran = False, 0
        states = await asyncio.gather(*(preparing.prepare(one, steps.all()) for one in databases))
        assert steps.ran == 1
        assert {state.format for state in states} == {cypher.FORMAT + 2}
        with pytest.raises(CatalogError, match="newer version"):
            await store.ping()
    finally:
        for database in databases:
            await database.close()
        await store.close()
    (row,) = empty.execute_query("MATCH (e:Entity) RETURN e.colour AS colour, e.shade AS shade").records
    assert (row["colour"], row["shade"]) == ("red", "dark")
    recorded = empty.execute_query("MATCH (m:Migration) RETURN m.name AS name ORDER BY m.format").records
    assert [record["name"] for record in recorded] == ["colour", "shade"]


IN_COMMITS = "CREATE FULLTEXT INDEX entity_text FOR (e:Entity) ON EACH [e.name, e.title, e.description, e.tags]"
OF_FORMAT_3 = "MATCH (c:Catalog) SET c.format = 3, c.oldest = 3"


async def test_a_text_index_that_commits_wait_for_is_renewed(
    neo4j_uri: str, neo4j_auth: Auth, empty: neo4j.Driver
) -> None:
    store = neo4j_store(neo4j_uri, neo4j_auth)
    await store.open()
    try:
        await write(store, ChangeSet(entities=[entity("billing")]))
        for statement in (IN_COMMITS, cypher.AWAIT_INDEXES, OF_FORMAT_3):
            empty.execute_query(statement)
        await store.open()
        assert await store.search("billing", ALL) == [ref("billing")]
    finally:
        await store.close()
    (row,) = empty.execute_query("SHOW INDEXES YIELD name, options WHERE name STARTS WITH 'entity_text'").records
    assert row["name"] == "entity_texts"
    assert row["options"]["indexConfig"]["fulltext.eventually_consistent"] is True
