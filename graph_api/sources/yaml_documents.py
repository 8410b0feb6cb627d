"""YAML (and JSON) text -> documents with line numbers, within a budget.

Scalars keep what was written: a plain one becomes a boolean or number only where that is the very text JSON would
write for it, so `no`, `1.10`, `0777`, `1e3` and dates stay text, and text can always be had back from a number.

Read from libyaml's events, so that nesting, aliases and size are counted before anything of them is built.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.parsing import TextError

MAX_DOCUMENT_DEPTH = 50
MAX_NODES = 100_000
"""Keys and values of one document, with what its aliases stand for; long texts count once more per 256 characters."""
TEXT_PER_NODE = 256
MAX_DOCUMENTS = 20_000
"""Documents of one text."""

TEMPLATE = re.compile(r"\{\{|\{%")
"""Marks of what becomes YAML only when a template is filled in."""

_MAX_EXACT = 2**53 - 1
_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_NUMBER = re.compile(r"-?[0-9]{1,17}(?P<fraction>\.[0-9]{1,17})?(?P<exponent>e[+-][0-9]{1,3})?")
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = ("!", f"{_TAG}str")
_TYPED_TAGS = tuple(_TAG + name for name in ("null", "bool", "int", "float"))
_COLLECTION_TAGS = (None, "!", f"{_TAG}map", f"{_TAG}seq")
_MERGING_TAGS = ("!override", "!reset")
"""Of Compose: they take away what other files say, so that without them a file says something else."""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of dict, list, str, int, float, bool and None. Aliases share one object."""

    value: Any
    line: int
    lines: Mapping[int, Mapping[str, int] | Sequence[int]] = field(repr=False, compare=False)
    """Lines of the keys or items of each container, by its id()."""

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of the key or item at a path, or of the nearest one above that exists. Counts from 1."""
        container, line = self.value, self.line
        for key in path:
            try:
                line, container = self.lines[id(container)][key], container[key]  # type: ignore[index]  # caught below
            except (KeyError, IndexError, TypeError):
                break
        return line


def read_yaml(text: str, *, any_tags: bool = False) -> list[YamlDocument]:
    """All documents of a text, empty ones included (None). All or nothing: TextError if any breaks a rule.

    A tag that says something to one program only (`!Ref`, `!vault`) breaks one, unless `any_tags`: then a list or
    mapping is read without it, and a single value, of which nobody else knows what it stands for, is None. What changes
    other files (`!override`, `!reset`) breaks one in any case, and so do other tags of YAML itself (`!!binary`).
    """
    loader = yaml.CSafeLoader(text)
    try:
        return list(_documents(iter(loader.get_event, None), any_tags))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise TextError(ProblemCode.BAD_YAML, f"not valid YAML: {reason}", line) from error
    except yaml.YAMLError as error:
        raise TextError(ProblemCode.BAD_YAML, f"not valid YAML: {str(error)[:200]}", None) from error
    finally:
        loader.dispose()


def _documents(events: Iterator[yaml.Event], any_tags: bool) -> Iterator[YamlDocument]:
    count = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            count += 1
            if count > MAX_DOCUMENTS:
                raise _large(f"more than {MAX_DOCUMENTS:,} documents", _line_of(event))
            yield _Document(any_tags).read(events)


def _line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


@dataclass(slots=True)
class _Node:
    """A finished value; `size` counts its nodes, `height` the containers from it downwards."""

    value: Any
    size: int
    height: int


class _Container:
    """A mapping or sequence that is being read."""

    __slots__ = ("anchor", "before", "height", "key", "key_line", "line", "lines", "merged", "value", "wants_key")

    def __init__(self, event: yaml.CollectionStartEvent, before: int) -> None:
        self.value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.lines: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.line = _line_of(event)
        self.anchor = event.anchor
        self.before = before
        self.height = 1
        self.wants_key = isinstance(event, yaml.MappingStartEvent)
        self.key: str | None = None
        self.key_line = 0
        self.merged: list[tuple[dict[str, Any], int]] | None = None

    def take_key(self, event: yaml.ScalarEvent) -> None:
        key, line = event.value, _line_of(event)
        if key in self.value:
            raise _bad(f"the key {key[:80]!r} stands twice, first in line {self.lines[key]}", line)
        if key == "<<" and event.implicit[0]:
            self.merged = self.merged or []
        self.key, self.key_line, self.wants_key = key, line, False

    def add(self, value: Any, line: int) -> None:
        if self.key is None:
            self.value.append(value)
            self.lines.append(line)
            return
        if self.key == "<<" and self.merged is not None:
            self._merge(value)
        else:
            self.value[self.key] = value
            self.lines[self.key] = self.key_line
        self.key, self.wants_key = None, True

    def _merge(self, value: Any) -> None:
        mappings = value if isinstance(value, list) else [value]
        if self.merged is None or not all(isinstance(mapping, dict) for mapping in mappings):
            raise _bad("the merge key << needs a mapping", self.key_line)
        self.merged.extend((mapping, self.key_line) for mapping in mappings)

    def finish(self) -> None:
        for mapping, line in self.merged or ():
            for key, value in mapping.items():
                if key not in self.value:
                    self.value[key], self.lines[key] = value, line


class _Document:
    """One document, event by event; never recursive."""

    def __init__(self, any_tags: bool) -> None:
        self._any_tags = any_tags
        self._open: list[_Container] = []
        self._anchors: dict[str, _Node | None] = {}
        self._nodes = 0
        self._lines: dict[int, Any] = {}
        self._root: Any = None
        self._line = 1

    def read(self, events: Iterator[yaml.Event]) -> YamlDocument:
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._start(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            else:  # the end of the document
                break
        return YamlDocument(self._root, self._line, self._lines)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        size = 1 + len(event.value) // TEXT_PER_NODE
        line = _line_of(event)
        self._count(size, line)
        wants_key = bool(self._open) and self._open[-1].wants_key
        value = event.value if wants_key else _value_of(event, self._any_tags)
        if event.anchor:
            self._anchors[event.anchor] = _Node(value, size, 0)
        if wants_key:
            self._open[-1].take_key(event)
        else:
            self._add(value, 0, line)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        line = _line_of(event)
        if event.tag not in _COLLECTION_TAGS and not (self._any_tags and _is_anothers(event.tag)):
            raise _bad(f"the tag {str(event.tag)[:80]} is not supported", line)
        if self._open and self._open[-1].wants_key:
            raise _bad("a key must be text", line)
        if len(self._open) >= MAX_DOCUMENT_DEPTH:
            raise _large(f"nested more than {MAX_DOCUMENT_DEPTH} deep", line)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Container(event, self._nodes))
        self._count(1, line)

    def _end(self) -> None:
        container = self._open.pop()
        container.finish()
        self._lines[id(container.value)] = container.lines
        if container.anchor:
            size = self._nodes - container.before
            self._anchors[container.anchor] = _Node(container.value, size, container.height)
        self._add(container.value, container.height, container.line)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line = _line_of(event)
        if self._open and self._open[-1].wants_key:
            raise _bad("a key must be text", line)
        anchor = event.anchor or ""
        node = self._anchors.get(anchor)
        if node is None:
            inside = anchor in self._anchors
            raise _bad(f"*{anchor[:80]} stands {'inside itself' if inside else 'for nothing'}", line)
        self._count(node.size, line)
        if len(self._open) + node.height > MAX_DOCUMENT_DEPTH:
            raise _large(f"nested more than {MAX_DOCUMENT_DEPTH} deep", line)
        self._add(node.value, node.height, line)

    def _add(self, value: Any, height: int, line: int) -> None:
        if self._open:
            parent = self._open[-1]
            parent.height = max(parent.height, height + 1)
            parent.add(value, line)
        else:
            self._root, self._line = value, line

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise _large(f"more than {MAX_NODES:,} values, with what its aliases stand for", line)


def _is_anothers(tag: str | None) -> bool:
    """Whether a tag is one of another program, and not of YAML itself (`!!binary`, `!!python/object`)."""
    return tag is not None and not tag.startswith(_TAG) and tag not in _MERGING_TAGS


def _value_of(event: yaml.ScalarEvent, any_tags: bool) -> Any:
    if event.implicit[0]:
        return plain_value(event.value)
    if event.implicit[1] or event.tag in _TEXT_TAGS:
        return event.value
    if event.tag in _TYPED_TAGS:
        return plain_value(event.value)
    if any_tags and _is_anothers(event.tag):
        return None
    raise _bad(f"the tag {str(event.tag)[:80]} is not supported", _line_of(event))


def plain_value(text: str) -> str | float | int | bool | None:
    """The value of a scalar without quotes. A number or boolean is the text that JSON writes for it, or it is text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    match = _NUMBER.fullmatch(text)
    if not match:
        return text
    number = float(text) if match["fraction"] or match["exponent"] else int(text)
    return number if abs(number) <= _MAX_EXACT and str(number) == text else text


def _bad(message: str, line: int) -> TextError:
    return TextError(ProblemCode.BAD_YAML, message, line)


def _large(message: str, line: int) -> TextError:
    return TextError(ProblemCode.TOO_LARGE, message, line)
