"""Locations: descriptors that point to further descriptors, by path, glob or URL."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from graph_api.catalog.entity import EntityStatement
from graph_api.sources.parsing import Keys

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_WILDCARD = re.compile(r"[*?\[]")


class Target(NamedTuple):
    """A target as written, and where in the document it stands."""

    text: str
    path: Keys
    optional: bool


def targets_of(location: EntityStatement) -> Iterator[Target]:
    """The targets of a Location, those of `spec.target` first."""
    optional = location.spec.get("presence") == "optional"
    single, many = location.spec.get("target"), location.spec.get("targets")
    if isinstance(single, str):
        yield Target(single, ("spec", "target"), optional)
    for index, text in enumerate(many if isinstance(many, list) else ()):
        if isinstance(text, str):
            yield Target(text, ("spec", "targets", index), optional)


def is_url(text: str) -> bool:
    """Whether a target has to be fetched. `file://` does not: such paths are judged as any other."""
    return bool(_URL.match(text)) and not text.lower().startswith("file:")


def path_of(text: str) -> str:
    """A target without a `file:` before it."""
    return re.sub(r"^file:(?://)?", "", text, flags=re.IGNORECASE)


def is_glob(text: str) -> bool:
    return _WILDCARD.search(text) is not None


def split_glob(pattern: str) -> tuple[str, list[str]]:
    """The folder before the first wildcard, and the parts from there on (none if there is no wildcard)."""
    parts = pattern.split("/")
    first = next((at for at, part in enumerate(parts) if is_glob(part)), len(parts))
    return "/".join(parts[:first]), [part for part in parts[first:] if part not in ("", ".")]


def below(folder: str, files: Sequence[str]) -> Sequence[str]:
    """Those of the sorted paths that lie below a folder ("" is all)."""
    if not folder:
        return files
    # "0" is the character after "/".
    return files[bisect_left(files, f"{folder}/") : bisect_left(files, f"{folder}0")]


def matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path match the parts of a glob; `**` stands for any number of folders.

    All places in the pattern are followed at once, so no pattern takes longer than its length times that of the path.
    """
    at = _skip({0}, pattern)
    for part in parts:
        stay = {place for place in at if place < len(pattern) and pattern[place] == "**"}
        step = {place + 1 for place in at - stay if place < len(pattern) and fnmatchcase(part, pattern[place])}
        at = _skip(stay | step, pattern)
    return len(pattern) in at


def _skip(places: set[int], pattern: Sequence[str]) -> set[int]:
    for place in range(len(pattern)):
        if place in places and pattern[place] == "**":
            places.add(place + 1)
    return places
