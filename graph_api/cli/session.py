"""A store for the time of one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph_api.cli.failure import Exit, Failure
from graph_api.settings import IN_MEMORY, Settings
from graph_api.store.protocol import Store


def require_existing(settings: Settings) -> None:
    """Raises Failure where a question would make a new, empty catalog."""
    if not _exists(settings):
        message = f"there is no catalog at {settings.store}; `graph-api sync PATH` makes one, --store names another"
        raise Failure(message, Exit.UNAVAILABLE)


def leaving_nothing(settings: Settings) -> Settings:
    """For a dry run, which must not even leave an empty catalog: in place of one that is not there, one in memory."""
    return settings if _exists(settings) else settings.model_copy(update={"store": f"embedded:{IN_MEMORY}"})


def _exists(settings: Settings) -> bool:
    file = settings.store_file
    return file is None or file.exists()


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    try:
        await store.open()
        yield store
    finally:
        await store.close()
