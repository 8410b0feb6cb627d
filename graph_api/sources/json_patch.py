"""JSON Patch (RFC 6902) of values that stay as they are: what an operation does not touch is shared.

https://www.rfc-editor.org/rfc/rfc6902
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graph_api.sources.parsing import Keys
from graph_api.sources.yaml_documents import MAX_DOCUMENT_DEPTH

OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")

Edit = Callable[[Any, str], str | int]
"""Changes a container at a part; returns the key that it was."""


class JsonPatchError(Exception):
    """An operation that does not fit the value; the message holds nothing of either."""


def is_json_patch(value: Any) -> bool:
    """Whether the value is a list of operations."""
    return (
        isinstance(value, list) and bool(value) and all(isinstance(row, dict) and _is_operation(row) for row in value)
    )


def _is_operation(row: Mapping[str, Any]) -> bool:
    name = row.get("op")
    return isinstance(name, str) and name in OPERATIONS and _is_pointer(row.get("path"))


def _is_pointer(text: Any) -> bool:
    return isinstance(text, str) and text.startswith("/")


@dataclass(frozen=True, slots=True)
class Log:
    """What hears of a patch: how much is looked at and copied, which operation wrote to which place, and that items of
    the list at these keys move from an index on, by how much, and how many there were."""

    spend: Callable[[int], None]
    wrote: Callable[[int, Keys], None]
    moved: Callable[[Keys, int, int, int], None]


def patched(value: Any, operations: Sequence[Mapping[str, Any]], log: Log) -> Any:
    """The value after all operations. Raises JsonPatchError if one does not fit."""
    for number, operation in enumerate(operations):
        try:
            value = _operated(value, operation, number, log)
        except JsonPatchError as error:
            raise JsonPatchError(f"operation {number} {error}") from None
    return value


def _operated(value: Any, operation: Mapping[str, Any], number: int, log: Log) -> Any:
    name, parts = operation["op"], _parts(operation["path"])
    if name == "remove":
        return _edited(value, (), parts, _remove, log)[0]
    new = _found(value, _source(operation)) if name in ("move", "copy") else operation.get("value")
    _spend(new, len(parts), log)
    if name == "test":
        if _found(value, parts) != new:
            raise JsonPatchError("tests for another value")
        return value
    if name == "move":
        value = _edited(value, (), _source(operation), _remove, log)[0]
    value, keys = _edited(value, (), parts, _replacing(new) if name == "replace" else _adding(new), log)
    log.wrote(number, keys)
    return value


def _source(operation: Mapping[str, Any]) -> list[str]:
    pointer = operation.get("from")
    if not _is_pointer(pointer):
        raise JsonPatchError("lacks `from`")
    return _parts(str(pointer))


def _spend(new: Any, depth: int, log: Log) -> None:
    """Spend all that is in a value that is to stand this deep: what copies share counts for each of them, as whoever
    reads the result meets it each time."""
    pending = [(new, depth)]
    while pending:
        item, depth = pending.pop()
        if isinstance(item, dict | list):
            if depth >= MAX_DOCUMENT_DEPTH:
                raise JsonPatchError(f"nests values more than {MAX_DOCUMENT_DEPTH} deep")
            log.spend(len(item) + 1)
            pending.extend((inner, depth + 1) for inner in (item.values() if isinstance(item, dict) else item))


def _parts(pointer: str) -> list[str]:
    if pointer.count("/") > MAX_DOCUMENT_DEPTH:
        raise JsonPatchError(f"has a pointer of more than {MAX_DOCUMENT_DEPTH} parts")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _found(value: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        value = value[_key(value, part)]
    return value


def _key(value: Any, part: str, *, new: bool = False) -> str | int:
    """The key that a part is in this container; `new` allows one that is not there yet."""
    if isinstance(value, dict) and (new or part in value):
        return part
    if isinstance(value, list):
        index = len(value) if part == "-" else int(part) if _INDEX.fullmatch(part) else -1
        if 0 <= index < len(value) + new:
            return index
    raise JsonPatchError("leads to nothing that is there")


def _edited(value: Any, above: Keys, parts: Sequence[str], edit: Edit, log: Log) -> tuple[Any, Keys]:
    """The value that stands at `above`, with what the parts lead to changed; and where that is."""
    if not isinstance(value, dict | list):
        raise JsonPatchError("leads to nothing that is there")
    log.spend(len(value) + 1)
    changed = value.copy()
    if len(parts) == 1:
        key = edit(changed, parts[0])
        if isinstance(key, int) and (by := len(changed) - len(value)):
            log.moved(above, key, by, len(value))
        return changed, (*above, key)
    inner: Any = _key(value, parts[0])
    changed[inner], keys = _edited(value[inner], (*above, inner), parts[1:], edit, log)
    return changed, keys


def _remove(container: Any, part: str) -> str | int:
    key = _key(container, part)
    del container[key]
    return key


def _replacing(new: Any) -> Edit:
    def edit(container: Any, part: str) -> str | int:
        key = _key(container, part)
        container[key] = new
        return key

    return edit


def _adding(new: Any) -> Edit:
    def edit(container: Any, part: str) -> str | int:
        key = _key(container, part, new=True)
        if isinstance(container, list):
            container.insert(int(key), new)
        else:
            container[key] = new
        return key

    return edit
