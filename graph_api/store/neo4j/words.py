"""The words of a text as search takes them, where the full-text index takes them for parts of a longer one.

The index's tokens are words as of https://www.unicode.org/reports/tr29/, which some marks do not end: `orders.gateway`
and `it's` are one each. What is joined so is indexed once more, in its parts.
"""

import re
from collections.abc import Iterable

from graph_api.catalog.search import words_of

_BETWEEN_LETTERS = ":.'\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
_BETWEEN_DIGITS = ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"
_BETWEEN_ANY = "_\u202f\u203f\u2040\u2054\ufe33\ufe34\ufe4d-\ufe4f\uff3f"
_JOINERS = f"{_BETWEEN_LETTERS}{_BETWEEN_DIGITS}"
_RUN = re.compile(rf"[\w{_JOINERS}{_BETWEEN_ANY}]+")
_JOINED = re.compile(rf"[{_BETWEEN_ANY}]|\w[{_JOINERS}]\w")


def runs_of(text: str) -> list[str]:
    """What may be one token; each has a word."""
    return [run for run in _RUN.findall(text) if words_of(run)]


def joined_words(texts: Iterable[str]) -> list[str]:
    """Words that are parts of tokens, each once."""
    # Most texts have none, and what is written is written for all of them.
    joined = (run for text in texts if _JOINED.search(text) for run in runs_of(text))
    parts = (words for run in joined if (words := words_of(run)) != [run])
    return list(dict.fromkeys(word for words in parts for word in words))
