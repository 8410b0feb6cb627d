"""A store for the time of one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph_api.store.protocol import Store


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    try:
        await store.open()
        yield store
    finally:
        await store.close()
