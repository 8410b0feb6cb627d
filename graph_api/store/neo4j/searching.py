"""Search: the full-text index finds, search.py ranks."""

import re
from collections.abc import Iterable

from graph_api.catalog.filters import Filter
from graph_api.catalog.ref import Ref
from graph_api.catalog.search import MAX_FOUND, MAX_TYPO, MIN_TYPO, Found, ranked, ranked_by_likeness, words_of
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.filters import Predicates
from graph_api.store.neo4j.sight import TRUE
from graph_api.store.neo4j.statements import Statements
from graph_api.store.neo4j.words import runs_of

_UNQUOTED = re.compile(r'["\\]')


async def search(tx: Statements, text: str, filter_: Filter) -> list[Ref]:
    words = words_of(text.lower())
    if not words:
        return []
    found = await _found(tx, (_joined(run) for run in runs_of(text.lower())), words[0], filter_)
    if not found:
        return ranked_by_likeness(text, await _found(tx, map(_with_typo, words), words[0], filter_))
    return ranked(text, found)


def _joined(run: str) -> str:
    """Return the condition that a run is there, as one token of a name or in its parts."""
    words = words_of(run)
    parts = " AND ".join(map(_as_written, words))
    return parts if words == [run] else f'(name:"{_UNQUOTED.sub(" ", run)}"^8 OR ({parts}))'


# Only letters and digits are left of each word, so nothing is query syntax.
def _as_written(word: str) -> str:
    return f"(name:{word}^6 OR name:{word}*^4 OR title:{word}^3 OR {word}^2 OR {word}*)"


def _with_typo(word: str) -> str:
    return f"({word}~1 OR {word}*)" if MIN_TYPO <= len(word) <= MAX_TYPO else f"({word}*)"


async def _found(tx: Statements, conditions: Iterable[str], word: str, filter_: Filter) -> list[Found]:
    predicates = Predicates(tx.sight)
    score = cypher.INDEX_SCORE if tx.sight.whole else cypher.NAME_SCORE
    where = predicates.seen(filter_, "e")
    query = cypher.SEARCH.format(where=where, score=score, best=cypher.BEST if where == TRUE else "")
    text = " AND ".join(conditions)
    rows = await tx.packed(query, text=text, word=word, limit=MAX_FOUND, **predicates.parameters)
    return [Found(*row) for row in rows]
