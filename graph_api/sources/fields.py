"""Typed access to the fields of a descriptor: what has another shape becomes a problem and reads as absent."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.sources.parsing import Keys
from graph_api.sources.yaml_documents import MAX_DOCUMENT_DEPTH, MAX_NODES, TEXT_PER_NODE

MAX_TEXT = 1_024
MAX_PROBLEMS = 100
"""Problems of one document that are listed."""
MAX_LONG_TEXT = 32 * 1024
"""Characters of a title or description."""

_MAX_INTEGER = 2**63 - 1
_SURROGATE = re.compile("[\ud800-\udfff]")


def _no_line(_path: Keys) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a descriptor stands: a file with the line of each of its fields, or an API item without lines."""

    document: str
    line_of: Callable[[Keys], int | None] = _no_line
    of_items: bool = False
    """Whether each of the descriptors there is a document of its own."""
    first_seen: str | None = None
    """When that was, of what is stated there and was not before, if it is known."""

    def location(self, path: Keys = ()) -> str:
        line = self.line_of(path)
        return self.document if line is None else f"{self.document}:{line}"

    def document_of(self, ref: Ref) -> str:
        return f"{self.document}:{ref}" if self.of_items else self.document


@dataclass(slots=True)
class Fields:
    """A descriptor's fields, and the problems met so far. `ref` is known once the name has been read, and with it the
    document that the statements name.
    """

    document: dict[str, Any]
    origin: Origin
    ref: Ref | None = None
    stated_in: str = ""
    problems: list[Problem] = field(default_factory=list)
    places: list[Keys] = field(default_factory=list)
    """Where in the document each problem is."""

    def report(self, code: ProblemCode, message: str, path: Keys = (), severity: Severity = Severity.WARNING) -> None:
        if len(self.problems) >= MAX_PROBLEMS and severity is not Severity.REFUSED:
            return
        if len(self.problems) == MAX_PROBLEMS - 1:
            message += "; further problems of this document are not listed"
        self.places.append(path)
        self.problems.append(
            Problem(
                code=code,
                severity=severity,
                message=message,
                path=self.origin.document,
                line=self.origin.line_of(path),
                ref=self.ref,
            )
        )

    def invalid(self, path: Keys, expected: str) -> None:
        self.report(ProblemCode.INVALID, f"{dotted(path)} must be {expected}", path)

    def get(self, *path: str | int) -> Any:
        """The value at a path, None where there is none."""
        value: Any = self.document
        for key in path:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    def text(self, *path: str, limit: int = MAX_TEXT) -> str | None:
        value = self.get(*path)
        if value is None:
            return None
        text = text_of(value)
        if text is None:
            self.invalid(path, "text")
        elif len(text) > limit:
            self.invalid(path, f"at most {limit:,} characters long")
            return None
        return text or None

    def mapping(self, *path: str) -> dict[str, Any]:
        value = self.get(*path)
        if value is not None and not isinstance(value, dict):
            self.invalid(path, "a mapping")
        return value if isinstance(value, dict) else {}

    def items(self, *path: str) -> Iterator[tuple[Keys, Any]]:
        """The values at a path: those of a list, or the one that stands there."""
        value = self.get(*path)
        if isinstance(value, list):
            for index, item in enumerate(value):
                if item is not None:
                    yield (*path, index), item
        elif value is not None:
            yield path, value

    def texts(self, *path: str) -> tuple[str, ...]:
        """The distinct texts of a list, in its order."""
        found: dict[str, None] = {}
        for item_path, item in self.items(*path):
            text = text_of(item)
            if not text or len(text) > MAX_TEXT:
                self.invalid(item_path, f"text of 1 to {MAX_TEXT:,} characters")
            else:
                found[text] = None
        return tuple(found)

    def text_map(self, *path: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in self.mapping(*path).items():
            text = text_of(value)
            if text is not None:
                found[str(key)] = text
            elif value is not None:
                self.invalid((*path, key), "text")
        return found


def text_of(value: object) -> str | None:
    """A scalar as it was written; None for no value and for a list or mapping."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def content_problem(value: object) -> tuple[ProblemCode, str] | None:
    """Why a value of JSON types cannot be stored, if it cannot: too deep, too many values, or a text no store takes."""
    nodes, level = 0, [value]
    for _ in range(MAX_DOCUMENT_DEPTH + 1):
        below: list[object] = []
        for item in level:
            nodes += 1
            reason = None
            if isinstance(item, str):
                nodes += len(item) // TEXT_PER_NODE
                # Most texts need no second look.
                if "\0" in item or not item.isascii():
                    reason = _unfit_text(item)
            elif isinstance(item, dict):
                below += item
                below += item.values()
            elif isinstance(item, list):
                below += item
            else:
                reason = _unfit(item)
            if reason:
                return ProblemCode.INVALID, reason
            if nodes + len(below) > MAX_NODES:
                return ProblemCode.TOO_LARGE, f"more than {MAX_NODES:,} values"
        if not below:
            return None
        level = below
    return ProblemCode.TOO_LARGE, f"nested more than {MAX_DOCUMENT_DEPTH} deep"


def _unfit_text(text: str) -> str | None:
    if "\0" in text:
        return "a text holds the character U+0000"
    return "a text holds half of a surrogate pair" if _SURROGATE.search(text) else None


def _unfit(item: object) -> str | None:
    if isinstance(item, float):
        return None if abs(item) < float("inf") else "a number is not finite"
    if isinstance(item, int):
        return None if abs(item) <= _MAX_INTEGER else "an integer has more than 64 bits"
    return None if item is None else f"a value is of type {type(item).__name__}"


def dotted(path: Keys) -> str:
    """A path as problems write it: `spec.dependsOn[3]`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")[:200]
