"""The results as Markdown, beside what they should be."""

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.measure import Served, Times
from benchmarks.questions import IMPACT, IMPACT_AS_FLOOR, PAGE

_EMBEDDED_IMPACT, _NEO4J_IMPACT, _PAGE, _PAGE_EXTRA_MS, _SYNC = 10.0, 3.0, 3.0, 100.0, 2.0


@dataclass(frozen=True, slots=True)
class EmbeddedResult:
    sync_seconds: float
    served: Served
    impact_floor: Times


@dataclass(frozen=True, slots=True)
class Neo4jResult:
    sync_seconds: float
    served: Served
    mirrored: Served
    round_trips: Mapping[str, int]
    bare_seconds: float
    impact_floor: Times
    page_floor: Times


def render(entities: int, links: int, embedded: EmbeddedResult | None, neo4j: Neo4jResult | None) -> str:
    return "\n".join(
        [
            f"### {entities:,} entities, {links:,} links, {datetime.now(UTC):%Y-%m-%d}",
            "",
            f"{machine()}, Python {platform.python_version()}.",
            "",
            "| store | question | median ms | p99 ms | requests | round trips | floor ms | ratio | bar |",
            "|---|---|--:|--:|--:|--:|--:|--:|---|",
            *(_embedded_rows(embedded) if embedded else ()),
            *(_neo4j_rows(neo4j) if neo4j else ()),
            "",
            "| store | sync s | bare writes s | ratio | bar | server's peak MiB |",
            "|---|--:|--:|--:|---|--:|",
            *_sync_rows(embedded, neo4j),
        ]
    )


def machine() -> str:
    """Its processors and memory."""
    cores = f"{os.cpu_count()} cores"
    if not hasattr(os, "sysconf"):
        return cores
    return f"{cores}, {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _embedded_rows(result: EmbeddedResult) -> Iterator[str]:
    for name, times in result.served.times.items():
        floor = result.impact_floor if name in (IMPACT.name, IMPACT_AS_FLOOR.name) else None
        limit = floor.median * _EMBEDDED_IMPACT if floor else None
        yield _row("embedded", name, times, None, floor, f"{_EMBEDDED_IMPACT:g} x", limit)


def _neo4j_rows(result: Neo4jResult) -> Iterator[str]:
    for name, times in result.served.times.items():
        floor, bar, limit = None, "", None
        if name in (IMPACT.name, IMPACT_AS_FLOOR.name):
            floor, bar, limit = result.impact_floor, f"{_NEO4J_IMPACT:g} x", result.impact_floor.median * _NEO4J_IMPACT
        elif name == PAGE.name:
            floor, bar = result.page_floor, f"{_PAGE:g} x + {_PAGE_EXTRA_MS:g} ms"
            limit = floor.median * _PAGE + _PAGE_EXTRA_MS
        yield _row("neo4j", name, times, result.round_trips[name], floor, bar, limit)
    for name, times in result.mirrored.times.items():
        yield _row("its mirror", name, times, None, None, "", None)


def _row(
    store: str, name: str, times: Times, trips: int | None, floor: Times | None, bar: str, limit: float | None
) -> str:
    cells = [store, name, f"{times.median:.1f}", f"{times.p99:.1f}", times.count, "" if trips is None else trips]
    if floor is None or limit is None:
        cells += ["", "", ""]
    else:
        cells += [f"{floor.median:.1f}", f"{times.median / floor.median:.1f}", _verdict(bar, times.median, limit)]
    return line(cells)


def _sync_rows(embedded: EmbeddedResult | None, neo4j: Neo4jResult | None) -> Iterator[str]:
    if embedded:
        bar = _verdict("no slower than Neo4j", embedded.sync_seconds, neo4j.sync_seconds) if neo4j else ""
        bare = (f"{neo4j.bare_seconds:.1f}", f"{embedded.sync_seconds / neo4j.bare_seconds:.1f}") if neo4j else ("", "")
        yield line(["embedded", f"{embedded.sync_seconds:.1f}", *bare, bar, _mib(embedded.served)])
    if neo4j:
        bar = _verdict(f"{_SYNC:g} x", neo4j.sync_seconds, neo4j.bare_seconds * _SYNC)
        ratio = f"{neo4j.sync_seconds / neo4j.bare_seconds:.1f}"
        yield line(["neo4j", f"{neo4j.sync_seconds:.1f}", f"{neo4j.bare_seconds:.1f}", ratio, bar, _mib(neo4j.served)])
        yield line(["its mirror", "", "", "", "", _mib(neo4j.mirrored)])


def _verdict(bar: str, value: float, limit: float) -> str:
    return f"{bar}: {'met' if value <= limit else 'MISSED'}"


def _mib(served: Served) -> str:
    return "" if served.peak_mib is None else f"{served.peak_mib:.0f}"


def line(cells: list[object] | list[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"
