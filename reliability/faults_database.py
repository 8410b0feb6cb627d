"""Row 26 and faults 602 to 609: a database that is frozen, away, far, behind a narrow line, or asked by too many."""

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from reliability.asking import CERTIFICATES, asked_all_the_time, get, outcome
from reliability.check import Bench, Check, Figure
from reliability.processes import Served, databases, free_port, served, start_database, wait_until_gone
from reliability.proxy import Proxy

COUNT = {"query": "{ entities(first: 20) { totalCount nodes { ref owners { ref } } } }"}
IMPACT = {"query": '{ impact(of: ["resource:default/postgres-core"], first: 20) { totalCount } }'}
EMPTY = {"query": "{ entities { totalCount } }"}
WARMING = 20.0
"""Seconds that a server takes at most to warm up its database."""
DEADLINE = 3.0
GRACE = 1.0


def _ask(url: str, body: dict[str, str] = COUNT) -> tuple[str, float]:
    """OK or the code of the error, and how long it took."""
    begin = time.monotonic()
    return outcome(url, body), time.monotonic() - begin


def frozen(bench: Bench) -> Figure:
    """SIGSTOP: requests end at their deadline, and all is well after SIGCONT."""
    seconds = 60 if bench.full else 15
    port = free_port()
    with (
        databases(bench.folder, [port]) as (running,),
        served(running.uri, bench.folder, "--demo", "--request-deadline", str(DEADLINE)) as server,
        ThreadPoolExecutor(8) as pool,
    ):
        os.kill(running.pid, signal.SIGSTOP)
        end = time.monotonic() + seconds
        answers: list[tuple[str, float]] = []
        unready = alive = None
        while time.monotonic() < end:
            answers += pool.map(_ask, [server.url] * 8)
            unready = get(f"{server.admin}/readyz").status_code
            alive = get(f"{server.url}/livez").status_code
        os.kill(running.pid, signal.SIGCONT)
        back = server.wait_until_ready()
        healed = [_ask(server.url)[0] for _ in range(20)]
    slowest = max(took for _, took in answers)
    codes = sorted({code for code, _ in answers})
    text = (
        f"{len(answers)} requests in {seconds} s ended after {slowest:.1f} s at the latest ({', '.join(codes)}), "
        f"livez {alive}, readyz {unready}; ready {back:.1f} s after, then {healed.count('OK')} of 20 answered"
    )
    good = slowest < DEADLINE + GRACE and "OK" not in codes and (alive, unready) == (200, 503)
    return Figure(text, good and back < 5 and healed.count("OK") == 20)


def down_at_start(bench: Bench) -> Figure:
    """The server waits, and answers soon after its database does. It is ready when it is warm, which takes a database
    that has just started longer: no traffic should come before.
    """
    port = free_port()
    server = Served(f"bolt://127.0.0.1:{port}", bench.folder / "server.log").wait_until_answering()
    try:
        time.sleep(3)
        ready = get(f"{server.admin}/readyz")
        alive = server.process.poll() is None
        with databases(bench.folder, [port]):
            begin = time.monotonic()
            while outcome(server.url, EMPTY) != "OK":
                time.sleep(0.05)
            answered = time.monotonic() - begin
            warm = server.wait_until_ready() + answered
    finally:
        server.kill()
    text = f"readyz {ready.status_code} without it ({ready.json()['reason'][:50]}), "
    text += f"answers {answered:.1f} s after it, ready {warm:.1f} s after it"
    return Figure(text, alive and ready.status_code == 503 and answered < 6 and warm < 6 + WARMING)


def restart_under_load(bench: Bench) -> Figure:
    """Errors only while it is away."""
    port = free_port()
    log: list[tuple[float, str]] = []
    with (
        databases(bench.folder, [port]) as (running,),
        served(running.uri, bench.folder, "--demo") as server,
        asked_all_the_time([lambda: log.append((time.monotonic(), _ask(server.url)[0]))] * 4),
    ):
        time.sleep(3)
        away = time.monotonic()
        os.kill(running.pid, signal.SIGTERM)
        wait_until_gone(running.pid)
        start_database(running.home, port)
        there = time.monotonic()
        time.sleep(12)
    before = [code for at, code in log if at < away - 1 and code != "OK"]
    failed = [at for at, code in log if code != "OK"]
    back = max(failed, default=there) - there
    text = (
        f"{len(log)} requests, {len(failed)} failed, {len(before)} of them before; the last {back:.1f} s after it is up"
    )
    return Figure(text, not before and back < 5)


