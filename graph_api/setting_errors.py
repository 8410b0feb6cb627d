"""What is wrong with a setting, in words for whoever wrote it."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from graph_api.catalog.audience import Restriction
from graph_api.catalog.kinds import Kind
from graph_api.source_entries import FileSource, NamedSource, OnlineSource

_ENTRIES = (NamedSource, FileSource, OnlineSource)
_FIELDS: Mapping[str, frozenset[str]] = {
    "sources": frozenset(name for entry in _ENTRIES for name in entry.model_fields),
    "kinds": frozenset(field.name for field in fields(Kind)),
    "restricted": frozenset(field.name for field in fields(Restriction)),
}
"""What the objects of a setting may have, by setting."""
_PLAIN = {
    "tuple_type": "write a list",
    "model_type": "write a name, or an object",
    "dataclass_type": "write a name, or an object",
}


def reason(row: Mapping[str, Any]) -> str:
    """Return the reason in one of pydantic's errors; without the value, which may be a secret."""
    setting, *inside = row["loc"]
    kind = row["type"]
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return _unknown(setting, str(inside[-1]))
    if kind == "too_long" or (kind == "missing" and inside and isinstance(inside[-1], int)):
        return "write two of them, as in [one, other]"
    if kind == "string_pattern_mismatch":
        return "it has characters that are not allowed here"
    return _PLAIN.get(kind) or str(row["msg"]).removeprefix("Value error, ")


def _unknown(setting: str, name: str) -> str:
    known = _FIELDS.get(setting, frozenset())
    if name in known:
        return (
            "a source has either `connector` with what its API needs, or `paths` with what files need: give one of them"
        )
    return f"there is no such field{suggest(name, known)}"


def suggest(name: str, known: Iterable[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, known, n=1)
    suggestion = close[0] if close else None
    if suggestion and prefix:
        suggestion = prefix + suggestion.upper()
    return f"; did you mean {suggestion}?" if suggestion else ""
