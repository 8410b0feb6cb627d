"""Attempts to write that the audit log tells of beside the writes: what was refused, and what was only asked for."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from graph_api.access.audit import Attempt, Outcome
from graph_api.catalog.times import utc_now
from graph_api.errors import UNREACHABLE, CatalogError
from graph_api.store.protocol import Store


@asynccontextmanager
async def recording(store: Store, by: Attempt, *, skip: bool = False) -> AsyncIterator[None]:
    """Record what is refused inside, unless told to `skip` it; what is written records itself."""
    try:
        yield
    except CatalogError as error:
        if error.code not in UNREACHABLE and not skip:
            await record_end(store, by, Outcome.REFUSED, error.code)
        raise


async def record_end(store: Store, by: Attempt, outcome: Outcome, code: str | None = None) -> None:
    """Record the end of an attempt that wrote nothing, in a write of its own."""
    async with store.write(small=True) as tx:
        await tx.record(by.ended(outcome, utc_now(), code=code))


async def record_requests(store: Store, requests: Iterable[tuple[Attempt, int]]) -> None:
    """Record attempts that were let in and wrote nothing themselves, with how many there were of each."""
    async with store.write(small=True) as tx:
        for by, times in requests:
            await tx.record(by.ended(Outcome.APPLIED, utc_now(), counts={"requests": times}))
