"""What is wrong with an edit, told at the place of the request that is to be mended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graph_api.catalog.entity import Entity, LinkKey, LinkStatement
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.errors import ErrorCode
from graph_api.sources.descriptor_links import unusual_ends
from graph_api.sources.descriptors import Reading


@dataclass(frozen=True, slots=True)
class UserError:
    """`path` leads to the input that is wrong, such as ("entities", "0", "ref")."""

    path: tuple[str, ...]
    code: ErrorCode
    message: str


def sort_problems(path: tuple[str, ...], reading: Reading) -> tuple[list[UserError], list[Problem]]:
    """Errors and warnings: a half-read document is an error here, since the caller can mend it at once."""
    errors, warnings = [], []
    for problem, place in zip(reading.problems, reading.places, strict=True):
        if problem.code in (ProblemCode.BAD_LINK_END, ProblemCode.MISSPELLED) or problem.severity is Severity.INFO:
            warnings.append(problem)
        else:
            code = ErrorCode.BAD_REF if problem.code is ProblemCode.BAD_REF else ErrorCode.INVALID
            # The fields of metadata are fields of the input itself.
            field = map(str, place[1:] if place[:1] == ("metadata",) else place)
            errors.append(UserError((*path, *field), code, problem.message))
    return errors, warnings


def repeated(links: Sequence[LinkStatement]) -> list[UserError]:
    """Return an error at each link that was given before."""
    places: dict[LinkKey, int] = {}
    return [
        UserError(("links", str(place)), ErrorCode.INVALID, "the link is given twice")
        for place, link in enumerate(links)
        if places.setdefault(link.key, place) != place
    ]


def link_warnings(links: Iterable[LinkStatement]) -> list[Problem]:
    """Return warnings of links that came by themselves, with ends that their relation does not have."""
    return [
        Problem(
            code=ProblemCode.BAD_LINK_END,
            severity=Severity.WARNING,
            message=message,
            path=link.document,
            ref=link.key.source,
        )
        for link in links
        if (message := unusual_ends(link.key))
    ]


def revision_errors(path: tuple[str, ...], expected: int | None, row: Entity | None) -> list[UserError]:
    """Return an error where an entity is not at the revision that was expected of it: one that nothing declares is at
    0, as what must not exist, and at that of the last change of what points at it.
    """
    actual = row.revision if row and row.declared else 0
    if expected is None or expected == actual or (row and not row.declared and expected == row.revision):
        return []
    message = (
        f"it is at revision {actual}, not {expected}; read it again" if actual else "nothing declares it: that is 0"
    )
    return [UserError((*path, "expectedRevision"), ErrorCode.CONFLICT, message)]


def declared_elsewhere(path: tuple[str, ...], statements: Mapping[str, object]) -> UserError:
    sources = ", ".join(statements)
    return UserError(path, ErrorCode.DECLARED_ELSEWHERE, f"it is stated by {sources}; change it there")
