"""Row 28: servers that are asked for long keep their memory, their files and their connections."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, takewhile
from statistics import linear_regression

from reliability.asking import asked_all_the_time, outcome
from reliability.check import Bench, Check, Figure
from reliability.faults_replicas import INVALID, QUICK, SLOW, ask_and_go, held
from reliability.processes import Served, databases, free_port, served

SECONDS, SECONDS_IN_FULL = 600, 7_200
GROWTH, GROWTH_IN_FULL = 10.0, 1.0
"""Megabytes an hour. In minutes, what a server still fills (caches, the allocator's arenas) looks like a leak."""
PAUSE = 0.4
"""Seconds between two requests of a kind: the processors have other work at the same time."""
WRITE = """
mutation ($text: String) { putEntities(entities: [{kind: "Component", name: "soaked", title: $text}]) { revision } }
"""


@dataclass
class _Soaked:
    server: Served
    megabytes: list[tuple[float, float]] = field(default_factory=list)
    """With the time of each."""

    def look(self) -> None:
        self.megabytes.append((time.monotonic() / 3600, held(self.server)["megabytes"]))

    def work(self) -> list[Callable[[], object]]:
        url = self.server.url
        return [
            lambda: outcome(url, QUICK),
            lambda: outcome(url, INVALID),
            lambda: outcome(url, SLOW),
            lambda: ask_and_go(url, 0.05),
        ]

    def write(self, number: int) -> None:
        """Not often: with the history the store's own caches grow, up to their limits."""
        outcome(self.server.url, {"query": WRITE, "variables": {"text": str(number)}})

    def figure(self, name: str, most: float) -> Figure:
        """After the first half, which warms it."""
        warm = self.megabytes[len(self.megabytes) // 2 :]
        slope, _ = linear_regression(*zip(*warm, strict=True))
        rest = held(self.server)
        text = f"{name}: {slope:+.1f} MB/h at {warm[-1][1]:.0f} MB, then {rest['running']:.0f} running, "
        text += f"{rest['files']:.0f} files"
        return Figure(text, slope <= most and not rest["running"] and not rest["connections"])


def soak(bench: Bench) -> Figure:
    """Good, invalid, slow and abandoned requests, and writes, to servers on either store and of one with a mirror."""
    seconds = SECONDS_IN_FULL if bench.full else SECONDS
    folder = bench.folder / "soaked"
    folder.mkdir()
    with ExitStack() as stack:
        uri = stack.enter_context(databases(folder, [free_port()]))[0].uri
        commands = {
            "embedded": [f"embedded:{folder / 'catalog.db'}"],
            "neo4j": [uri, "--no-mirror"],
            "its mirror": [uri, "--mirror"],
        }
        soaked = {
            name: _Soaked(stack.enter_context(served(store, folder, "--demo", *options)))
            for name, (store, *options) in commands.items()
        }
        with asked_all_the_time([ask for one in soaked.values() for ask in one.work()], PAUSE):
            end = time.monotonic() + seconds
            for number in takewhile(lambda _: time.monotonic() < end, count()):
                time.sleep(seconds / 200)
                for one in soaked.values():
                    one.write(number)
                    one.look()
        time.sleep(1)
        figures = [one.figure(name, GROWTH_IN_FULL if bench.full else GROWTH) for name, one in soaked.items()]
    return figures[0] & figures[1] & figures[2]


CHECK = Check(28, "no leak", f"1 MB an hour in 2 hours; {GROWTH:.0f} in 10 minutes", soak)
