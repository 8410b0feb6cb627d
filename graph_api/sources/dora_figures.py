"""The four figures of DORA out of deployments and incidents; the connector dora's docstring defines them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from graph_api.sources.scalars import text_in

FREQUENCY, LEAD, FAILURES, RESTORE = METRICS = (
    "deployment_frequency",
    "lead_time_for_changes",
    "change_failure_rate",
    "time_to_restore_service",
)
UNITS = {FREQUENCY: "per day", LEAD: "hours", FAILURES: "ratio", RESTORE: "hours"}
HOUR, DAY = 3_600, 86_400

_PRODUCTION = re.compile(r"(?:.*/)?(?:prod|production|live)(?:[/_-].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Deployment:
    """One that is over: when, whether it went well, and how old its commit was, where that is known (seconds)."""

    time: float
    succeeded: bool
    age: float | None = None


class Figure(NamedTuple):
    """`over` is how many deployments or incidents the value is over."""

    metric: str
    value: float
    over: int
    first: float
    last: float


def is_production(environment: Any) -> bool:
    return bool(_PRODUCTION.fullmatch(text_in(environment) or ""))


def figures_of(deployments: Sequence[Deployment]) -> Iterator[Figure]:
    """What can be told of one thing's deployments."""
    rows = sorted(deployments, key=lambda row: (row.time, row.succeeded))
    if not rows:
        return
    first, last = rows[0].time, rows[-1].time
    good = [row for row in rows if row.succeeded]
    days = int(last // DAY) - int(first // DAY) + 1
    yield Figure(FREQUENCY, len(good) / days, len(good), first, last)
    ages = [row.age for row in good if row.age is not None and row.age >= 0]
    if ages:
        yield Figure(LEAD, median(ages) / HOUR, len(ages), first, last)
    yield Figure(FAILURES, 1 - len(good) / len(rows), len(rows), first, last)
    repaired = list(_repairs(rows))
    if repaired:
        yield Figure(RESTORE, median(repaired) / HOUR, len(repaired), first, last)


def _repairs(rows: Sequence[Deployment]) -> Iterator[float]:
    """From the first failure in a row of failures to the next success."""
    broken: float | None = None
    for row in rows:
        if not row.succeeded:
            broken = row.time if broken is None else broken
        elif broken is not None:
            yield row.time - broken
            broken = None


def restored(incidents: Sequence[tuple[float, float]]) -> Iterator[Figure]:
    """Of incidents as begin and end."""
    if incidents:
        value = median(end - begin for begin, end in incidents) / HOUR
        first, last = min(begin for begin, _ in incidents), max(end for _, end in incidents)
        yield Figure(RESTORE, value, len(incidents), first, last)
