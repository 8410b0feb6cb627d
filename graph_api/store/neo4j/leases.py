"""What one process at a time does, as long as it lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from graph_api.errors import CatalogError
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.database import Database


async def take(database: Database, name: str, holder: str, seconds: float) -> bool:
    """Take, extend or give back a lease, as Store.lease() says."""
    milliseconds = round(seconds * 1000)
    return bool(await database.execute(cypher.TAKE_LEASE, name=name, holder=holder, milliseconds=milliseconds))


@asynccontextmanager
async def kept(database: Database, name: str, holder: str, seconds: float) -> AsyncIterator[None]:
    """Keep the lease that was taken while this lasts, and then give it back."""

    async def keep() -> None:
        still = True
        while still:
            await asyncio.sleep(seconds / 3)
            with suppress(CatalogError):  # the next time may be early enough
                still = await take(database, name, holder, seconds)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await take(database, name, holder, 0)
