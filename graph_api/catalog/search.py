"""Ranking of what a search found: by its names first, then by what it is, then by what the store's index says."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple
from unicodedata import normalize

from graph_api.catalog.kinds import KINDS
from graph_api.catalog.ref import Ref

MAX_FOUND = 1_000
"""Entities that one search ranks: those that the store's index puts first."""
MAX_WORDS = 10
MAX_TEXT = 500
MIN_TYPO = 4
"""Characters of the shortest word that may be mistyped: nearly everything is like a shorter one."""
MAX_TYPO = 30

_WORD = re.compile(r"[^\W_]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_USUAL, _UNDECLARED = 1, 3


class Found(NamedTuple):
    """What the ranking looks at. `score` is the store's own, the larger the better."""

    ref: Ref
    name: str
    title: str | None
    kind: str
    declared: bool
    score: float


def words_of(text: str) -> list[str]:
    """Return the words, of letters and digits. Letters and the marks on them are one, however they are written."""
    return _WORD.findall(text if text.isascii() else normalize("NFC", text))


def ranked(text: str, found: Collection[Found]) -> list[Ref]:
    """Exact names first, then those that start so, then those that hold every word, then the rest; within each,
    software, interfaces and systems come before what merely accompanies them.
    """
    words = words_of(text.casefold())
    rows = {row.ref: row for row in found}
    return [row.ref for row in sorted(rows.values(), key=lambda row: _rank(words, row))[:MAX_FOUND]]


def _rank(words: list[str], row: Found) -> tuple[object, ...]:
    closeness = _closeness(words, row.name)
    if closeness > 1 and row.title:
        closeness = min(closeness, 1 + _closeness(words, row.title))
    prominence = _prominence(row)
    if closeness == 3:
        return closeness, prominence, -row.score, row.ref
    return closeness, prominence, len(row.name), row.ref


def _closeness(words: list[str], name: str) -> int:
    folded = name.casefold()
    if len(words) > 1 and words[0] not in folded:
        return 3  # as the last line would say, which takes ten times as long
    named = words_of(folded)
    if named == words:
        return 0
    if named[: len(words) - 1] == words[:-1] and "".join(named[len(words) - 1 :]).startswith(words[-1]):
        return 1
    return 2 if all(word in folded for word in words) else 3


def _prominence(row: Found) -> int:
    kind = KINDS.get(row.kind)
    return (kind.prominence if kind else _USUAL) if row.declared else _UNDECLARED


def by_kind(refs: Iterable[Ref]) -> list[Ref]:
    """Software, interfaces and systems before what merely accompanies them; of each in the order given."""
    places = {key: kind.prominence for key, kind in KINDS.items()}
    return sorted(refs, key=lambda ref: places.get(ref[: ref.index(":")], _USUAL))


def ranked_by_likeness(text: str, found: Collection[Found]) -> list[Ref]:
    """Rank what was found by words that are one slip away: as if the text had the words that the names have."""
    named = Counter(word for row in found for word in words_of(row.name.casefold()))
    meant = (
        max({word, *with_typo(word)} & named.keys(), key=lambda like: (named[like], like), default=word)
        for word in words_of(text.casefold())
    )
    return ranked(" ".join(meant), found)


def with_typo(word: str) -> Iterator[str]:
    """Words that are one slip away: a character more, less or another, or two swapped."""
    if not MIN_TYPO <= len(word) <= MAX_TYPO:
        return
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    for head, tail in splits:
        yield from (f"{head}{letter}{tail}" for letter in _LETTERS)
    for (head, tail), (_, rest) in pairwise(splits):
        yield head + rest
        yield from (f"{head}{letter}{rest}" for letter in _LETTERS)
        if rest:
            yield f"{head}{rest[0]}{tail[0]}{rest[1:]}"
