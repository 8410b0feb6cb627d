"""A sync that is large for a test, and what readers see of it."""

from dataclasses import replace
from itertools import pairwise

from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.snapshot import Snapshot
from graph_api.store.protocol import PageRequest, Reading
from tests.catalogs import entity, link

ORDER = SourceOrder()
EVERY = PageRequest(filter=ALL, sort=Sort("ref"), limit=10_000)


def snapshot(title: str, size: int = 12) -> Snapshot:
    """Entities with this title, each of which depends on the one before."""
    names = [f"n{number:04}" for number in range(size)]
    rows = [entity(name, sources=["many"]).statements["many"] for name in names]
    links = [link(name, before).statements["files"][0] for before, name in pairwise(names)]
    return Snapshot(
        source="many",
        connector="files",
        entities={row.ref: replace(row, title=title) for row in rows},
        links={row.key: row for row in links},
    )


async def titles(store: Reading) -> list[str | None]:
    return [row.title for row in (await store.page(EVERY)).entities]
