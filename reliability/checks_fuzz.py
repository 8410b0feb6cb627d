"""Row 2: whatever is sent, no answer is a 5xx or a defect, and none takes long."""

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import click
import hypothesis

from reliability.check import Bench, Check, Figure
from reliability.checks_tested import tested
from reliability.servers import demo_server
from tests.commands import Server

REQUESTS, REQUESTS_IN_FULL = 500, 20_000
SECONDS = 1.0


@dataclass
class Found:
    sent: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def note(self, status: int, body: str, seconds: float) -> None:
        self.sent += 1
        self.slowest = max(self.slowest, seconds)
        if status >= 500 or '"INTERNAL"' in body:
            self.bad[f"{status} {body[:500]}"] += 1

    def figure(self, store: str) -> Figure:
        for answer in self.bad:
            click.echo(answer, err=True)
        text = f"{store}: {self.sent} requests, {self.bad.total()} failures, slowest {self.slowest:.2f} s"
        return Figure(text, not self.bad and self.slowest < SECONDS)


def fuzz(server: Server, requests: int) -> Found:
    """Random operations with random arguments, as Schemathesis makes them of the schema."""
    import schemathesis  # a dependency of this check alone
    from schemathesis.core.result import Ok

    schema = schemathesis.graphql.from_url(f"{server.url}/graphql")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    found = Found()
    settings = hypothesis.settings(
        max_examples=-(-requests // len(operations)),
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    for operation in operations:

        @settings
        @hypothesis.given(case=operation.as_strategy())
        def send(case: Any) -> None:
            response, seconds = _timed(case)
            if seconds > SECONDS:
                # What is slow because of what was sent is slow again.
                seconds = min(seconds, _timed(case)[1], _timed(case)[1])
            found.note(response.status_code, response.text, seconds)

        send()

    return found


def _timed(case: Any) -> tuple[Any, float]:
    begin = time.monotonic()
    response = case.call(timeout=30)
    return response, time.monotonic() - begin


def generated(bench: Bench) -> Figure:
    figures = []
    requests = REQUESTS_IN_FULL if bench.full else REQUESTS
    for name, store in bench.stores("fuzzed").items():
        with demo_server(bench, store) as server:
            figures.append(fuzz(server, requests // 2).figure(name))
    return figures[0] & figures[1]


CHECKS = (
    Check(2, "no input makes a 5xx or a hang", "0 failures in 20,000 generated requests, each within 1 s", generated),
    Check(
        2,
        "no input makes a 5xx or a hang",
        "every attack of the table has its expected outcome",
        partial(tested, tests=("attacks",)),
    ),
)
