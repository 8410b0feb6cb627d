"""The words of a text as search takes them, where the full-text index takes them for parts of a longer one, or others.

The index's tokens are words as of https://www.unicode.org/reports/tr29/, which some marks do not end: `orders.gateway`
and `it's` are one each. What is joined so is indexed once more, in its parts.
"""

import re
from collections.abc import Iterable

from graph_api.catalog.search import words_of

_RUN = re.compile(r"[\w.:',;]+")
_JOINED = re.compile(r"[_.:',;](?:(?<=_)|(?<=\w.)\w)")
"""`_`, and the other marks between two letters or digits. Marks of ASCII; beyond it there are too many, and scripts
whose words are cut otherwise. It begins with the mark, which most texts have none of."""


def runs_of(text: str) -> list[str]:
    """Return the parts of a text that may be one token; each has a word."""
    runs = _RUN.findall(text) if text.isascii() else text.split()
    return [run for run in runs if words_of(run)]


def joined_words(texts: Iterable[str]) -> list[str]:
    """Return the words that may be parts of tokens, each once."""
    # Most texts have none, and what is written is written for all of them.
    joined = (run for text in texts if not text.isascii() or _JOINED.search(text) for run in runs_of(text))
    parts = (words for run in joined if (words := words_of(run)) != [run])
    return list(dict.fromkeys(word for words in parts for word in words))
