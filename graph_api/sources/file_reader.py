"""The descriptor files below one root, and what their Locations point to, each read once."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.kinds import KINDS
from graph_api.catalog.ref import kind_of
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.sources.descriptors import FOREIGN_FIELDS, GROUP, Reading, is_descriptor, read_descriptor
from graph_api.sources.fields import Origin
from graph_api.sources.folders import MAX_FILE, FileError, Root, check_regular, decode, read_bytes
from graph_api.sources.locations import Target, below, is_url, matches, path_of, split_glob, targets_of
from graph_api.sources.misspellings import lacks_api_version
from graph_api.sources.parsing import Keys, TextError
from graph_api.sources.placeholders import READERS, Placeholders
from graph_api.sources.yaml_documents import TEMPLATE, YamlDocument, read_yaml
from graph_api.spool import Spool

MAX_LOOKUPS = 1_000_000
"""Files that the Locations of one source may make us look at; a glob looks at all files below its folder."""

MOST_READINGS = 20_000
"""Descriptors that wait in memory to be put in order."""

OUR_NAME = "catalog-info"
"""Of a file that is meant for us, whatever it holds."""

_UNDECODED = b"\0"
"""Every other byte of a Latin text in UTF-16 is this one, which no YAML file in UTF-8 holds."""


@dataclass(slots=True)
class Found:
    """What has been read of a source so far; shared by its roots, which may overlap."""

    groups: Sequence[str] = ()
    readings: Spool[tuple[str, int, int], Reading] = field(default_factory=lambda: Spool(most=MOST_READINGS))
    """The content of each descriptor by path, line and a number of its own."""
    count: int = 0
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    read: set[Path] = field(default_factory=set)
    lookups: int = 0

    def add(self, path: str, line: int, reading: Reading) -> None:
        self.readings[path, line, self.count] = reading
        self.count += 1

    def report(
        self, code: ProblemCode, message: str, path: str, line: int | None = None, severity: Severity = Severity.WARNING
    ) -> None:
        self.problems.append(Problem(code=code, severity=severity, message=message, path=path, line=line))


class _Pointer(NamedTuple):
    """A file that a Location points to: by the path that leads to it, and without symbolic links."""

    file: Path
    real: Path
    document: str
    line: int


class FileReader:
    """Reads files of one root into `found`: those `listed`, and where they lead. `list_files` gives the paths that
    globs are matched against.
    """

    def __init__(
        self, root: Root, found: Found, listed: Sequence[Path], list_files: Callable[[], Sequence[Path]]
    ) -> None:
        self._root = root
        self._found = found
        self._names = frozenset(map(root.name, listed))
        self._list_files = list_files
        self._open: set[Path] = set()
        groups = "|".join(re.escape(group) for group in (GROUP, *found.groups))
        kinds = "|".join(FOREIGN_FIELDS)
        self._named_group = re.compile(rf"(?:{groups})/", re.IGNORECASE)
        names = "|".join(re.escape(kind) for kind in KINDS)
        self._kind = re.compile(rf"^kind[\"']?\s*:\s*[\"']?(?:{names})\b".encode(), re.IGNORECASE | re.MULTILINE)
        # Most YAML of most trees is none of ours: looking for either is much faster than parsing it.
        self._candidate = re.compile(rf"(?:{groups})/|\bkind[\"']?\s*:\s*[\"']?(?:{kinds})\b".encode(), re.IGNORECASE)

    def _is_candidate(self, data: bytes) -> bool:
        if self._candidate.search(data):
            return True
        return b"apiVersion" not in data and self._kind.search(data) is not None

    def read(self, file: Path) -> None:
        """Read a file and all that its Locations lead to, depth first and without recursion."""
        real = self._resolve(file)
        if real is None or real in self._found.read:
            return
        trail = [(real, self._enter(file, real))]
        while trail:
            current, pointers = trail[-1]
            pointer = next(pointers, None)
            if pointer is None:
                trail.pop()
                self._open.discard(current)
            elif pointer.real in self._open:
                message = f"{self._root.name(pointer.file)} leads back here; it is read once"
                self._found.report(ProblemCode.CYCLE, message, pointer.document, pointer.line, Severity.INFO)
            elif pointer.real not in self._found.read:
                trail.append((pointer.real, self._enter(pointer.file, pointer.real, pointed_at=True)))

    def _resolve(self, file: Path) -> Path | None:
        try:
            return self._root.resolve(file)
        except FileError as error:
            if self._root.name(file) not in self._found.unreadable:
                self._refuse(self._root.name(file), error)
            return None

    def _enter(self, file: Path, real: Path, *, pointed_at: bool = False) -> Iterator[_Pointer]:
        self._found.read.add(real)
        self._open.add(real)
        name = self._root.name(file)
        # What lies where nobody else looks must be one of ours, even if it does not look like that any more.
        is_meant = pointed_at and name not in self._names
        locations = self._read_file(file, real, name, is_meant=is_meant)
        return (
            pointer
            for location, document in locations
            for target in targets_of(location)
            for pointer in self._pointers(file, target, name, document.line_of(target.path))
        )

    def _read_file(
        self, file: Path, real: Path, name: str, *, is_meant: bool
    ) -> list[tuple[EntityStatement, YamlDocument]]:
        """The Locations among the descriptors of a file."""
        text = self._text(file, real, name, is_meant=is_meant)
        if text is None:
            return []
        documents = self._documents(file, name, text, is_meant=is_meant)
        if documents is None:
            return []
        if not any(self._looks_like_ours(document.value) for document in documents):
            self._not_a_descriptor(name, None)
            return []
        has_placeholders = any(reader in text for reader in READERS)
        stated = ((self._read_document(file, name, document, has_placeholders), document) for document in documents)
        return [(entity, document) for entity, document in stated if entity and kind_of(entity.ref) == "location"]

    def _documents(self, file: Path, name: str, text: str, *, is_meant: bool) -> list[YamlDocument] | None:
        """Those that hold something; none of a text that is not read, or None, which is told, if it is meant for us."""
        try:
            return [document for document in read_yaml(text) if document.value is not None]
        except TextError as error:
            if not (is_meant or file.stem.lower() == OUR_NAME or self._may_be_meant(text)):
                return []
            self._refuse_text(name, text, error)
            return None

    def _may_be_meant(self, text: str) -> bool:
        """Of a text that is not read: unless all that spoils it are another program's tags in what is no descriptor."""
        try:
            return any(self._looks_like_ours(document.value) for document in read_yaml(text, any_tags=True))
        except TextError:
            return True

    def _looks_like_ours(self, value: object) -> bool:
        return is_descriptor(value, self._found.groups) or lacks_api_version(value) or self._is_list_of_ours(value)

    def _is_list_of_ours(self, value: object) -> bool:
        return isinstance(value, list) and any(is_descriptor(row, self._found.groups) for row in value)

    def _text(self, file: Path, real: Path, name: str, *, is_meant: bool) -> str | None:
        """None, which is told, of a file that cannot be read; empty of one that cannot hold a descriptor."""
        try:
            data = read_bytes(real)
        except FileError as error:
            self._refuse(name, error)
            return None
        # Latin text in UTF-16 is the same with a NUL at every other byte.
        is_candidate = is_meant or self._is_candidate(data.replace(_UNDECODED, b""))
        try:
            return decode(data) if is_candidate or _hides_its_text(data) else ""
        except FileError as error:
            # It may hold what it held before.
            is_meant = is_candidate or file.stem.lower() == OUR_NAME
            self._refuse(name, error, Severity.REFUSED if is_meant else Severity.INFO)
            return None

    def _read_document(
        self, file: Path, name: str, document: YamlDocument, has_placeholders: bool
    ) -> EntityStatement | None:
        """The entity of a document that is a descriptor; of any other it is told why it is left alone."""
        value = document.value
        if lacks_api_version(value):
            message = "it looks like a descriptor and has no apiVersion, so it is left alone"
            self._found.report(ProblemCode.NO_API_VERSION, message, name, document.line)
            return None
        if self._is_list_of_ours(value):
            message = "it is a list of descriptors, which is not read: write each as a document of its own, after ---"
            self._found.report(ProblemCode.INVALID, message, name, document.line, Severity.REFUSED)
            return None
        if not is_descriptor(value, self._found.groups):
            self._not_a_descriptor(name, document.line)
            return None
        if has_placeholders and "spec" in value:
            value = value | {"spec": self._replace_placeholders(file, name, document)}
        reading = read_descriptor(value, Origin(name, document.line_of))
        self._found.add(name, document.line, reading)
        return reading.entity

    def _replace_placeholders(self, file: Path, name: str, document: YamlDocument) -> Any:
        def read(target: str) -> str:
            if is_url(target):
                raise FileError(ProblemCode.NOT_FETCHED, "is not fetched")
            return decode(read_bytes(self._root.resolve(file.parent / path_of(target))))

        def complain(code: ProblemCode, message: str, path: Keys) -> None:
            severity = Severity.INFO if code is ProblemCode.NOT_FETCHED else Severity.WARNING
            self._found.report(code, message, name, document.line_of(path), severity)

        return Placeholders(read, complain).replace(document.value["spec"], ("spec",))

    def _pointers(self, file: Path, target: Target, document: str, line: int) -> Iterator[_Pointer]:
        text = path_of(target.text)
        if is_url(target.text):
            message = f"{target.text[:200]} is not fetched"
            self._found.report(ProblemCode.NOT_FETCHED, message, document, line, Severity.INFO)
            return
        try:
            files = self._candidates(file, text)
        except FileError as error:
            severity = Severity.INFO if target.optional else Severity.WARNING
            self._found.report(error.code, f"the target {text[:200]} {error.message}", document, line, severity)
            return
        if not files:
            message = f"the target {text[:200]} matches no file"
            self._found.report(ProblemCode.UNREADABLE, message, document, line, Severity.INFO)
        yield from (_Pointer(path, real, document, line) for path, real in files)

    def _candidates(self, file: Path, text: str) -> list[tuple[Path, Path]]:
        """The files that a path or glob in a file means, each with what is behind symbolic links."""
        folder, pattern = split_glob(text)
        path = Path(os.path.normpath(file.parent / folder))
        if pattern:
            return self._matching(file, path, pattern)
        self._look(1)
        real = self._root.resolve(path)
        check_regular(real)
        return [(path, real)]

    def _matching(self, file: Path, folder: Path, pattern: Sequence[str]) -> list[tuple[Path, Path]]:
        if not folder.is_relative_to(self._root.path):
            raise FileError(ProblemCode.OUTSIDE_ROOT, "lies outside the folder that is synced")
        inside = "" if folder == self._root.path else folder.relative_to(self._root.path).as_posix()
        listed = below(inside, self._listed)
        self._look(len(listed))
        start = len(inside) + 1 if inside else 0
        hits = (self._root.path / name for name in listed if matches(name[start:].split("/"), pattern))
        # A glob often catches the file that it stands in, which is not meant as a cycle.
        return [(hit, real) for hit in hits if hit != file and (real := self._resolve(hit))]

    @cached_property
    def _listed(self) -> list[str]:
        return sorted(path.relative_to(self._root.path).as_posix() for path in self._list_files())

    def _look(self, files: int) -> None:
        self._found.lookups += files
        if self._found.lookups > MAX_LOOKUPS:
            raise FileError(
                ProblemCode.TOO_LARGE, f"is not followed: locations look at more than {MAX_LOOKUPS:,} files"
            )

    def _not_a_descriptor(self, name: str, line: int | None) -> None:
        message = f"no descriptor: its group is not {GROUP}, and its kind and spec are not of that format"
        self._found.report(ProblemCode.NOT_A_DESCRIPTOR, message, name, line, Severity.INFO)

    def _refuse(self, name: str, error: FileError, severity: Severity = Severity.REFUSED) -> None:
        self._found.report(error.code, f"the file {error.message}", name, severity=severity)
        self._found.unreadable.add(name)

    def _refuse_text(self, name: str, text: str, error: TextError) -> None:
        code, severity = error.code, Severity.REFUSED
        if code is ProblemCode.BAD_YAML and TEMPLATE.search(text):
            code = ProblemCode.TEMPLATE
            # Charts are full of templates that nobody means for the catalog.
            severity = Severity.REFUSED if self._named_group.search(text) else Severity.INFO
        self._found.report(code, error.message, name, error.line, severity)
        self._found.unreadable.add(name)


def _hides_its_text(data: bytes) -> bool:
    """What it holds cannot be told by a look at its bytes."""
    return len(data) > MAX_FILE or _UNDECODED in data
