"""Making a backup while others read and write, and restoring one into a store."""

import asyncio
from collections import Counter
from pathlib import Path

from graph_api.backup.file import Digest, check_file, read_batches, writing
from graph_api.backup.rows import encode_row
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.dump import Batch, TornError
from graph_api.store.protocol import Store

_TRIES = (False, False, True)
"""Whether writers are kept out: only where they were too many for a consistent answer beside them."""

Counts = Counter[str]
"""Rows by the name of their type."""


async def back_up(store: Store, path: Path) -> Counts:
    """Write all that an opened store holds at one revision. Raises CatalogError."""
    for exclusive in _TRIES:
        counts: Counts = Counter()
        try:
            with writing(path) as writer:
                async for batch in store.dump(exclusive=exclusive):
                    await asyncio.to_thread(writer.add, batch)
                    _count(counts, batch)
        except TornError:
            continue
        return counts
    raise CatalogError(ErrorCode.UNAVAILABLE, "the catalog changes too fast to be copied; try again")


async def restore(store: Store, path: Path, *, replace: bool = False, checked: Digest | None = None) -> Counts:
    """Make an opened store what the file says, and compare. Raises CatalogError, CONFLICT for a store that is not
    empty unless it is to be replaced. `checked`: what check_file() has found of it.
    """
    said = await asyncio.to_thread(check_file, path) if checked is None else checked
    counts: Counts = Counter()
    batches = read_batches(path)
    async with store.restore(replace=replace) as restoring:
        while batch := await asyncio.to_thread(next, batches, None):
            await restoring.add(batch)
            _count(counts, batch)
    if (await digest_of(store)).text != said.text:
        raise CatalogError(ErrorCode.INTERNAL, "what was restored is not what the file says; do not use this store")
    return counts


async def digest_of(store: Store) -> Digest:
    digest = Digest()
    async for batch in store.dump(exclusive=True):
        await asyncio.to_thread(_add, digest, batch)
    return digest


def _add(digest: Digest, batch: Batch) -> None:
    for row in batch:
        digest.add(encode_row(row))


def _count(counts: Counts, batch: Batch) -> None:
    counts[type(batch[0]).__name__] += len(batch)
