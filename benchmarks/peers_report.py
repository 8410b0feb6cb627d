"""What was measured of everybody, as one Markdown table with its bars."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import line, machine

OURS = "graph-api"
QUESTIONS = {
    "Q1": ("lookup", 0.9),
    "Q2": ("page of 100 with owner, system, dependencies", 2.0),
    "Q3": ("search", 0.9),
    "Q4": ("direct dependents", 0.9),
    "Q5": ("impact", 20.0),
    "Q6": ("owned, with subgroups", 0.9),
    "Q7": ("page of 1,000", 2.0),
}
"""By their names in files of queries, also as Q1-anything: how many times the fastest peer's throughput."""
SLOWER = 1 / 0.9
"""How many times the fastest peer's p99 ours may be."""
WRITES_BAR = 2.0


@dataclass(frozen=True, slots=True)
class _Measured:
    who: str
    rate: float
    p99: float
    cpu: float
    """Milliseconds of a request: the server's, and those of its database."""
    errors: int


def render(entities: int, results: Path, peers: Iterable[str], floors: Mapping[str, str]) -> str:
    """`floors`: by question and way to write, what the least that could be done costs."""
    told = {name: json.loads((results / f"{name}-{entities}.json").read_text()) for name in (*peers, OURS)}
    return "\n".join(
        [
            f"### {entities:,} entities, {datetime.now(UTC):%Y-%m-%d}",
            "",
            f"{machine()}.",
            "",
            "| question | peer | a second | p99 ms | CPU ms | ours | p99 ms | CPU ms | ratio | bar | floor ms |",
            "|---|---|--:|--:|--:|--:|--:|--:|--:|---|---|",
            *(_row(told, name, floors.get(name, "")) for name in QUESTIONS),
            *_writes(told, floors),
        ]
    )


def _row(told: Mapping[str, Any], name: str, floor: str) -> str:
    title, bar = QUESTIONS[name]
    (ours,) = _measured(told, name, {OURS})
    cells = [f"{ours.rate:,.0f}", f"{ours.p99:,.1f}", f"{ours.cpu:.2f}"]
    others = _measured(told, name, told.keys() - {OURS})
    if not others:
        return line([title, "none answers it", "", "", "", *cells, "", "", floor])
    peer = max(others, key=lambda one: one.rate)
    ratio = ours.rate / peer.rate
    met = ratio >= bar and ours.p99 <= peer.p99 * SLOWER and not ours.errors
    verdict = f"{bar:g} x: {'met' if met else 'MISSED'}"
    of_peer = [peer.who, f"{peer.rate:,.0f}", f"{peer.p99:,.1f}", f"{peer.cpu:.2f}"]
    return line([title, *of_peer, *cells, f"{ratio:.1f}", verdict, floor])


def _measured(told: Mapping[str, Any], name: str, who: Iterable[str]) -> list[_Measured]:
    """Whoever answers it, in each way that they were asked."""
    return [
        _Measured(one, row["rps"], row["p99_ms"], row["srv_cpu_ms"] + row["db_cpu_ms"], row["errors"])
        for one in who
        for question, result in told[one]["queries"].items()
        if question.partition("-")[0] == name and "failed" not in result
        for row in result["conns"].values()
    ]


def _writes(told: Mapping[str, Any], floors: Mapping[str, str]) -> Iterator[str]:
    """Entities a second, by how many come in one request; of a peer that takes them in several ways the fastest."""
    for way, ours in told[OURS]["ingest"].items():
        size = _batch(way)
        others = {who: _fastest(result, size) for who, result in told.items() if who != OURS}
        peer = max(others, key=lambda who: others[who], default="")
        if "failed" in ours or not peer or not others[peer]:
            continue
        ratio = ours["eps"] / others[peer]
        verdict = f"{WRITES_BAR:g} x: {'met' if ratio >= WRITES_BAR else 'MISSED'}"
        of_peer = [peer, f"{others[peer]:,.0f}", "", ""]
        title = f"entities written, {size:,} a request"
        yield line([title, *of_peer, f"{ours['eps']:,.0f}", "", "", f"{ratio:.1f}", verdict, floors.get(way, "")])


def _fastest(result: Mapping[str, Any], size: int) -> float:
    ways = (row for way, row in result["ingest"].items() if _batch(way) == size and "failed" not in row)
    return max((row["eps"] for row in ways), default=0.0)


def _batch(way: str) -> int:
    """Ways are called M1-100 here, and M1-...-b100-c1 by others."""
    found = re.search(r"-b?(\d+)(-c\d+)?$", way)
    return int(found[1]) if found else 0
