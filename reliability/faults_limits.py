"""Faults 610 to 612 and 624: a lock that somebody holds, too little memory or disk, and much to compute."""

import asyncio
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neo4j import GraphDatabase

from benchmarks.generate import generate
from graph_api import local_neo4j
from graph_api.app import open_store, source_order
from graph_api.errors import CatalogError
from graph_api.settings import Settings
from graph_api.sync import sync
from reliability.asking import asked_all_the_time, get, outcome, post
from reliability.check import Bench, Check, Figure
from reliability.processes import free_port, served
from reliability.servers import empty

READ = {"query": "{ entities(first: 1) { totalCount } }"}
_PUT = "mutation ($rows: [EntityInput!]!, $dry: Boolean!) { putEntities(entities: $rows, dryRun: $dry) { revision } }"
_SMALL_HEAP, _TOO_MANY = "256m", 20_000
_IN_TIME = {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
_LOCK_WAIT = 12.0
"""Seconds after which a write that waits for another has ended."""
_LARGEST_LAG = 1.0


def _put(*names: str, text: str = "", dry: bool = False) -> dict[str, object]:
    rows = [{"kind": "Component", "name": name, "description": text, "spec": {"type": "service"}} for name in names]
    return {"query": _PUT, "variables": {"rows": rows, "dry": dry}}


def lock_held(bench: Bench) -> Figure:
    """Somebody has the catalog's lock: reads go on, a write ends in time, and the next one after that is done.

    Whichever comes first ends it: the time that a database may wait for a lock, or that a request has.
    """
    empty(bench.neo4j)
    seconds = 60 if bench.full else 20
    reads: list[str] = []
    with (
        served(bench.neo4j, bench.folder, "--demo") as server,
        GraphDatabase.driver(bench.neo4j) as driver,
        driver.session() as session,
    ):
        with (
            session.begin_transaction() as holding,
            asked_all_the_time([lambda: reads.append(outcome(server.url, READ))]),
        ):
            holding.run("MATCH (c:Catalog) SET c.locked = true").consume()
            end = time.monotonic() + seconds
            begin = time.monotonic()
            refused = outcome(server.url, _put("waits"))
            took = time.monotonic() - begin
            time.sleep(max(0.0, end - time.monotonic()))
            holding.rollback()
        after = outcome(server.url, _put("goes-on"))
    text = f"{reads.count('OK')} of {len(reads)} reads answered"
    text += f"; a write ended with {refused} after {took:.1f} s, then {after}"
    good = bool(reads) and set(reads) == {"OK"} and refused in _IN_TIME and took < _LOCK_WAIT
    return Figure(text, good and after == "OK")


def too_little_memory(bench: Bench) -> Figure:
    """A write that is too large for its database is refused as a whole; the database and the server live."""
    home = bench.folder / "neo4j-small"
    running = local_neo4j.start(home, progress=lambda _: None, bolt_port=free_port(), heap=_SMALL_HEAP)
    try:
        with served(running.uri, bench.folder, "--demo") as server:
            before = post(server.url, READ).json()["data"]
            refused = asyncio.run(_sync_too_much(running.uri))
            after = post(server.url, READ).json()["data"]
            written = outcome(server.url, _put("goes-on"))
    finally:
        local_neo4j.stop(home)
    text = f"a sync of {_TOO_MANY:,} entities ended with {refused}"
    text += f"; then the same answers: {before == after}, a write: {written}"
    return Figure(text, refused in {"TOO_LARGE", "UNAVAILABLE"} and before == after and written == "OK")


async def _sync_too_much(uri: str) -> str:
    settings = Settings(store=uri)
    store = open_store(settings)
    await store.open()
    try:
        await sync(store, generate(_TOO_MANY), source_order(settings))
    except CatalogError as error:
        return error.code
    finally:
        await store.close()
    return "OK"


def disk_full(bench: Bench) -> Figure:
    """The embedded file's volume is full: writes are refused and reads go on; with room again, writes are done."""
    done, refused = 0, "OK"
    with (
        _small_volume(bench.folder / "small") as volume,
        served(f"embedded:{volume}/catalog.db", bench.folder) as server,
    ):
        while refused == "OK" and done < 1_000:
            refused = outcome(server.url, _put(f"n{done}", text="word " * 2_000))
            done += refused == "OK"
        found = post(server.url, READ).json()["data"]["entities"]["totalCount"]
        _mount("remount,size=64m", volume)
        after = outcome(server.url, _put("goes-on"))
    text = f"after {done} writes {refused}; {found} are there; with more room {after}"
    return Figure(text, refused == "UNAVAILABLE" and found == done and after == "OK")


@contextmanager
def _small_volume(folder: Path) -> Iterator[Path]:
    """Whoever may not mount one cannot check this."""
    folder.mkdir()
    _mount("size=2m", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - the system's


def _mount(options: str, folder: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True)  # noqa: S603 - the system's


def long_computations(bench: Bench) -> Figure:
    """While bodies as large as may be are planned, others are answered, and the watchdog says how late it was."""
    large = _put(*(f"n{number}" for number in range(8_000)), dry=True)
    answers: list[str] = []
    late = 0.0
    with (
        served(f"embedded:{bench.folder / 'loop.db'}", bench.folder) as server,
        asked_all_the_time([lambda: answers.append(outcome(server.url, large))] * 4),
    ):
        end = time.monotonic() + 15
        while time.monotonic() < end:
            begin = time.monotonic()
            get(f"{server.url}/livez")
            late = max(late, time.monotonic() - begin)
        metrics = get(f"{server.admin}/metrics").text
    told = re.search(r"^graph_api_event_loop_lag_seconds_count (\S+)", metrics, re.MULTILINE)
    text = f"{answers.count('OK')} of {len(answers)} writes of 8,000 entities; others waited {late:.2f} s at most"
    text += f"; {told[1] if told else 'no'} looks of the watchdog"
    return Figure(text, "OK" in answers and late < _LARGEST_LAG and told is not None)


CHECKS = (
    Check(610, "the lock is held", "reads go on; a write ends in time", lock_held),
    Check(611, "memory of a transaction", "a typed error; nothing else is harmed", too_little_memory),
    Check(612, "the disk is full", "writes refused, reads go on; then writes are done", disk_full),
    Check(624, "the event loop is busy", f"others wait less than {_LARGEST_LAG:g} s; it is told", long_computations),
)
