"""What a sync or a check has to tell, as lines to read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import click

from graph_api.catalog.changes import Counts
from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.spool import in_order

if TYPE_CHECKING:  # `check` starts without what a store needs
    from graph_api.sync import SyncReport

MAX_LINES = 50
MAX_INFORMATION = 5
"""Places of each code that are told, where they are only for information."""

MENDING: dict[ProblemCode, str] = {
    ProblemCode.UNREADABLE: "check that it is there, may be read and, as a file, is UTF-8; what it said before stays",
    ProblemCode.BAD_YAML: "mend the syntax at the line shown; what the file said before stays",
    ProblemCode.TOO_LARGE: "split the file",
    ProblemCode.NOT_A_DESCRIPTOR: "nothing to mend, unless its apiVersion should be in the setting descriptor_groups",
    ProblemCode.NO_API_VERSION: "add `apiVersion: backstage.io/v1alpha1`, or leave it if it is something else",
    ProblemCode.TEMPLATE: "nothing to mend if it is a template; else fill in the placeholder",
    ProblemCode.INVALID: "correct the field",
    ProblemCode.BAD_REF: (
        "write [kind:][namespace/]name, each of letters a-z and digits; between them a namespace may have single -, "
        "a name - _ ."
    ),
    ProblemCode.MISSPELLED: "correct it; if it is meant so, add the kind to the setting kinds or rename the field",
    ProblemCode.BAD_LINK_END: "check the kinds at both ends",
    ProblemCode.DUPLICATE: "keep one of the two, or give one another name or namespace",
    ProblemCode.OUTSIDE_ROOT: "move the file below the folder that is synced, or sync the folder above",
    ProblemCode.NOT_FETCHED: "sync a copy of the file",
    ProblemCode.CYCLE: "remove the target that leads back",
    ProblemCode.BAD_CODEOWNERS: "correct the line; the hosting service ignores it as well",
    ProblemCode.NO_REPOSITORY: "name the repository with --repo",
    ProblemCode.UNKNOWN_FORMAT: "nothing to mend; `graph-api connectors` lists what is read",
    ProblemCode.BAD_FORMAT: "export the file anew in a version that the connector reads; what it said before stays",
    ProblemCode.OUTRANKED: "change it in the source that comes first, or the order of sources",
    ProblemCode.NOTHING_STATED: "nothing to mend; `graph-api connectors NAME` tells what is taken of a format",
}


def needs_mending(problems: Iterable[Problem]) -> bool:
    return any(problem.severity is not Severity.INFO for problem in problems)


def echo_limited(lines: Iterable[str], count: int, rest: str, limit: int = MAX_LINES) -> None:
    """Print at most `limit` of so many lines, then how many more there are of `rest`."""
    for line in islice(lines, limit):
        click.echo(line)
    if count > limit:
        click.echo(f"... and {count - limit:,} more {rest}")


def echo_problems(problems: Sequence[Problem], all_with: str = "`graph-api check PATH --json`") -> None:
    """Problems by severity and code, each group with the way to mend it; of what needs no mending a few places."""
    mend = [problem for problem in problems if problem.severity is not Severity.INFO]
    lines = list(_problem_lines(mend))
    if lines:
        click.echo(f"refused: {_count(mend, Severity.REFUSED)}, warnings: {_count(mend, Severity.WARNING)}")
        echo_limited(lines, len(lines), f"lines; see all problems with {all_with}")
    for code, group in _by_code(problem for problem in problems if problem.severity is Severity.INFO).items():
        mending = MENDING[code] if "nothing" in MENDING[code] else f"if it is meant for the catalog, {MENDING[code]}"
        click.echo(f"{len(group)} x {code}, for information: {mending}")
        places = (f"  {place_of(problem)}" for problem in group)
        echo_limited(places, len(group), f"places; see all problems with {all_with}", MAX_INFORMATION)


def _count(problems: Iterable[Problem], severity: Severity) -> int:
    return sum(problem.severity is severity for problem in problems)


def _problem_lines(problems: Sequence[Problem]) -> Iterator[str]:
    for severity in (Severity.REFUSED, Severity.WARNING):
        for code, group in _by_code(problem for problem in problems if problem.severity is severity).items():
            yield f"{severity} {code} ({len(group)}): {MENDING[code]}"
            for problem in sorted(group, key=lambda problem: (problem.path, problem.line or 0)):
                yield f"  {place_of(problem)}: {problem.message}"


def _by_code(problems: Iterable[Problem]) -> dict[ProblemCode, list[Problem]]:
    groups = defaultdict(list)
    for problem in problems:
        groups[problem.code].append(problem)
    return dict(sorted(groups.items()))


def place_of(problem: Problem) -> str:
    return problem.path if problem.line is None else f"{problem.path}:{problem.line}"


def echo_counts(counts: Counts) -> None:
    for name in ("entities", "links"):
        added, changed, removed = (getattr(counts, f"{name}_{what}") for what in ("added", "changed", "removed"))
        click.echo(f"  {name:<8} {added:,} added, {changed:,} changed, {removed:,} removed")


def plan_lines(report: "SyncReport") -> Iterator[str]:
    """Yield a line for each statement of the source that would be new (+), change (~) or go (-)."""
    edit, at = report.plan.edit, report.run.started_at
    yield from (f"  {_sign(statement, at)} {ref}" for ref, statement in in_order(edit.entities))
    yield from (f"  {_sign(statement, at)} {_arrow(key)}" for key, statement in edit.links.items())


def _sign(statement: EntityStatement | LinkStatement | None, at: str) -> str:
    if statement is None:
        return "-"
    return "+" if statement.first_seen == at else "~"


def _arrow(key: LinkKey) -> str:
    environment = f" in {key.environment}" if key.environment else ""
    return f"{key.source} {key.relation} {key.target}{environment}"
