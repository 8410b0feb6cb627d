"""A store of one size, which is made once; and what changing 1 % of it writes."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.growth.catalog import changed, more, parts
from graph_api.app import open_store, source_order
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from graph_api.sync import sync

Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Made:
    """What the store holds; of one more source, rows and seconds of the first sync and of one with 1 % changes."""

    entities: int
    links: int
    first_rows: int
    first_seconds: float
    again_rows: int
    again_seconds: float


def make(url: str, entities: int, record: Path, tell: Tell) -> Made:
    """Loads an empty store, unless `record` says that it was loaded before."""
    if record.exists():
        return Made(**json.loads(record.read_text()))
    made = asyncio.run(_load(url, entities, tell))
    record.write_text(json.dumps(asdict(made)))
    return made


async def _load(url: str, entities: int, tell: Tell) -> Made:
    store = open_store(Settings(store=url))
    await store.open()
    try:
        return await _fill(store, entities, tell)
    finally:
        await store.close()


async def _fill(store: Store, entities: int, tell: Tell) -> Made:
    found = linked = 0
    for part in parts(entities):
        _, seconds = await _sync(store, part)
        found, linked = found + len(part.entities), linked + len(part.links)
        tell(f"{found:,} entities and {linked:,} links are loaded, the last source in {seconds:.0f} s")
    return await _add_more(store, found, linked)


async def _add_more(store: Store, found: int, linked: int) -> Made:
    part = more()
    first = await _sync(store, part)
    again = await _sync(store, changed(part))
    return Made(found + len(part.entities), linked + len(part.links), *first, *again)


async def _sync(store: Store, part: Snapshot) -> tuple[int, float]:
    """Rows that were written, and seconds."""
    began = time.perf_counter()
    report = await sync(store, part, source_order(Settings()))
    return len(report.changes), time.perf_counter() - began
