"""One size of the catalog: served from the start of the process, asked, and written to."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import httpx

from benchmarks.growth.questions import IMPACT, LOOKUP, QUESTIONS, written
from benchmarks.measure import BenchmarkError, ask, await_mirrors, await_ready, free_port, memory_mib, started
from benchmarks.questions import Question

_FIRST = (LOOKUP, IMPACT)
_FIRST_ANSWER_SECONDS = 300.0
_MIRRORED = 10_000_000
"""Entities, more than a benchmark has."""
_POLL = 0.02
_WARM_UP, _REQUESTS = 8, 40


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request in milliseconds: the median that the client waits, and what the server computes (None where the
    system does not tell)."""

    waited: float
    computed: float | None


@dataclass(frozen=True, slots=True)
class Served:
    """`costs` by question, `until` seconds from the start of the process to its first answers, `resident_mib` after
    all questions; `mirrored` seconds from its start until it answered and had its mirror of Neo4j, None without one."""

    costs: dict[str, Cost]
    until: dict[str, float]
    resident_mib: float | None
    mirrored: float | None


def measure(url: str, log: Path, *, mirrored: bool) -> Served:
    """Serves the store twice, asks and writes over one connection the second time, and stops the server."""
    admin = free_port()
    large_enough = ("--mirror-max-entities", str(_MIRRORED), "--admin-port", str(admin))
    options = ("--mirror", *large_enough) if mirrored else ("--no-mirror",)
    with _starting(url, log, "first start", *options) as (_, _, before):
        pass
    begun = time.perf_counter()
    with _starting(url, log, "next start", *options) as (process, client, until):
        if mirrored:
            await_mirrors([admin])
        loaded = time.perf_counter() - begun if mirrored else None
        costs = {question.name: _cost([partial(ask, client, question)], process.pid)[0] for question in QUESTIONS}
        resident = memory_mib(process.pid, "VmRSS")
        numbers = count()
        after_write: list[Callable[[], object]] = [
            lambda: ask(client, written(next(numbers))),
            partial(ask, client, IMPACT),
        ]
        costs["write of one entity"], costs["impact right after a write"] = _cost(after_write, process.pid)
        return Served(costs, before | until, resident, loaded)


@contextmanager
def _starting(
    url: str, log: Path, name: str, *options: str
) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client, dict[str, float]]]:
    """A server that is ready, and seconds from the start of its process to its first answers."""
    begun = time.perf_counter()
    with started(url, log, *options) as (process, address), httpx.Client(base_url=address, timeout=300) as client:
        until = {f"{question.name}, {name}": _seconds_until(client, question, begun) for question in _FIRST}
        await_ready(process, address, log)
        yield process, client, until


def _seconds_until(client: httpx.Client, question: Question, begun: float) -> float:
    """The first answer."""
    while time.perf_counter() - begun < _FIRST_ANSWER_SECONDS:
        try:
            ask(client, question)
        except (httpx.TransportError, BenchmarkError):
            time.sleep(_POLL)
        else:
            return time.perf_counter() - begun
    raise BenchmarkError(f"no answer within {_FIRST_ANSWER_SECONDS:.0f} s")


def _cost(calls: Sequence[Callable[[], object]], pid: int) -> list[Cost]:
    """Of calls that are made in turn."""
    for _ in range(_WARM_UP):
        for call in calls:
            call()
    measured: list[list[tuple[float, float | None]]] = [
        [_measured(call, pid) for call in calls] for _ in range(_REQUESTS)
    ]
    return [_median(column) for column in zip(*measured, strict=True)]


def _measured(call: Callable[[], object], pid: int) -> tuple[float, float | None]:
    computed, began = _computed(pid), time.perf_counter()
    call()
    waited = time.perf_counter() - began
    after = _computed(pid)
    return waited, None if computed is None or after is None else after - computed


def _median(measured: Sequence[tuple[float, float | None]]) -> Cost:
    """What is computed is told in ticks of the clock, so that only the sum says something."""
    computed = [seconds for _, seconds in measured if seconds is not None]
    mean = statistics.mean(computed) * 1000 if computed else None
    return Cost(statistics.median(seconds for seconds, _ in measured) * 1000, mean)


def _computed(pid: int) -> float | None:
    """Seconds of processor time so far, in the process."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
