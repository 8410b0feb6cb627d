"""What grew, as Markdown: a cost at the large size over the same at the small one."""

from collections.abc import Iterator

from benchmarks.growth.loading import Made
from benchmarks.growth.measure import Cost, Served

_MOST, _FIRST_SECONDS, _MOST_WRITTEN = 2.0, 10.0, 0.02


def render(store: str, small: tuple[Made, Served], large: tuple[Made, Served]) -> str:
    (little, before), (much, after) = small, large
    return "\n".join(
        [
            f"### {store}: {much.entities:,} entities and {much.links:,} links beside {little.entities:,} and "
            f"{little.links:,}",
            "",
            f"| question | ms at {little.entities:,} | ms at {much.entities:,} | ratio | computed | ratio | bar |",
            "|---|--:|--:|--:|--:|--:|---|",
            *(_row(name, cost, after.costs[name]) for name, cost in before.costs.items()),
            "",
            f"| | at {little.entities:,} | at {much.entities:,} | bar |",
            "|---|--:|--:|---|",
            *_other_rows(little, before, much, after),
        ]
    )


def _row(name: str, small: Cost, large: Cost) -> str:
    ratio = large.waited / small.waited
    computed = growth = ""
    if small.computed and large.computed is not None:
        computed = f"{small.computed:.1f} -> {large.computed:.1f}"
        growth = f"{large.computed / small.computed:.1f}"
    cells = (name, f"{small.waited:.1f}", f"{large.waited:.1f}", f"{ratio:.1f}", computed, growth)
    return _line(*cells, _verdict(f"{_MOST:g} x", ratio <= _MOST))


def _other_rows(little: Made, before: Served, much: Made, after: Served) -> Iterator[str]:
    for name, seconds in before.until.items():
        bar = _verdict(f"{_FIRST_SECONDS:g} s", after.until[name] < _FIRST_SECONDS)
        yield _line(f"seconds to the first {name}", f"{seconds:.1f}", f"{after.until[name]:.1f}", bar)
    if before.mirrored and after.mirrored:
        yield _line(
            "seconds until the mirror of Neo4j is loaded", f"{before.mirrored:.0f}", f"{after.mirrored:.0f}", ""
        )
    if before.resident_mib and after.resident_mib:
        yield _line("resident MiB", f"{before.resident_mib:.0f}", f"{after.resident_mib:.0f}", "")
        rows = much.entities + much.links - little.entities - little.links
        each = (after.resident_mib - before.resident_mib) * 2**20 / rows
        yield _line("bytes for each further entity or link", "", f"{each:.0f}", "")
    share = much.again_rows / much.first_rows
    yield _line("rows of a source's first sync", f"{little.first_rows:,}", f"{much.first_rows:,}", "")
    bar = _verdict("some 1 %", share <= _MOST_WRITTEN)
    yield _line("rows when 1 % of it changed", f"{little.again_rows:,}", f"{much.again_rows:,} ({share:.1%})", bar)
    for name, small, large in (
        ("seconds of that first sync", little.first_seconds, much.first_seconds),
        ("seconds when 1 % of it changed", little.again_seconds, much.again_seconds),
    ):
        yield _line(name, f"{small:.1f}", f"{large:.1f}", _verdict(f"{_MOST:g} x", large <= _MOST * small))


def _verdict(bar: str, met: bool) -> str:
    return f"{bar}: {'met' if met else 'MISSED'}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
