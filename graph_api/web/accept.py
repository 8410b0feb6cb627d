"""What a client wants to read: the Accept header (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from starlette.types import Scope

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"

_USUAL_LENGTH = 500
"""Characters of an Accept header: browsers send some 150."""
_QUALITY = re.compile(r";\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.IGNORECASE)


class _Preference(NamedTuple):
    """Compares by quality, then by how exactly it names the type, then by its place in the header."""

    quality: float
    precision: int
    place: int


def accepted(scope: Scope) -> str:
    """Return all Accept headers as one."""
    return str(b",".join([value for name, value in scope["headers"] if name == b"accept"]), "latin-1")


def preferred(accept: str, offers: tuple[str, ...]) -> str | None:
    """The offer that the client likes best, the first of equals; None when it accepts none of them."""
    return _usual(accept, offers) if len(accept) <= _USUAL_LENGTH else _best(accept, offers)


@lru_cache(256)
def _usual(accept: str, offers: tuple[str, ...]) -> str | None:
    return _best(accept, offers)


def _best(accept: str, offers: tuple[str, ...]) -> str | None:
    ranges = list(_ranges(accept or "*/*"))
    liked = {offer: _preference(offer, ranges) for offer in offers}
    best = max(offers, key=lambda offer: liked[offer])
    return best if liked[best].quality else None


def asks_for_events(scope: Scope) -> bool:
    """Whether the client wants a stream rather than one answer."""
    return preferred(accepted(scope), (JSON, GRAPHQL_RESPONSE, HTML, EVENT_STREAM)) == EVENT_STREAM


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for item in accept.split(","):
        media_range, _, _ = item.partition(";")
        quality = _QUALITY.search(item)
        yield media_range.strip().lower(), float(quality[1]) if quality else 1.0


def _preference(offer: str, ranges: list[tuple[str, float]]) -> _Preference:
    patterns = ["*/*", f"{offer.partition('/')[0]}/*", offer]
    matches = [
        (patterns.index(media_range), -place, quality)
        for place, (media_range, quality) in enumerate(ranges)
        if media_range in patterns
    ]
    if not matches:
        return _Preference(0.0, 0, 0)
    precision, place, quality = max(matches)
    return _Preference(quality, precision, place)
