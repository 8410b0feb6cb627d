"""Compose: projects of several files, services that several files describe together, and their variables."""

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Document, Place, dig, listed, mapping
from graph_api.sources.image_classes import class_of_image
from graph_api.sources.kubernetes_objects import text_of
from graph_api.sources.naming import image_name, ref_of
from graph_api.sources.parsing import Keys

NAME = "compose"
FILE = re.compile(r"(?:docker-)?compose(?P<variant>[.-].+)?\.ya?ml", re.IGNORECASE)
"""Names of files that are merged with the others of their folder."""

MAX_EXTENDS = 10
"""Services that a service extends, directly or through others."""

MAX_NESTED = 5
"""Variables within defaults of variables that are filled in."""

MAX_TEXT = 10_000
"""Characters of a text in which variables are filled in, and of what comes out."""

_VARIABLE = re.compile(
    r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-+?])(?P<other>[^{}]*))?\})"
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_COMMENT = re.compile(r"(?:^|\s)#")
_DOLLAR = "\0"

Variables = Mapping[str, str]


def variables_of(text: str) -> dict[str, str]:
    """The assignments of a `.env` file."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        name, value = name.strip().removeprefix("export ").strip(), value.strip()
        if not equals or not _NAME.fullmatch(name) or len(value) > MAX_TEXT:
            continue
        quote, end = value[:1], value.find(value[:1], 1)
        if quote in ("'", '"') and end > 0:
            found[name] = value[1:end] if quote == "'" else filled(value[1:end], found)
        else:
            comment = _COMMENT.search(value)
            found[name] = filled(value[: comment.start()].strip() if comment else value, found)
    return found


def filled(text: str, variables: Variables) -> str:
    """A text with its variables; one that nobody sets and that has no default stays as it is written."""
    if "$" not in text or len(text) > MAX_TEXT:
        return text
    text = text.replace("$$", _DOLLAR)
    for _ in range(MAX_NESTED):
        new = _VARIABLE.sub(lambda match: _value(match, variables), text)
        if new == text or len(new) > MAX_TEXT:
            break
        text = new
    return text.replace(_DOLLAR, "$")


def _value(match: "re.Match[str]", variables: Variables) -> str:
    operator, other = match["operator"] or "", match["other"] or ""
    value = variables.get(match["plain"] or match["name"])
    is_set = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return other if is_set else ""
    if operator.endswith("-") and not is_set:
        return other
    return match[0] if value is None else value


@dataclass(slots=True, eq=False)
class Service:
    """`parts` are the places that describe it; where two differ, the first is right."""

    name: str
    variables: Variables
    parts: list[tuple[Document, Keys, dict[str, Any]]] = field(default_factory=list)

    @property
    def at(self) -> Place:
        document, keys, _ = self.parts[0]
        return document.at(*keys)

    def first(self, key: str) -> Any:
        return next((value for _, _, part in self.parts if (value := part.get(key)) is not None), None)

    def text(self, key: str) -> str | None:
        text = text_of(self.first(key))
        return filled(text, self.variables) if text else None

    def rows(self, key: str) -> Iterator[tuple[Place, str, Any]]:
        """The entries of what may be a list or a mapping, of all parts: a place, a text, and what a mapping says."""
        for document, keys, part in self.parts:
            value = part.get(key)
            for index, row in enumerate(listed(value)):
                if text := text_of(row):
                    yield document.at(*keys, key, index), filled(text, self.variables), None
                elif text := text_of(mapping(row).get("source")):
                    yield document.at(*keys, key, index), filled(text, self.variables), row
            for name, row in mapping(value).items():
                yield document.at(*keys, key, name), name, row

    def environment(self) -> Iterator[tuple[Place, str, str]]:
        """Variables with their values, each as the first part says that names it."""
        seen = set()
        for at, text, value in self.rows("environment"):
            name, equals, rest = text.partition("=")
            if name in seen:
                continue
            seen.add(name)
            if equals:
                yield at, name, rest
            elif value is not None:
                yield at, name, filled(text_of(value) or "", self.variables)
            else:
                yield at, name, self.variables.get(name, "")

    @property
    def names(self) -> set[str]:
        """The hosts by which the others of its project reach it."""
        names = {self.name, self.text("container_name"), self.text("hostname")}
        for _, _, part in self.parts:
            for network in mapping(part.get("networks")).values():
                names.update(text_of(alias) for alias in listed(mapping(network).get("aliases")))
        return {name.lower() for name in names if name}


def projects_of(documents: Sequence[Document], files: Mapping[str, Document]) -> list[list[Document]]:
    """The files of each project, the most binding first."""
    groups: dict[str, list[Document]] = defaultdict(list)
    extended = {path for document in documents for path in _extended(document)}
    for document in documents:
        if FILE.fullmatch(document.name):
            groups[f"{document.folder.as_posix()}/"].append(document)
        elif document.path not in extended:
            groups[document.path].append(document)
    included = {path for document in documents for path in _included(document)}
    found, taken = [], set[str]()
    for group in sorted(groups.values(), key=lambda group: all(row.path in included for row in group)):
        if not all(row.path in taken for row in group):
            found.append(_with_included(sorted(group, key=_binding), files))
            taken |= {row.path for row in found[-1]}
    return found


def _binding(document: Document) -> tuple[int, str]:
    match = FILE.fullmatch(document.name)
    variant = (match["variant"] if match else None) or ""
    return (0 if variant[1:].lower() == "override" else 1 if not variant else 2), document.path


def _included(document: Document) -> Iterator[str]:
    for row in listed(document.get("include")):
        path = row.get("path") if isinstance(row, dict) else row
        for text in path if isinstance(path, list) else [path]:
            if isinstance(text, str):
                yield _path(document, text)


def _extended(document: Document) -> Iterator[str]:
    """Files that hold what services of this one extend, and that are no project by that."""
    for part in mapping(document.get("services")).values():
        if path := text_of(dig(part, "extends", "file")):
            yield _path(document, path)


def _path(document: Document, text: str) -> str:
    return posixpath.normpath(posixpath.join(document.folder.as_posix(), text))


def _with_included(group: list[Document], files: Mapping[str, Document]) -> list[Document]:
    found = {document.path: document for document in group}
    pending = list(group)
    while pending:
        for path in _included(pending.pop(0)):
            if path in files and path not in found:
                found[path] = files[path]
                pending.append(files[path])
    return list(found.values())


class Project:
    def __init__(self, group: Sequence[Document], variables: Variables, files: Mapping[str, Document]) -> None:
        stated = next((name for row in group if (name := text_of(row.get("name")))), "")
        self.name = filled(stated, variables) or _place(group[0])
        self.services: dict[str, Service] = {}
        for document in group:
            for name, part in mapping(document.get("services")).items():
                if part is not None and not isinstance(part, dict):
                    continue
                service = self.services.setdefault(name, Service(name, variables))
                service.parts.append((document, ("services", name), mapping(part)))
        self.volumes = {name for document in group for name in mapping(document.get("volumes"))}
        for service in self.services.values():
            _extend(service, files)
        self.hosts = {host: row for row in self.services.values() for host in sorted(row.names, reverse=True)}
        self.hosts |= {name.lower(): row for name, row in self.services.items()}
        self.images = Counter(image_name(image) for row in self.services.values() if (image := row.text("image")))

    def ref(self, name: str) -> Ref:
        service = self.services.get(name)
        class_ = class_of_image((service and service.text("image")) or "")
        return ref_of("resource" if class_ else "component", f"{NAME}-{self.name}", name)

    def own_ref(self, kind: str, name: str) -> Ref:
        return ref_of("resource", f"{NAME}-{self.name}", f"{kind}-{name}")


def _place(document: Document) -> str:
    """The folder's whole path, as folders of one name are many; a file of another name has its own beside it."""
    parts = [part for part in document.folder.parts if part not in (".", "..", "/")]
    if not FILE.fullmatch(document.name):
        parts.append(document.name.partition(".")[0])
    return "-".join(parts) or "default"


def _extend(service: Service, files: Mapping[str, Document]) -> None:
    """Add the parts that it extends, behind its own."""
    place, most = 0, len(service.parts) + MAX_EXTENDS
    while place < len(service.parts) < most:
        document, _, part = service.parts[place]
        place += 1
        extended = part.get("extends")
        name = text_of(extended) or text_of(dig(extended, "service"))
        path = text_of(dig(extended, "file"))
        source = files.get(_path(document, path)) if path else document
        keys: Keys = ("services", name or "")
        value = source.get(*keys) if source else None
        known = any(row[0] is source and row[1] == keys for row in service.parts)
        if source and isinstance(value, dict) and not known:
            service.parts.append((source, keys, value))
