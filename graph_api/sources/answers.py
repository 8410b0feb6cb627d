"""What an HTTP API answers: whether it is an answer to what was asked, and to which question.

`https://api.github.com/orgs/shop/teams` and the file `recorded/orgs/shop/teams.json` both answer
`orgs/{org}/teams`; further pages are saved as `teams.2.json`.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import unquote

from graph_api.sources.api import Api, ApiError, Pages
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, Unanswered, mapping, mappings
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import host_in

_FILE = re.compile(r"(?:\.\d+)?\.json$")


class Row(NamedTuple):
    """One object of an answer, and the names in the question's path."""

    names: dict[str, str]
    value: dict[str, Any]
    document: Document
    keys: Keys
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
        if value is None and self.within in mapping(document.value):
            value = []  # As programs in Go write it.
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
        if isinstance(value, dict):
            yield Row(names, value, document, above)
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


async def answers_of(
    connector: Connector, fetched: AsyncIterator[Document | Unanswered]
) -> list[Document | Unanswered]:
    """All that the connector fetches. ApiError at the first answer that is none of those that it reads.

    What a gateway or a wrong URL answers with status 200 would else be taken for a tool that has nothing any more.
    """
    answers: list[Document | Unanswered] = []
    async for answer in fetched:
        if isinstance(answer, Document) and answer.value != [] and not connector.claims(answer):
            raise _not_answered(answer.path, f"what the connector {connector.name} reads ({connector.input})")
        answers.append(answer)
    return answers


def rows_in(answer: Any, key: str, url: str) -> list[Any]:
    """The list under a key of an answer; null is an empty one, as programs in Go write it. ApiError without one."""
    rows = mapping(answer).get(key)
    if not (isinstance(rows, list) or (rows is None and key in mapping(answer))):
        raise _not_answered(url, f"an object with the list `{key}`")
    return rows or []


def list_in(answer: Any, url: str, *keys: str) -> list[dict[str, Any]]:
    """The list that an answer is, of objects with these keys. ApiError if it is anything else."""
    if not isinstance(answer, list) or not all(mapping(item).keys() >= set(keys) for item in answer):
        raise _not_answered(url, f"a list of objects with {' and '.join(f'`{key}`' for key in keys)}")
    return answer


async def answer_to(api: Api, path: str, params: Mapping[str, Any] | None = None) -> Document:
    """The one answer to a question, at its URL."""
    return Document(api.url(path), await api.get(path, params))


async def pages_of(api: Api, path: str, params: Mapping[str, Any]) -> AsyncIterator[Document]:
    """The pages of a list that link to each other, each at the question's URL."""
    async for url, value in api.linked_pages(path, params):
        yield Document(url, value)


def page_numbers(url: str) -> Iterator[int]:
    """The numbers to ask for the pages of a listing by, until one is the last. ApiError after too many."""
    pages = Pages(url)
    for number in count(1):
        pages.turn_to(number)
        yield number


async def pages_by_offset(
    api: Api, path: str, key: str, asked: Mapping[str, Any], has_more: Callable[[Any, int], bool], start: str = "offset"
) -> AsyncIterator[Document]:
    """The pages of the list under `key`, each asked for by how many rows come before it.

    `has_more` tells of an answer, and of how many rows there were so far, whether another page follows.
    """
    seen, url = 0, api.url(path)
    for _ in page_numbers(url):
        answer = await api.get(path, {**asked, start: seen})
        rows = rows_in(answer, key, url)
        yield Document(f"{url}?{start}={seen}", answer)
        seen += len(rows)
        if not rows or not has_more(answer, seen):
            return


async def document_if_any(api: Api, path: str, missing: int, params: Mapping[str, Any] | None = None) -> list[Document]:
    """The answer, or none where the API answers with the status `missing`: what it is about is gone meanwhile."""
    try:
        return [await answer_to(api, path, params)]
    except ApiError as error:
        if error.status != missing:
            raise
        return []


def _not_answered(url: str, expected: str) -> ApiError:
    shown = url.partition("?")[0]
    return ApiError(f"{shown} answers something else than {expected}; is the URL right? nothing was withdrawn")


def namespace_in(connector: str, document: Document) -> str:
    """Of what is one deployment's own: with the host that answered, where it was asked online."""
    host = host_in(document.path) if document.is_url else None
    return f"{connector}-{host}" if host else connector


def option(options: Mapping[str, str], name: str) -> str:
    """A setting that a question cannot do without; ApiError without it."""
    if not options.get(name):
        raise ApiError(f"the setting `{name}` is missing: it says what to ask for")
    return options[name]


def options_in(options: Mapping[str, str], name: str) -> list[str]:
    """The names in a setting that lists them with commas between; none where it is not given."""
    return [text.strip() for text in options.get(name, "").split(",") if text.strip()]
