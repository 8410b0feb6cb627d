"""Rows 6, 23 and 25, and faults 615, 616 and 620: replicas that start together, end and sleep."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from neo4j import GraphDatabase

from graph_api.store.neo4j.preparing import CONSTRAINT_NAMES
from reliability.asking import get, outcome, post
from reliability.check import Bench, Check, Figure
from reliability.processes import Served, served
from reliability.servers import empty, empty_stores

REPLICAS = 5
IMPACT = 'impact(of: ["resource:default/postgres-core"]) { totalCount }'
SLOW = {"query": "{ " + " ".join(f"a{n}: {IMPACT}" for n in range(20)) + " }"}
QUICK = {"query": "{ entities { totalCount } }"}
INVALID = {"query": "{ nothing { at } all }"}


def _clear(uri: str) -> None:
    """Data, constraints and indexes."""
    with GraphDatabase.driver(uri) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
        for row in driver.execute_query("SHOW CONSTRAINTS YIELD name RETURN name").records:
            driver.execute_query(f"DROP CONSTRAINT {row['name']}")
        for row in driver.execute_query("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name").records:
            driver.execute_query(f"DROP INDEX {row['name']}")


def start_together(bench: Bench) -> Figure:
    """On a database without anything."""
    rounds = 50 if bench.full else 5
    slowest, crashed = 0.0, 0
    for _ in range(rounds):
        _clear(bench.neo4j)
        begin = time.monotonic()
        servers = [Served(bench.neo4j, bench.folder / "replicas.log") for _ in range(REPLICAS)]
        try:
            for server in servers:
                server.wait_until_answering().wait_until_ready()
            slowest = max(slowest, time.monotonic() - begin)
        except RuntimeError:
            crashed += 1
        finally:
            for server in servers:
                server.kill()
    with GraphDatabase.driver(bench.neo4j) as driver:
        names = {row["name"] for row in driver.execute_query("SHOW CONSTRAINTS YIELD name RETURN name").records}
        catalogs = driver.execute_query("MATCH (c:Catalog) RETURN count(c) AS n").records[0]["n"]
    text = f"{rounds} times {REPLICAS} replicas: {crashed} rounds failed, all ready in {slowest:.1f} s at most"
    return Figure(text, not crashed and names >= CONSTRAINT_NAMES and catalogs == 1)


_TOLD = ("OK", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ConnectError")
"""How a request may end while the server does: ConnectError is one that came too late to be in flight."""


def drain(bench: Bench) -> Figure:
    """SIGTERM with 50 requests in flight."""
    figures = []
    for name, store in empty_stores(bench, "drained").items():
        with served(store, bench.folder, "--demo") as server, ThreadPoolExecutor(50) as pool:
            asked = [pool.submit(outcome, server.url, SLOW) for _ in range(50)]
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            unready = get(f"{server.admin}/readyz").status_code
            begin = time.monotonic()
            code = server.process.wait(30)
            took = time.monotonic() - begin
            outcomes = [one.result() for one in asked]
        failed = sum(outcome not in _TOLD for outcome in outcomes)
        text = (
            f"{name}: readyz {unready}, {outcomes.count('OK')} answered, {failed} cut off, exit {code} in {took:.1f} s"
        )
        figures.append(Figure(text, unready == 503 and not failed and code == 0 and took < 20))
    return figures[0] & figures[1]


def clients_that_go(bench: Bench) -> Figure:
    """At random moments: nothing of them stays."""
    number = 1000 if bench.full else 200
    dice = random.Random(20)
    figures = []
    for name, store in empty_stores(bench, "gone").items():
        with served(store, bench.folder, "--demo") as server:
            outcome(server.url, SLOW)
            before = held(server)
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(lambda _: ask_and_go(server.url, dice.uniform(0, 0.3)), range(number)))
            time.sleep(1)
            after = held(server)
            answered = outcome(server.url, QUICK)
        text = (
            f"{name}: {number} gone, questions running {after['running']:.0f}, connections {after['connections']:.0f}, "
        )
        text += f"files {before['files']:.0f} -> {after['files']:.0f}"
        idle = after["running"] == 0 and after["connections"] == 0
        figures.append(Figure(text, idle and answered == "OK" and after["files"] < before["files"] + 60))
    return figures[0] & figures[1]


def ask_and_go(url: str, seconds: float) -> None:
    address = urlsplit(url)
    body = json.dumps(SLOW)
    fields = ("Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {len(body)}")
    head = "\r\n".join(["POST /graphql HTTP/1.1", *fields, "", ""])
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall((head + body).encode())
        time.sleep(seconds)


def held(server: Served) -> dict[str, float]:
    metrics = get(f"{server.admin}/metrics", 10).text
    lines = [line.split() for line in metrics.splitlines() if not line.startswith("#")]
    values = {line[0]: float(line[1]) for line in lines if len(line) == 2}
    pid = server.process.pid
    return {
        "running": values["graph_api_store_running"],
        "connections": values["graph_api_database_connections_in_use"],
        "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "megabytes": int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20,
    }


ZOMBIE = """
import asyncio, sys, time
from graph_api.app import open_store
from graph_api.settings import Settings
from graph_api.catalog.changes import ChangeSet
from tests.catalogs import entity, sync_run, AT

async def main():
    store = open_store(Settings(store=sys.argv[1]))
    await store.open()
    async with store.write() as tx:
        print("holds the lock", flush=True)
        await asyncio.sleep(1)
        await tx.apply(ChangeSet(entities=[entity("zombie")]), sync_run(id="zombie"), AT)
    print("wrote", flush=True)
    await store.close()

asyncio.run(main())
"""


def zombie(bench: Bench) -> Figure:
    """Paused in a write and woken: on Neo4j the lock has gone to another, and what it writes is refused or its turn."""
    empty(bench.neo4j)
    with (
        served(bench.neo4j, bench.folder) as server,
        subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-c", ZOMBIE, bench.neo4j], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as sleeper,
    ):
        assert sleeper.stdout
        sleeper.stdout.readline()
        sleeper.send_signal(signal.SIGSTOP)
        put = {"query": 'mutation { putEntities(entities: [{kind: "Component", name: "awake"}]) { revision } }'}
        meanwhile = outcome(server.url, put)
        time.sleep(1)
        sleeper.send_signal(signal.SIGCONT)
        wrote = "wrote" in sleeper.stdout.read()
        sleeper.wait()
        after = outcome(server.url, put)
        answer = post(server.url, {"query": "{ entities { revision totalCount } }"}).json()
    found = answer["data"]["entities"]
    text = f"others meanwhile: {meanwhile}; it wrote: {wrote}; others after: {after}; {found}"
    waited = meanwhile in ("OK", "UNAVAILABLE", "DEADLINE_EXCEEDED")
    return Figure(text, waited and after == "OK" and found["revision"] == found["totalCount"])


CHECKS = (
    Check(6, "clients that go leave nothing", "0 questions, 0 connections after 1 s", clients_that_go),
    Check(23, "five replicas start at once on an empty database", "no crash, schema whole", start_together),
    Check(25, "drain is clean", "503 at once, 0 cut off, exit 0 in 20 s", drain),
    Check(616, "a writer is paused and wakes", "one catalog, each revision one write", zombie),
)
