"""Backstage's placeholders: `{$text: ./openapi.yaml}` stands for that file's content (`$json`, `$yaml`: its data)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.fields import content_problem
from graph_api.sources.folders import MAX_FILE, FileError
from graph_api.sources.parsing import Keys, TextError
from graph_api.sources.yaml_documents import read_yaml

READERS = ("$text", "$json", "$yaml")

Complain = Callable[[ProblemCode, str, Keys], None]


class Placeholders:
    """Replaces the placeholders of one document.

    `read` gives the text of a target or raises FileError; a placeholder that cannot be replaced stays as it is
    written, and `complain` learns why. All texts of a document together have at most 5,000,000 characters.
    """

    def __init__(self, read: Callable[[str], str], complain: Complain) -> None:
        self._read = read
        self._complain = complain
        self._left = MAX_FILE

    def replace(self, value: Any, path: Keys) -> Any:
        """A copy with contents in place of placeholders; documents are at most 50 deep, so this may be recursive."""
        if isinstance(value, list):
            return [self.replace(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        reader = next(iter(value)) if len(value) == 1 else None
        if reader in READERS and isinstance(value[reader], str):
            return self._content(reader, value, path)
        return {key: self.replace(item, (*path, key)) for key, item in value.items()}

    def _content(self, reader: str, value: Mapping[str, str], path: Keys) -> Any:
        target = value[reader]
        try:
            return _parse(reader, self._text(target))
        except FileError as error:
            self._complain(error.code, f"{reader}: {target[:200]} {error.message}", (*path, reader))
            return value

    def _text(self, target: str) -> str:
        self._check_room()  # or each of the others would be read for nothing
        text = self._read(target)
        self._left -= len(text)
        self._check_room()
        return text

    def _check_room(self) -> None:
        if self._left < 0:
            message = f"with the placeholders before it has more than {MAX_FILE:,} characters"
            raise FileError(ProblemCode.TOO_LARGE, message)


def _parse(reader: str, text: str) -> Any:
    if reader == "$text":
        return text
    try:
        data = json.loads(text) if reader == "$json" else read_yaml(text)[0].value
    except TextError as error:
        raise FileError(error.code, f"is {error.message}") from error
    except IndexError as error:
        raise FileError(ProblemCode.BAD_YAML, "is empty") from error
    except RecursionError as error:
        raise FileError(ProblemCode.TOO_LARGE, "is nested too deeply") from error
    except ValueError as error:
        raise FileError(ProblemCode.BAD_YAML, f"is not valid JSON: {error}") from error
    if problem := content_problem(data):
        raise FileError(problem[0], f"holds what cannot be stored: {problem[1]}")
    return data
