"""How a write begins: on a catalog that is merged in the order of sources that is configured now."""

import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from graph_api.access.audit import Attempt, Outcome
from graph_api.access.idempotency import Idempotency
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.times import utc_now
from graph_api.errors import CatalogError, ErrorCode
from graph_api.idempotency import Telling, check_new, keep
from graph_api.planning.settle import settle_order
from graph_api.planning.thread import in_thread
from graph_api.store.protocol import Store, WriteTransaction

MAX_CHANGES = 500_000
"""Rows or statements that one transaction changes."""

T = TypeVar("T", bound=Telling)


@asynccontextmanager
async def writing(
    store: Store, order: SourceOrder, *, dry_run: bool = False, small: bool = False
) -> AsyncIterator[WriteTransaction]:
    """Yield a write transaction. A catalog that was merged in another order is merged anew first, in a write of its own
    that leaves no run; a dry run leaves it as it is.
    """
    async with store.write(small=small) as tx:
        if dry_run or tx.source_order == order.memory:
            yield tx
            return
    async with store.write() as tx:
        if tx.source_order != order.memory:
            await _merge_anew(tx, order)
    async with store.write(small=small) as tx:
        yield tx


async def write(
    store: Store,
    order: SourceOrder,
    work: Callable[[WriteTransaction], Coroutine[Any, Any, T]],
    *,
    idempotency: Idempotency | None = None,
    dry_run: bool = False,
    small: bool = False,
) -> T:
    """Return what `work` makes of a write transaction, planned in a thread. Leaving with an error writes nothing.

    Raises ReplayedError where `idempotency` says that it is done already, and CatalogError IDEMPOTENCY_MISMATCH.
    """
    async with writing(store, order, dry_run=dry_run, small=small) as tx:
        if idempotency is None or dry_run:
            return await in_thread(tx, work)
        await check_new(tx, idempotency)
        answer = await in_thread(tx, work)
        await keep(tx, idempotency, answer)
        return answer


async def foreign_connector(tx: WriteTransaction, source: str, connector: str) -> str | None:
    """Why this connector may not speak for the source: all that another one states would seem to be seen by it."""
    known = await tx.connector(source)
    if known in (None, connector):
        return None
    return f"the source {source!r} is fed by the connector {known}; change it there, or write for another source"


async def follow_order(store: Store, order: SourceOrder) -> None:
    """Make a changed order take effect without waiting for a write; an empty catalog can wait for its first."""
    if await store.source_order() != order.memory and await store.revision():
        async with writing(store, order):
            pass


async def _merge_anew(tx: WriteTransaction, order: SourceOrder) -> None:
    changes = await in_thread(tx, partial(settle_order, order=order))
    if len(changes) > MAX_CHANGES:
        raise CatalogError(
            ErrorCode.TOO_LARGE,
            f"the new order of sources has {len(changes):,} changes, at most {MAX_CHANGES:,} fit one transaction; "
            "put the settings `sources`, `join_names`, `separate` and `restricted` back to what they were",
        )
    revision = await tx.apply_order(changes, order.memory, utc_now())
    if changes:
        counts = {"changes": len(changes)}
        await tx.record(Attempt(action="reorder").ended(Outcome.APPLIED, utc_now(), counts=counts, revision=revision))


def new_run_id() -> str:
    return secrets.token_hex(8)
