"""Files -> documents: each file is read and parsed once, whatever connector will want it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.sources.documents import Document
from graph_api.sources.folders import MAX_FILE, FileError, Root, decode, read_bytes
from graph_api.sources.json_documents import read_json, read_json_lines
from graph_api.sources.parsing import TextError
from graph_api.sources.yaml_documents import TEMPLATE, read_yaml

MAX_JSON = 32_000_000
"""Bytes of a JSON file."""

_YAML = (".yaml", ".yml")
_JSON = (".json", ".jsonl", ".ndjson", ".sarif", ".tfstate", ".golden", ".cdx", ".checkpoint")
_PLAIN_JSON = (".json", ".jsonl", ".ndjson")
_UNMISTAKABLE = (".sarif", ".sarif.json", ".tfstate", ".cdx", ".cdx.json", ".spdx.json", ".checkpoint")
"""What only tools write."""
_NOT_MEANT = (ProblemCode.TEMPLATE, ProblemCode.UNKNOWN_FORMAT)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*+(?P<end>"|\Z)?')
_COMMENTED = re.compile(r"//|/\*|,\s*[}\]]")
"""Comments, and commas after the last of a list: what editors and compilers take for JSON."""


@dataclass(slots=True)
class Loaded:
    """Documents that are `wanted`."""

    wanted: Callable[[Document], bool] = lambda _: True
    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)

    def refuse(self, path: str, code: ProblemCode, message: str, line: int | None = None) -> None:
        # Folders are full of templates, and of large JSON, that nobody means for the catalog.
        of_ours = path.lower().endswith((*_YAML, *_UNMISTAKABLE)) and code not in _NOT_MEANT
        is_broken = path.lower().endswith(_PLAIN_JSON) and code is ProblemCode.BAD_YAML
        severity = Severity.REFUSED if of_ours or is_broken else Severity.INFO
        self.problems.append(Problem(code=code, severity=severity, message=message, path=path, line=line))
        self.unreadable.add(path)


def load(root: Root, files: Iterable[Path], patterns: Sequence[str], loaded: Loaded) -> None:
    """Add the documents of these files below the root. `patterns` are names of files that are read as text."""
    for file in files:
        path = root.name(file)
        try:
            loaded.documents += filter(loaded.wanted, _load(root, file, path, patterns))
        except FileError as error:
            loaded.refuse(path, error.code, f"the file {error.message}")
        except TextError as error:
            loaded.refuse(path, error.code, error.message, error.line)


def _load(root: Root, file: Path, path: str, patterns: Sequence[str]) -> Iterator[Document]:
    suffix = file.suffix.lower()
    if any(fnmatchcase(file.name, pattern) for pattern in patterns):
        yield Document(path, None, _text(root, file, MAX_FILE))
    elif suffix in _YAML:
        yield from _yaml_documents(path, _text(root, file, MAX_FILE))
    elif suffix in _JSON:
        yield from _json_documents(path, _text(root, file, MAX_JSON))


def _text(root: Root, file: Path, most: int) -> str:
    return decode(read_bytes(root.resolve(file), most), most)


def _yaml_documents(path: str, text: str) -> Iterator[Document]:
    try:
        found = read_yaml(text, any_tags=True)
    except TextError as error:
        if error.code is ProblemCode.BAD_YAML and TEMPLATE.search(text):
            raise TextError(ProblemCode.TEMPLATE, f"a template, no YAML yet: {error.message}", error.line) from error
        raise
    for document in found:
        if document.value is not None:
            yield Document(path, document.value, text, document.line, document)


def _json_documents(path: str, text: str) -> Iterator[Document]:
    try:
        yield from _json_values(path, text)
    except TextError as error:
        if error.code is ProblemCode.BAD_YAML and not path.lower().endswith(_UNMISTAKABLE):
            raise _told(error, _STRING.sub(_unclosed, text)) from None
        raise


def _json_values(path: str, text: str) -> Iterator[Document]:
    try:
        yield Document(path, read_json(text), text)
    except TextError:
        first, _, rest = text.partition("\n")
        if not rest.lstrip().startswith("{") or not first.rstrip().endswith("}"):
            raise
        lines = text.split("\n")
        for line, value in read_json_lines(text):
            yield Document(path, value, lines[line - 1], line)


def _unclosed(string: re.Match[str]) -> str:
    """What a line that ends within it leaves of a string."""
    return string[0] if string["end"] is None else ""


def _told(error: TextError, unquoted: str) -> TextError:
    """As something else than JSON, where the text looks like that."""
    if TEMPLATE.search(unquoted):
        return TextError(ProblemCode.TEMPLATE, f"a template, no JSON yet: {error.message}", error.line)
    if _COMMENTED.search(unquoted):
        message = f"JSON with comments, which no connector reads: {error.message}"
        return TextError(ProblemCode.UNKNOWN_FORMAT, message, error.line)
    return error
