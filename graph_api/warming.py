"""Questions that are asked once before the first client's, so that no client waits until the database has learned them.

A cold Neo4j takes seconds to plan its first large statements. The texts are those of a client's usual questions.
"""

import asyncio
from dataclasses import replace

from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import IMPACT_RELATIONS, Direction
from graph_api.catalog.traversal import Traversal, WalkRequest
from graph_api.store.protocol import LinkPage, Needed, PageRequest, Reading, Store

SECONDS = 20.0
"""Seconds that all of it may take."""

_NOBODY = Ref("component:graph-api/warm-up")
_STRANGER = Visibility(frozenset())
_NEEDED = (
    Needed(frozenset(), links=False),
    Needed(frozenset({"owners"}), links=False),
    Needed(frozenset({"owners"}), links=True),
)
"""What is needed of entities for their names, for lists, and for lists with links."""
_PAGE = 20
_GROUPS = ("domain", "environment", "kind", "lifecycle", "owner", "severity", "system", "tier", "type")


async def warm_up(store: Store) -> None:
    """Ask an opened store what is usually asked, by those who see everything and by those who do not. Raises
    TimeoutError after SECONDS, and what the store raises.
    """
    async with asyncio.timeout(SECONDS):
        for reading in (store, store.seen_by(_STRANGER)):
            for request in _walks():
                await reading.walk(request, deadline=SECONDS)
            await _ask(reading)
        for needed in _NEEDED:
            await _ask(store.seen_by(EVERYTHING, needed))


async def _ask(reading: Reading) -> None:
    await reading.page(PageRequest(filter=ALL, sort=Sort("name"), limit=_PAGE))
    for direction in Direction:
        await reading.neighbours([_NOBODY], direction, IMPACT_RELATIONS, page=LinkPage(limit=_PAGE + 1))
    await reading.entities([_NOBODY])


def _walks() -> tuple[WalkRequest, ...]:
    impact = Traversal(start=(_NOBODY,), direction=Direction.IN, relations=IMPACT_RELATIONS)
    needs = Traversal(start=(_NOBODY,), direction=Direction.OUT, relations=IMPACT_RELATIONS, max_depth=1)
    judged = WalkRequest(traversal=impact, limit=_PAGE, total=True, severity=True, completeness=True)
    return (
        replace(judged, facets=("owner",)),
        replace(judged, facets=("owner", "severity")),
        replace(judged, facets=_GROUPS),
        judged,
        WalkRequest(traversal=needs, limit=_PAGE),
    )
