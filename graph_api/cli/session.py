"""A store for the time of one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph_api.cli.failure import Exit, Failure
from graph_api.settings import Settings
from graph_api.store.protocol import Store


def exists(settings: Settings) -> bool:
    """Whether the store can hold anything: a file that is not there yet cannot."""
    file = settings.store_file
    return file is None or file.exists()


def require_existing(settings: Settings) -> None:
    """Raises Failure where a question would make a new, empty catalog."""
    if not exists(settings):
        message = f"there is no catalog at {settings.store}; `graph-api sync PATH` makes one, --store names another"
        raise Failure(message, Exit.UNAVAILABLE)


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    try:
        await store.open()
        yield store
    finally:
        await store.close()
