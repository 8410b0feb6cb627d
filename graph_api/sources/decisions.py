"""What became of each document that was read: accepted, or refused and why. Derived from a snapshot."""

from typing import NamedTuple

from graph_api.catalog.kinds import kind_name
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.snapshot import ProblemCode, Severity, Snapshot

_LEFT_ALONE = (ProblemCode.NOT_A_DESCRIPTOR, ProblemCode.NO_API_VERSION, ProblemCode.TEMPLATE)


class Decision(NamedTuple):
    """`line` is None for a whole file; `kind` and `ref` are None where a refused document's name was not read."""

    path: str
    line: int | None
    kind: str | None
    ref: Ref | None
    accepted: bool
    code: ProblemCode | None


def decisions(snapshot: Snapshot) -> list[Decision]:
    """One for each document (or whole file, where none of its documents was looked at), by path and line."""
    accepted = [
        Decision(said.document, _line(said.document, said.location), said.kind, said.ref, True, None)
        for said in snapshot.entities.values()
    ]
    refused = [
        Decision(problem.path, problem.line, _kind(problem.ref), problem.ref, False, problem.code)
        for problem in snapshot.problems
        if problem.severity is Severity.REFUSED or problem.code in _LEFT_ALONE
    ]
    return sorted(accepted + refused, key=lambda decision: (decision.path, decision.line or 0))


def _line(document: str, location: str) -> int | None:
    line = location.removeprefix(f"{document}:")
    return int(line) if line.isdecimal() else None


def _kind(ref: Ref | None) -> str | None:
    return kind_name(kind_of(ref)) if ref else None
