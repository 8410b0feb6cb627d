"""The application with configured sources, in this process, and what it has synced."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from graph_api.app import create_app
from graph_api.catalog.changes import SyncRun
from graph_api.settings import Settings, load_settings
from graph_api.store.protocol import Store
from tests.patience import LONG


def everybody(settings: Settings) -> Settings:
    """Lets everybody in, as admin, and gives answers time, unless the settings say how much: for tests of anything else
    than that.
    """
    untold = {"deadline", "request_deadline"} - settings.model_fields_set
    return settings.model_copy(update={"insecure_anonymous": True, **dict.fromkeys(untold, LONG)})


@asynccontextmanager
async def serving(store: Store, *sources: dict[str, Any], **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Closes the store at its end."""
    app = create_app(everybody(load_settings(chosen={"sources": list(sources), **settings})), store)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        yield client


async def runs_of(store: Store, source: str) -> list[SyncRun]:
    """Oldest first."""
    return (await store.syncs(source, 99))[::-1]


async def runs_when(store: Store, source: str, wanted: Callable[[Sequence[SyncRun]], object]) -> list[SyncRun]:
    """The source's runs as soon as they are as wanted, within a minute."""
    end = time.monotonic() + 60
    while not wanted(runs := await runs_of(store, source)):
        assert time.monotonic() < end, f"{source} has {runs}"
        await asyncio.sleep(0.05)
    return runs
