"""`python -m benchmarks.peers FOLDER`: ours beside what a user would pick instead, over the same catalog.

FOLDER has the other servers: `gen.py N OUT` makes entities.jsonl and params.json, and `run.sh N` loads, serves and
measures each of them with wrk, and the servers in EXTRA besides. What peers.json writes stays; its names come last and
its links are of a relation that no question is about, so that every answer stays what `gen.py` says.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import httpx

from benchmarks.catalog_of_peers import snapshot_of
from benchmarks.generate import split
from benchmarks.measure import await_mirrors, free_port, served
from benchmarks.peers_floors import floors, write_floors
from benchmarks.peers_report import OURS, render
from benchmarks.running import local_database, stop_when_told, tell
from graph_api import local_neo4j
from graph_api.app import open_store, source_order
from graph_api.catalog.snapshot import Snapshot
from graph_api.local_neo4j.artifacts import ensure_jars
from graph_api.local_neo4j.configuration import minimum_java
from graph_api.local_neo4j.java import find_java
from graph_api.settings import Settings
from graph_api.sync import sync

_QUERIES = Path(__file__).with_name("peers.json")
_PAGED = {"Q2": "services", "Q7": "entities"}
"""Questions that others ask by the number of rows to leave out, which a cursor does here."""
_PART = 50_000
"""Entities of a sync."""


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--entities", default=100_000, show_default=True, type=click.IntRange(2_000, 1_000_000))
@click.option("--peers", default="neo4j-graphql", show_default=True, help="Which others, as the folder calls them.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Processes that serve ours.")
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), help="Keeps installed packages and data.")
def main(folder: Path, entities: int, peers: str, workers: int, work: Path | None) -> None:
    """Load, serve and measure everything on this machine, and print it as a table beside the bars."""
    stop_when_told()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        work = (work or Path(name)).resolve()
        data = work / f"data-{entities}"
        if not (data / "stats.json").exists():
            _run([sys.executable, str(folder / "gen.py"), str(entities), str(data)])
        snapshot = snapshot_of(data / "entities.jsonl")
        with _loaded(snapshot, Path(name) / "neo4j") as uri:
            least = write_floors(uri, _QUERIES, snapshot)
            log = Path(name) / "server.log"
            admin = _free_ports(workers)
            options = ["--max-page", "1000", "--workers", str(workers), "--admin-port", str(admin)]
            with served(uri, log, *options) as (process, url):
                await_mirrors(range(admin, admin + workers))
                _add_cursors(data / "params.json", url)
                parameters = json.loads((data / "params.json").read_text())
                least |= floors(uri, url, _QUERIES, parameters, snapshot)
                del snapshot
                ours = f"{OURS}={url}={_QUERIES}={process.pid}"
                _run(["bash", str(folder / "run.sh"), str(entities)], **_environment(work, peers, ours))
        click.echo(render(entities, work / "results", peers.split(), least))


def _free_ports(number: int) -> int:
    """The first of so many in a row, which workers answer operators at."""
    while True:
        first = free_port()
        with suppress(OSError), ExitStack() as stack:
            for port in range(first, first + number):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


def _environment(work: Path, peers: str, ours: str) -> dict[str, str]:
    jars = ensure_jars(local_neo4j.DEFAULT_VERSION, tell)
    return {
        "WORK_DIR": str(work),
        "PEERS": peers,
        "EXTRA": ours,
        "NEO4J_LIB": str(jars),
        "JAVA": str(find_java(minimum_java(local_neo4j.DEFAULT_VERSION))[0]),
        "PYTHON": sys.executable,
        "CONNS": os.environ.get("CONNS", "8"),
    }


@contextmanager
def _loaded(snapshot: Snapshot, home: Path) -> Iterator[str]:
    with local_database(home) as uri:
        tell("Loading ours")
        asyncio.run(_load(uri, snapshot))
        yield uri


async def _load(uri: str, snapshot: Snapshot) -> None:
    settings = Settings(store=uri)
    store = open_store(settings)
    await store.open()
    try:
        for part in split(snapshot, _PART):
            await sync(store, part, source_order(settings))
    finally:
        await store.close()


def _add_cursors(file: Path, url: str) -> None:
    """To the parameters of each page, the cursor of the row before it."""
    parameters = json.loads(file.read_text())
    with httpx.Client(base_url=url, timeout=60) as client:
        for question, field in _PAGED.items():
            cursors = {0: None} | _cursors(client, field, max(row["offset"] for row in parameters[question]))
            for row in parameters[question]:
                row["after"] = cursors[row["offset"]]
    file.write_text(json.dumps(parameters))


def _cursors(client: httpx.Client, field: str, rows: int) -> dict[int, str]:
    """By number of rows, in hundreds, the cursor of the last of them."""
    query = f"query ($after: String) {{ {field}(first: 100, after: $after) {{ pageInfo {{ endCursor }} }} }}"
    cursors: dict[int, str] = {}
    after = None
    for offset in range(100, rows + 100, 100):
        answer: dict[str, Any] = client.post("/graphql", json={"query": query, "variables": {"after": after}}).json()
        after = cursors[offset] = answer["data"][field]["pageInfo"]["endCursor"]
    return cursors


def _run(command: list[str], **environment: str) -> None:
    ran = subprocess.run(command, env=os.environ | environment, stdout=sys.stderr, check=False)  # noqa: S603 - named by the caller
    if ran.returncode:
        raise click.ClickException(f"{command[0]} {command[1]} failed")


if __name__ == "__main__":
    main()
