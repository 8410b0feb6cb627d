"""Rows 5 to 7: many requests, abandoned ones, and those whose database says nothing any more."""

import asyncio
import json
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import quantiles
from urllib.parse import urlsplit

import httpx
from neo4j import GraphDatabase

from reliability.asking import get, post
from reliability.check import Bench, Check, Figure
from reliability.processes import free_port
from reliability.servers import demo_server, empty
from tests.lines import Cuttable, Line

QUIET = {"query": '{ entity(ref: "component:default/checkout") { ref name } }'}
PAUSE = 0.03
"""Seconds between two requests of the quiet client."""
CONNECTIONS = 32
LATER = 1.0
"""Seconds after which nothing of an abandoned request may be left."""
IMPACT = 'impact(of: ["resource:default/postgres-core"], first: 100) { totalCount notify { affected } nodes { ref } }'
HEAVY = "{" + " ".join(f"a{n}: {IMPACT}" for n in range(40)) + "}"
DEADLINE = 10.0
REQUESTS = 10


def fairness(bench: Bench) -> Figure:
    """The quiet client is another caller, by its address, compared with itself beside a flood of another server: a
    flood and the server that answers it keep two processors busy, and who measures needs one too. So the machine is as
    busy both times, and the difference is what callers of one server do to each other. None of the flood is refused,
    which is the harder case.
    """
    seconds = 60.0 if bench.full else 10.0
    figures = [_beside_floods(bench, name, store, seconds) for name, store in bench.stores("shared").items()]
    return figures[0] & figures[1] & _told_when(bench)


def _beside_floods(bench: Bench, name: str, store: str, seconds: float) -> Figure:
    other_store = f"embedded:{bench.folder / f'beside-{name}'}.db"
    with demo_server(bench, store) as server, demo_server(bench, other_store) as other:
        alone = _slowest_of_a_hundred(server.url, seconds / 2)
        with _flood(other.url, seconds + 2):
            beside = _slowest_of_a_hundred(server.url, seconds)
        with _flood(server.url, seconds + 2) as counts:
            flooded = _slowest_of_a_hundred(server.url, seconds)
    text = f"{name}: p99 {flooded * 1000:.0f} ms beside {counts}, {beside * 1000:.0f} ms beside those of another server"
    return Figure(f"{text}, {alone * 1000:.0f} ms alone", flooded <= 2 * beside and set(counts) <= {"200", "silent"})


def _told_when(bench: Bench) -> Figure:
    store = bench.stores("hasty")["embedded"]
    with demo_server(bench, store, rate="1") as server, _flood(server.url, 3) as counts:
        pass
    return Figure(f"above the rate: {counts}", counts.get("429", 0) > 0 and not counts["silent"])