def far_away(bench: Bench) -> Figure:
    """Half a second in each direction: no storm of timeouts, and few round trips."""
    with Proxy(bench.neo4j).listening() as line, served(line.uri, bench.folder, "--demo") as server:
        line.faults.latency, line.faults.jitter = 0.25, 0.05
        answers = [_ask(server.url, body) for body in (COUNT, IMPACT) for _ in range(3)]
        line.faults.latency = line.faults.jitter = 0.0
    slowest = max(took for _, took in answers)
    codes = [code for code, _ in answers]
    return Figure(f"{codes.count('OK')} of {len(codes)} answered, in {slowest:.1f} s at most", set(codes) == {"OK"})


def narrow_line(bench: Bench) -> Figure:
    """10 kB a second, and pieces of a byte: the deadline holds, and memory stays."""
    with (
        Proxy(bench.neo4j).listening() as line,
        served(line.uri, bench.folder, "--demo", "--request-deadline", str(DEADLINE)) as server,
    ):
        before = _resident(server)
        line.faults.bytes_a_second = 10_000.0
        narrow = [_ask(server.url) for _ in range(5)]
        line.faults.bytes_a_second, line.faults.slice = None, 1
        crumbs = [_ask(server.url) for _ in range(5)]
        line.faults.slice = 65_536
        grown = _resident(server) - before
    slowest = max(took for _, took in narrow + crumbs)
    text = f"ended after {slowest:.1f} s at the latest, {grown:.0f} MB more memory"
    return Figure(text, slowest < DEADLINE + GRACE and grown < 50)


def _resident(server: Served) -> float:
    with open(f"/proc/{server.process.pid}/statm") as statm:  # noqa: PTH123 - no file of ours
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def pool_exhausted(bench: Bench) -> Figure:
    """Far more slow questions than connections: they end, and fast ones are answered again at once."""
    with Proxy(bench.neo4j).listening() as line, served(line.uri, bench.folder, "--demo") as server:
        line.faults.latency = 1.0
        answers = asyncio.run(_many(server.url, 200))
        line.faults.latency = 0.0
        time.sleep(1)
        after = [_ask(server.url) for _ in range(10)]
    codes = sorted({code for code, _ in answers})
    slowest = max(took for _, took in answers)
    text = (
        f"200 at once ended after {slowest:.1f} s at the latest ({', '.join(codes)}); "
        f"then {sum(code == 'OK' for code, _ in after)} of 10 answered, in {max(took for _, took in after):.2f} s"
    )
    good = slowest < 12 and all(code == "OK" and took < 2 for code, took in after)
    return Figure(text, good)


async def _many(url: str, number: int) -> list[tuple[str, float]]:
    limits = httpx.Limits(max_connections=number)
    async with httpx.AsyncClient(timeout=60, verify=CERTIFICATES, limits=limits) as client:

        async def ask() -> tuple[str, float]:
            begin = time.monotonic()
            answer = (await client.post(f"{url}/graphql", json=COUNT)).json()
            code = answer["errors"][0]["extensions"]["code"] if answer.get("errors") else "OK"
            return code, time.monotonic() - begin

        return await asyncio.gather(*(ask() for _ in range(number)))


CHECKS = (
    Check(26, "ready means ready: the database is frozen", "ended at the deadline; healed after", frozen),
    Check(
        603,
        "the database is down at the start",
        "503 with the reason; answers 5 s after it, ready when warm",
        down_at_start,
    ),
    Check(604, "the database restarts under load", "errors only meanwhile; back in 5 s", restart_under_load),
    Check(607, "the database is half a second away", "all answered", far_away),
    Check(608, "10 kB a second; pieces of one byte", "ended at the deadline; memory flat", narrow_line),
    Check(609, "200 slow requests at once", "all end; fast ones are answered after", pool_exhausted),
)
