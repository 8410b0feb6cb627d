"""An embedded store on a file of one's own, for as long as it is needed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from graph_api.catalog.filters import ALL, Sort
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import PageRequest, Store


@asynccontextmanager
async def opened(path: Path | None, **options: Any) -> AsyncIterator[EmbeddedStore]:
    store = EmbeddedStore(path, **options)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def names(store: Store) -> list[str]:
    page = await store.page(PageRequest(filter=ALL, sort=Sort(), limit=100))
    return [entity.name for entity in page.entities]