@contextmanager
def _flood(url: str, seconds: float) -> Iterator[dict[str, int]]:
    """Yields what is filled at the end with how often which status came."""
    counts: dict[str, int] = {}
    command = [sys.executable, "-m", "reliability.flood", url, str(CONNECTIONS), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flood:  # noqa: S603 - our own
        time.sleep(1)
        yield counts
        counts |= json.loads(flood.communicate()[0])


def _slowest_of_a_hundred(url: str, seconds: float) -> float:
    times = []
    end = time.monotonic() + seconds
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2"), timeout=30) as client:
        while time.monotonic() < end:
            begin = time.monotonic()
            client.post(f"{url}/graphql", json=QUIET).raise_for_status()
            times.append(time.monotonic() - begin)
            time.sleep(PAUSE)
    return quantiles(times, n=100)[-1]


def abandoned(bench: Bench) -> Figure:
    figures = []
    drops = 100
    for name, store in bench.stores("abandoned").items():
        port = free_port()
        with demo_server(bench, store, admin_port=str(port)) as server:
            dice = random.Random(6)
            for _ in range(drops):
                _drop(server.url, dice.uniform(0.0, 0.2))
            time.sleep(LATER)
            left = _running(port) | ({"transactions": _transactions(store)} if store == bench.neo4j else {})
        figures.append(Figure(f"{name}: {drops} dropped, left {left}", not any(left.values())))
    return figures[0] & figures[1]


def _drop(url: str, seconds: float) -> None:
    """Ask for something heavy, and be gone after so many seconds."""
    address = urlsplit(url)
    body = json.dumps({"query": HEAVY}).encode()
    head = f"POST /graphql HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(seconds)


def _running(port: int) -> dict[str, float]:
    text = get(f"http://127.0.0.1:{port}/metrics").text
    names = {"questions": "graph_api_store_running", "connections": "graph_api_database_connections_in_use"}
    found = {name: re.search(rf"^{metric} (\S+)$", text, re.MULTILINE) for name, metric in names.items()}
    return {name: float(row[1]) for name, row in found.items() if row}


def _transactions(uri: str) -> int:
    """Besides the one that asks."""
    with GraphDatabase.driver(uri) as driver:
        return len(driver.execute_query("SHOW TRANSACTIONS YIELD transactionId").records) - 1


def deadline(bench: Bench) -> Figure:
    return _database_silent(bench) & _too_much_for_the_time(bench)


def _database_silent(bench: Bench) -> Figure:
    """Neo4j says nothing any more in the middle of requests."""
    port = free_port()
    empty(bench.neo4j)
    with (
        _line(bench.neo4j) as line,
        demo_server(bench, f"bolt://127.0.0.1:{line.port}", admin_port=str(port)) as server,
    ):
        line.set(Line.SILENT)
        begin = time.monotonic()
        with ThreadPoolExecutor(REQUESTS) as pool:
            asked = [pool.submit(_timed, server.url, HEAVY) for _ in range(REQUESTS)]
            answers = [one.result() for one in asked]
        time.sleep(max(0.0, begin + DEADLINE + LATER - time.monotonic()))
        left = _running(port)["questions"]
        line.set(Line.UP)
    return _ended("neo4j silent", answers, left, DEADLINE)


def _too_much_for_the_time(bench: Bench) -> Figure:
    """The embedded store cannot fall silent; it gets less time than an answer takes."""
    port, seconds = free_port(), 0.01
    store = bench.stores("hurried")["embedded"]
    with demo_server(bench, store, admin_port=str(port), request_deadline=str(seconds)) as server:
        answers = [_timed(server.url, HEAVY) for _ in range(REQUESTS)]
        time.sleep(LATER)
        left = _running(port)["questions"]
    return _ended("embedded hurried", answers, left, seconds + LATER)


def _ended(name: str, answers: Sequence[tuple[set[str], float]], left: float, most: float) -> Figure:
    codes = set[str]().union(*(codes for codes, _ in answers))
    slowest = max(seconds for _, seconds in answers)
    ends = ", ".join(sorted(codes))
    text = f"{name}: {len(answers)} requests ended in {slowest:.1f} s with {ends}; {left:g} questions left"
    # One may be the server's own look at a database that says nothing.
    met = slowest <= most + 1 and left <= 1 and codes <= {"DEADLINE_EXCEEDED", "UNAVAILABLE"}
    return Figure(text, met)


def _timed(url: str, query: str) -> tuple[set[str], float]:
    begin = time.monotonic()
    answer = post(url, {"query": query}, 30).json()
    seconds = time.monotonic() - begin
    return {error["extensions"]["code"] for error in answer.get("errors", ())} or {"an answer"}, seconds


@contextmanager
def _line(uri: str) -> Iterator[Cuttable]:
    """A line to the database that can fall silent, in a thread of its own."""
    address = urlsplit(uri)
    line = Cuttable(address.hostname or "127.0.0.1", address.port or 7687)
    loop = asyncio.new_event_loop()
    listening = line.listening()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(listening.__aenter__(), loop).result()
        yield line
    finally:
        asyncio.run_coroutine_threadsafe(listening.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


CHECKS = (
    Check(
        5,
        "one caller cannot starve others",
        "p99 of a quiet client at most twice that on an idle server of a machine as busy; 429 has Retry-After",
        fairness,
    ),
    Check(6, "abandoned work stops", "1 s after 100 drops nothing runs in server and database", abandoned),
    Check(7, "each request ends in time", "within 10 s; at 11 s nothing of it is left running", deadline),
)
