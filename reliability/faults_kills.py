"""Rows 8 and 9, and faults 601, 605, 606 and 613: whoever dies in the middle of a write, or whose answer is lost."""

import os
import random
import signal
import subprocess
import sys
import time

from reliability.asking import outcome
from reliability.check import Bench, Check, Figure
from reliability.processes import databases, free_port, served, start_database, wait_until_gone
from reliability.proxy import Proxy
from reliability.servers import empty, empty_stores
from reliability.writers import Writers
from tests.store.test_killed_writes import ENTITIES, SYNC

KILLS = 20
QUICK_KILLS = 6
CUTS = 100
QUICK_CUTS = 30
FEW = {"query": "{ entities(first: 5) { totalCount } }"}


def server_kills(bench: Bench) -> Figure:
    """SIGKILL while four clients write, and start again."""
    kills = KILLS if bench.full else QUICK_KILLS
    dice = random.Random(8)
    figures = []
    for name, store in empty_stores(bench, "killed").items():
        writers = Writers()
        with writers.writing():
            for _ in range(kills):
                with served(store, bench.folder) as server:
                    writers.urls = [server.url]
                    time.sleep(dice.uniform(0.3, 1.2))
                    server.kill()
                    writers.urls = []
        verdict = writers.verdict(store)
        figures.append(Figure(f"{name}: {kills} kills, {verdict}", verdict.good))
    return figures[0] & figures[1]


def database_kills(bench: Bench) -> Figure:
    """SIGKILL of Neo4j while four clients write through one server that stays."""
    kills = KILLS if bench.full else QUICK_KILLS
    dice = random.Random(1)
    writers, port = Writers(), free_port()
    back: list[float] = []
    with databases(bench.folder, [port]) as (running,), served(running.uri, bench.folder) as server:
        writers.urls = [server.url]
        with writers.writing():
            for _ in range(kills):
                time.sleep(dice.uniform(0.5, 2))
                os.kill(running.pid, signal.SIGKILL)
                wait_until_gone(running.pid)
                running = start_database(running.home, port)
                back.append(server.wait_until_ready())
                time.sleep(0.5)
        verdict = writers.verdict(running.uri)
    text = f"{kills} kills, {verdict}; ready {max(back):.1f} s after the database at the latest"
    return Figure(text, verdict.good and max(back) < 6)


def sync_kills(bench: Bench) -> Figure:
    """SIGKILL of a sync: all of it, or nothing."""
    kills = KILLS if bench.full else QUICK_KILLS
    dice = random.Random(13)
    figures = []
    for name, store in empty_stores(bench, "synced").items():
        outcomes = {"all": 0, "nothing": 0, "half": 0}
        for kill in range(kills):
            place = store if name == "neo4j" else f"embedded:{bench.folder / f'synced-{kill}'}.db"
            if name == "neo4j":
                empty(store)
            with subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, "-c", SYNC, place], stdout=subprocess.PIPE, text=True
            ) as writer:
                assert writer.stdout
                writer.stdout.readline()
                time.sleep(dice.uniform(0.02, 1.5))
                writer.kill()
            found = Writers().verdict(place).revision, _count(place)
            outcomes[{(0, 0): "nothing", (1, ENTITIES): "all"}.get(found, "half")] += 1
        figures.append(Figure(f"{name}: {kills} kills, {outcomes}", not outcomes["half"]))
    return figures[0] & figures[1]


def _count(store: str) -> int:
    counted = [sys.executable, "-c", "from graph_api.cli import main; main()", "query", "--store", store]
    answer = subprocess.run(  # noqa: S603 - our own
        [*counted, "{ entities { totalCount } }"], capture_output=True, text=True, check=True
    )
    return int("".join(filter(str.isdigit, answer.stdout)))


def lost_answers(bench: Bench) -> Figure:
    """The line is cut after COMMIT was sent: each write is there once, and acknowledged."""
    cuts = CUTS if bench.full else QUICK_CUTS
    empty(bench.neo4j)
    writers = Writers()
    with Proxy(bench.neo4j).listening() as line, served(line.uri, bench.folder) as server:
        line.faults.cut_commits = 1.0
        for number in range(cuts):
            writers.put(server.url, f"cut{number}")
        line.faults.cut_commits = 0.0
    verdict = writers.verdict(bench.neo4j)
    text = f"{line.cuts} cuts, {verdict}, {writers.refused} told as unknown"
    return Figure(text, verdict.good and verdict.runs == verdict.whole and line.cuts >= cuts)


def resets(bench: Bench) -> Figure:
    """Messages to the database reset its connection, so that about every tenth request meets one."""
    empty(bench.neo4j)
    writers = Writers()
    failed = 0
    with Proxy(bench.neo4j).listening() as line, served(line.uri, bench.folder) as server:
        line.faults.resets = 0.01
        for number in range(300 if bench.full else 100):
            writers.put(server.url, f"reset{number}")
            failed += outcome(server.url, FEW, 20) != "OK"
    verdict = writers.verdict(bench.neo4j)
    text = f"{line.resets} resets, {failed} reads failed, {writers.refused} writes refused, {verdict}"
    return Figure(text, verdict.good and not failed and line.resets > 10)


CHECKS = (
    Check(8, "acknowledged writes survive kill -9 of the server", "0 lost, 0 half, none twice", server_kills),
    Check(8, "acknowledged writes survive kill -9 of Neo4j", "0 lost, 0 half; ready 5 s after it", database_kills),
    Check(8, "kill -9 in a sync leaves all of it or nothing", "0 half", sync_kills),
    Check(9, "the answer to COMMIT is lost", "one entity, one run, one revision", lost_answers),
    Check(605, "connections to the database are reset", "reads invisible, writes once", resets),
)
