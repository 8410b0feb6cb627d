"""Which question of an HTTP API a document answers, for answers that do not say so themselves.

`https://api.github.com/orgs/shop/teams?page=2` and the file `recorded/orgs/shop/teams.json` both answer
`orgs/{org}/teams`; further pages are saved as `teams.2.json`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote

from graph_api.sources.api import ApiError
from graph_api.sources.documents import Document, Place, mapping, mappings

_FILE = re.compile(r"(?:\.\d+)?\.json$")


class Row(NamedTuple):
    """One object of an answer, and the names in the question's path."""

    names: dict[str, str]
    value: dict[str, Any]
    document: Document
    keys: tuple[str | int, ...]
    """Where the object stands in the document."""

    def at(self, *keys: str | int) -> Place:
        return self.document.at(*self.keys, *keys)

    def text(self, key: str) -> str | None:
        value = self.value.get(key)
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True)
class Question:
    """A path such as `orgs/{org}/teams`, and the keys that every object in an answer to it has.

    `within` is the key of the list in an answer that is an object; without it an answer is a list, or one object.
    """

    template: str
    keys: tuple[str, ...]
    within: str | None = None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", self.template)
        text = "".join(f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
        return re.compile(f"(?:.*/)?{text}")

    def is_answered_by(self, document: Document) -> bool:
        value = document.get(self.within) if self.within else document.value
        if not isinstance(value, dict | list):
            return False
        objects = value if isinstance(value, list) else [value]
        return all(map(self._fits, objects)) and self._names(document) is not None

    def _fits(self, item: Any) -> bool:
        return isinstance(item, dict) and all(key in item for key in self.keys)

    def rows(self, document: Document) -> Iterator[Row]:
        """The objects in an answer; none if the document answers something else."""
        names = self._names(document)
        if names is None:
            return
        above = (self.within,) if self.within else ()
        value = document.get(*above)
        if not isinstance(value, list):
            yield Row(names, mapping(value), document, above)
        for index, item in mappings(value):
            yield Row(names, item, document, (*above, index))

    def _names(self, document: Document) -> dict[str, str] | None:
        path = document.path.partition("?")[0] if document.is_url else _FILE.sub("", document.path)
        match = self._pattern.fullmatch(path)
        return {name: unquote(text) for name, text in match.groupdict().items()} if match else None


def rows_of(question: Question, documents: Sequence[Document]) -> Iterator[Row]:
    """The objects of all answers to one question among the documents."""
    for document in documents:
        yield from question.rows(document)


def option(options: Mapping[str, str], name: str) -> str:
    """A setting that a question cannot do without; ApiError without it."""
    if not options.get(name):
        raise ApiError(f"the setting `{name}` is missing: it says what to ask for")
    return options[name]
