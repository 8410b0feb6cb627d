"""Protocol buffer files: an API of type grpc for each service.

proto2, proto3 and editions. A service is named `package.Service`, which is its name on the wire and so the same
wherever a copy of the file lies; a service without package is told apart by its folder. Kept are the comment above it,
the names of its methods (at most 100, with `stream` where they stream), and whether it is deprecated; messages are
counted. Options such as HTTP paths are not kept.

The identifier is `grpc:package.Service`.

https://protobuf.dev/reference/protobuf/proto3-spec/
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped

NAME = "protobuf"
MAX_METHODS = 100

# What is not closed ends with the line or the file: a search for its end from every place would be quadratic.
_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<text>\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?)|(?P<word>[\w.]+)|(?P<sign>\S)",
    re.DOTALL,
)
_OPENING = re.compile(r"\s*(?:/\*+|\*+/|//+|\*+)?\s?")
"""The mark that a line of a comment begins with."""


class Token(NamedTuple):
    text: str
    line: int
    comment: str
    """What comments stand directly above it."""


@dataclass(slots=True)
class Service:
    name: str
    line: int
    comment: str
    methods: list[str] = field(default_factory=list)
    deprecated: bool = False


@dataclass(slots=True)
class File:
    syntax: str = "proto2"
    package: str = ""
    messages: int = 0
    services: list[Service] = field(default_factory=list)


def claims(document: Document) -> bool:
    return document.value is None and document.name.endswith(".proto")


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        tokens = list(_tokens(document.text))
        if not _is_balanced(tokens):
            findings.refuse(document, "no protobuf: braces that do not match")
            continue
        file = _file(tokens)
        for service in file.services:
            _state(document, file, service, findings)


def _tokens(text: str) -> Iterator[Token]:
    line, place, last = 1, 0, 0
    start, end, end_line = 0, 0, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", place, match.start())
        place = match.start()
        is_above = end > start and end_line >= line - 1
        if not match["comment"]:
            yield Token(match[0], line, text[start:end] if is_above else "")
            start, end, last = 0, 0, line
        elif line > last:  # one behind something is about that
            start, end = start if is_above else place, match.end()
            end_line = line + match[0].count("\n")


def _is_balanced(tokens: Sequence[Token]) -> bool:
    depth = 0
    for token in tokens:
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth < 0:
            return False
    return depth == 0


def _file(tokens: Sequence[Token]) -> File:
    file, place = File(), 0
    while place < len(tokens):
        end = _end(tokens, place)
        statement = tokens[place:end]
        match [token.text for token in statement[:3]]:
            case ["syntax" | "edition", "=", version]:
                file.syntax = version.strip("\"'")
            case ["package", name, *_]:
                file.package = name
            case ["message", *_]:
                file.messages += 1
            case ["service", name, "{"]:
                file.services.append(_service(name, statement))
            case _:
                pass
        place = end
    return file


def _end(tokens: Sequence[Token], start: int) -> int:
    """Where the statement ends that begins here: after its `;`, or after the braces that it opens."""
    depth = 0
    for place in range(start, len(tokens)):
        text = tokens[place].text
        depth += {"{": 1, "}": -1}.get(text, 0)
        if depth <= 0 and text in (";", "}"):
            return place + 1
    return len(tokens)


def _service(name: str, statement: Sequence[Token]) -> Service:
    service = Service(name, statement[0].line, statement[0].comment)
    place = 3
    while place < len(statement) - 1:
        end = _end(statement, place)
        words = [token.text for token in statement[place:end]]
        if words[0] == "rpc" and len(words) > 1:
            service.methods.append(_method(words))
        service.deprecated |= words[:4] == ["option", "deprecated", "=", "true"]
        place = end
    return service


def _method(words: Sequence[str]) -> str:
    body = words.index("{") if "{" in words else len(words)
    return f"{words[1]} stream" if "stream" in words[2:body] else words[1]


def _state(document: Document, file: File, service: Service, findings: Findings) -> None:
    name = f"{file.package}.{service.name}".strip(".")
    scope = NAME if file.package else f"{NAME}-{document.folder.as_posix().strip('.')}"
    told = {
        "syntax": file.syntax,
        "methods": service.methods[:MAX_METHODS],
        "messages": file.messages,
    }
    findings.entity(
        ref_of("api", scope, name),
        document.at_line(service.line),
        name=name,
        type="grpc",
        description=_plain(service.comment),
        lifecycle="deprecated" if service.deprecated else None,
        spec={key: value for key, value in told.items() if value},
        identifiers=[scoped("grpc", name)] if file.package else [],
    )


def _plain(comment: str) -> str | None:
    """A comment without its marks."""
    return "\n".join(map(_bare, comment.split("\n"))).strip() or None


def _bare(line: str) -> str:
    text = _OPENING.sub("", line, count=1)
    end = text.rstrip()
    return end.removesuffix("*/").rstrip() if end.endswith("*/") else text


CONNECTOR = Connector(
    name=NAME,
    description="gRPC services in protocol buffer files",
    input="*.proto: proto2, proto3, editions",
    claims=claims,
    read=read,
    files=("*.proto",),
)
