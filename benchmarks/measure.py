"""A real server in a process of its own, and times of requests to it."""

import asyncio
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from benchmarks.questions import QUESTIONS, Question
from graph_api.app import create_app
from graph_api.settings import Settings
from graph_api.store.neo4j.store import Neo4jStore

_START_SECONDS = 120.0
_MIRROR_SECONDS = 900.0
_POLL = 0.05
_WARM_UP = 8
_REQUESTS, _SLOW_REQUESTS = 50, 20
_SLOW = 0.5


@dataclass(frozen=True, slots=True)
class Times:
    """Of `count` calls, in milliseconds."""

    median: float
    p99: float
    count: int


@dataclass(frozen=True, slots=True)
class Served:
    """Times by question, and the server's peak of resident memory in MiB (None where the system does not tell)."""

    times: dict[str, Times]
    peak_mib: float | None


class BenchmarkError(RuntimeError):
    """Something answered otherwise than the benchmark needs."""


def time_calls(call: Callable[[], object]) -> Times:
    """Calls until warm, then some 50 times, or 20 times where one takes over half a second."""
    last = [_timed(call) for _ in range(_WARM_UP)][-1]
    times = sorted(_timed(call) for _ in range(_SLOW_REQUESTS if last > _SLOW else _REQUESTS))
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    return Times(statistics.median(times) * 1000, p99 * 1000, len(times))


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def measure_server(store: str, log: Path, *, mirrored: bool = False) -> Served:
    """Serves `store`, asks every question over one connection, and stops the server."""
    admin = free_port()
    options = ["--mirror", "--admin-port", str(admin)] if mirrored else ["--no-mirror"]
    with served(store, log, *options) as (process, url), httpx.Client(base_url=url, timeout=60) as client:
        if mirrored:
            await_mirrors([admin])
        times = {question.name: time_calls(partial(ask, client, question)) for question in QUESTIONS}
        return Served(times, memory_mib(process.pid, "VmHWM"))


def await_mirrors(admin_ports: Iterable[int]) -> None:
    """Until servers that tell operators so there have loaded their mirrors of Neo4j."""
    deadline = time.monotonic() + _MIRROR_SECONDS
    for port in admin_ports:
        while not _has_mirror(port):
            if time.monotonic() > deadline:
                raise BenchmarkError(f"no mirror is loaded within {_MIRROR_SECONDS:.0f} s")
            time.sleep(1)


def _has_mirror(admin_port: int) -> bool:
    try:
        metrics = httpx.get(f"http://127.0.0.1:{admin_port}/metrics").text
    except httpx.TransportError:
        return False  # this worker has not begun yet
    return re.search(r'mirror_state{state="current"} 1', metrics) is not None


async def count_round_trips(uri: str) -> dict[str, int]:
    """Statements sent to Neo4j by each question, second time asked."""
    store = Neo4jStore(uri)
    app = create_app(Settings(store=uri, deadline=30, request_deadline=60, insecure_anonymous=True), store)
    trips = {}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        # What is asked to warm up counts too.
        while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - from outside there is no event
            await asyncio.sleep(0.05)
        for question in QUESTIONS:
            _check(question, await client.post("/graphql", json=_body(question)))
            before = store.round_trips
            _check(question, await client.post("/graphql", json=_body(question)))
            trips[question.name] = store.round_trips - before
    return trips


def ask(client: httpx.Client, question: Question) -> None:
    _check(question, client.post("/graphql", json=_body(question)))


def _body(question: Question) -> dict[str, object]:
    return {"query": question.query, "variables": dict(question.variables)}


def _check(question: Question, response: httpx.Response) -> None:
    if not response.is_success or response.json().get("errors"):
        raise BenchmarkError(f"{question.name}: {response.status_code} {response.text[:500]}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(store: str, log: Path, *further: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server of `store` that is ready, and its URL; `further` options of the command."""
    with started(store, log, *further) as (process, url):
        await_ready(process, url, log)
        yield process, url


@contextmanager
def started(store: str, log: Path, *further: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """As served(), from the moment that the process starts."""
    port = free_port()
    program = str(Path(sys.executable).with_name("graph-api"))
    # The limits are on, but for the rate: there is only one caller.
    options = ["--insecure-anonymous", "--rate", "100000", "--deadline", "30", "--request-deadline", "60"]
    command = [program, "serve", "--store", store, "--port", str(port), *options, *further]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output) as process,  # noqa: S603 - our command
    ):
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(_POLL)
    raise BenchmarkError(f"the server does not answer; its log:\n{log.read_text()[-2000:]}")


def memory_mib(pid: int, line: str) -> float | None:
    """A line of /proc/PID/status, such as VmHWM; None where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(rf"{line}:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else None
