"""The origins of a link as one integer: a bit for each, the first of LinkOrigin the lowest."""

from functools import cache

from graph_api.catalog.entity import LinkOrigin

DECLARED, OBSERVED, INFERRED = _BITS = tuple(1 << place for place, _ in enumerate(LinkOrigin))
_OF_BITS = [
    tuple(origin for bit, origin in zip(_BITS, LinkOrigin, strict=True) if bits & bit)
    for bits in range(1 << len(LinkOrigin))
]


@cache
def bits_of(origins: tuple[LinkOrigin, ...]) -> int:
    return sum(bit for bit, origin in zip(_BITS, LinkOrigin, strict=True) if origin in origins)


def origins_of(bits: int) -> tuple[LinkOrigin, ...]:
    return _OF_BITS[bits]
