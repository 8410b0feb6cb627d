"""JSON text -> values with line numbers, within bounds."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import orjson

from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.parsing import TextError

MAX_NESTING = 200
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]\n]|[^\s{}\[\]:,"]+')

Lines: TypeAlias = dict[Any, Any] | list[Any]
"""In the shape of the value: of each key or item its line, and with it, unless it is a scalar, the lines within it."""


def read_json(text: str) -> Any:
    """One value. TextError if the text is anything else, or nested deeper than recursive code stands."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise TextError(ProblemCode.BAD_YAML, f"not valid JSON: {error.msg}", error.lineno) from error
    _check_nesting(value)
    return value


def read_json_lines(text: str) -> Iterator[tuple[int, Any]]:
    """The values of a text that holds one in each line, with their lines."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, read_json(line)
            except TextError as error:
                raise TextError(error.code, error.message, number) from error


def _check_nesting(value: Any) -> None:
    level = [value]
    for _ in range(MAX_NESTING):
        level = [child for item in level for child in _children(item) if isinstance(child, dict | list)]
        if not level:
            return
    raise TextError(ProblemCode.TOO_LARGE, f"nested more than {MAX_NESTING} deep", None)


def _children(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


def lines_of(text: str) -> list[Any]:
    """The one item: line and lines within of the object or array that a valid JSON text holds."""
    root: list[Any] = []
    current: Lines
    current, above, key, line = root, list[Lines](), None, 1
    for word in _TOKEN.findall(text):
        if word == "\n":
            line += 1
        elif word in "}]":
            current = above.pop()
        elif isinstance(current, dict) and key is None:
            key = orjson.loads(word)
        else:
            within: Lines | None = {} if word == "{" else [] if word == "[" else None
            # A plain number for scalars: millions of tuples would keep the garbage collector busy.
            place = line if within is None else (line, within)
            if isinstance(current, dict):
                current[key] = place
                key = None
            else:
                current.append(place)
            if within is not None:
                above.append(current)
                current = within
    return root
