"""What connectors read: documents of files and of API answers, with the place of everything in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TypeVar

from graph_api.sources.json_documents import lines_of
from graph_api.sources.yaml_documents import YamlDocument

T = TypeVar("T")


class Place(NamedTuple):
    """Evidence: the document, and the `file:line` or URL in it."""

    document: str
    location: str


@dataclass(frozen=True)
class Document:
    """One document: a YAML or JSON value, or the text of another format (then `value` is None).

    `path` is relative to the synced folder, with `/`, or the URL of an API answer. `text` is the whole file's, which
    several documents may share.
    """

    path: str
    value: Any = None
    text: str = field(default="", repr=False)
    line: int = 1
    yaml: YamlDocument | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.path).name

    @property
    def folder(self) -> PurePosixPath:
        return PurePosixPath(self.path).parent

    @property
    def is_url(self) -> bool:
        return "://" in self.path

    def at(self, *keys: str | int) -> Place:
        """Where the value at these keys stands, or the nearest one above that exists."""
        return Place(self.path, self.path if self.is_url else f"{self.path}:{self.line_of(*keys)}")

    def at_line(self, line: int) -> Place:
        """For formats that are read as text."""
        return Place(self.path, f"{self.path}:{line}")

    def line_of(self, *keys: str | int) -> int:
        if self.yaml:
            return self.yaml.line_of(keys)
        line: int = 1
        within: Any = self._lines[:1]
        for key in (0, *keys):
            try:
                place = within[key]
            except (KeyError, IndexError, TypeError):
                break
            line, within = place if isinstance(place, tuple) else (place, None)
        return self.line + line - 1

    @cached_property
    def _lines(self) -> list[Any]:
        return lines_of(self.text) if self.value is not None and not self.is_url else []

    def get(self, *keys: str | int) -> Any:
        """The value at these keys; None where there is none, whatever stands in its place."""
        return dig(self.value, *keys)


@dataclass(frozen=True)
class Unanswered:
    """A question that an API refuses, by the path of the document that would be its answer: what that said stays.

    `message` says why, and must not quote values that may be secret.
    """

    path: str
    message: str


def dig(value: Any, *keys: str | int) -> Any:
    """The value at these keys of mappings and lists; None where there is none."""
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[tuple[int, dict[str, Any]]]:
    """The mappings in a list, with their indexes."""
    return [(index, item) for index, item in enumerate(listed(value)) if isinstance(item, dict)]


def texts(value: Any) -> list[str]:
    """The texts in a list."""
    return [item for item in listed(value) if isinstance(item, str)]
