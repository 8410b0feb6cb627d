"""A process that is killed in the middle of a sync leaves all of it or nothing, and readers go on."""

import os
import subprocess
import sys
import time
from pathlib import Path

import neo4j
import pytest

from graph_api.app import open_store
from graph_api.catalog.filters import ALL
from graph_api.settings import Settings
from tests.conftest import Run, wipe

ENTITIES = 4_000
SYNC = f"""
import asyncio, sys
from graph_api.app import open_store, source_order
from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.ref import make_ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import Settings
from graph_api.sync import sync

async def main():
    settings = Settings(store=sys.argv[1])
    store = open_store(settings)
    await store.open()
    names = [f"s{{n}}" for n in range({ENTITIES})]
    said = [EntityStatement(ref=make_ref("component", "default", name), name=name, kind="Component", document="d",
                            location="d:1") for name in names]
    print("ready", flush=True)
    snapshot = Snapshot(source="many", connector="files", entities={{row.ref: row for row in said}})
    await sync(store, snapshot, source_order(settings))
    print("done", flush=True)
    await store.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("delay", [0.05, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("kind", ["embedded", "neo4j"])
def test_all_or_nothing(request: pytest.FixtureRequest, tmp_path: Path, run: Run, kind: str, delay: float) -> None:
    url, environment = f"embedded:{tmp_path / 'catalog.db'}", {}
    if kind == "neo4j":
        url = request.getfixturevalue("neo4j_uri")
        driver: neo4j.Driver = request.getfixturevalue("neo4j_driver")
        wipe(driver)
        environment = _credentials(request.getfixturevalue("neo4j_auth"))
    writer = subprocess.Popen(
        [sys.executable, "-c", SYNC, url], stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    with writer:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
        time.sleep(delay)  # the moment of the kill is what the test varies, nothing is waited for
        writer.kill()
    found, revision, sources = run(_look(url, environment))
    assert (found, revision) in [(0, 0), (ENTITIES, 1)]
    assert sources == ([ENTITIES] if found else [])


def _credentials(auth: tuple[str, str] | None) -> dict[str, str]:
    return {"GRAPH_API_NEO4J_USER": auth[0], "GRAPH_API_NEO4J_PASSWORD": auth[1]} if auth else {}


async def _look(url: str, environment: dict[str, str]) -> tuple[int, int, list[int]]:
    password = environment.get("GRAPH_API_NEO4J_PASSWORD")
    user = environment.get("GRAPH_API_NEO4J_USER", "neo4j")
    store = open_store(Settings(store=url, neo4j_user=user, neo4j_password=password))  # type: ignore[arg-type]
    await store.open()
    try:
        sources = [source.entities for source in await store.sources()]
        return await store.count(ALL), await store.revision(), sources
    finally:
        await store.close()
