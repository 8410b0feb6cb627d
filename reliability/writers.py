"""Clients that write all the time and remember what was acknowledged."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from graph_api.app import open_store
from graph_api.catalog.ref import Ref, make_ref
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from reliability.asking import post

BATCH = 3
"""Entities of a write, of which all or none must be there."""
PUT = "mutation Put($of: [EntityInput!]!) { putEntities(entities: $of) { revision userErrors { code } } }"


@dataclass
class Writers:
    """`tried` and `acknowledged` are numbers of batches."""

    tried: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    refused: int = 0
    urls: list[str] = field(default_factory=list)
    """Where to write; empty while there is no server."""

    @contextmanager
    def writing(self, threads: int = 4) -> Iterator[None]:
        stop = threading.Event()
        running = [threading.Thread(target=self._write, args=(number, stop)) for number in range(threads)]
        for thread in running:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in running:
                thread.join()

    def _write(self, writer: int, stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            urls = self.urls
            if not urls:
                time.sleep(0.01)
                continue
            number += 1
            self.put(urls[number % len(urls)], f"w{writer}n{number}")

    def put(self, url: str, name: str) -> bool:
        """Whether it was acknowledged."""
        self.tried.add(name)
        try:
            body = post(url, {"query": PUT, "variables": {"of": _batch(name)}}, 20).json()
        except (httpx.TransportError, ValueError):
            self.refused += 1
            return False
        if body.get("errors") or body["data"]["putEntities"]["userErrors"]:
            self.refused += 1
            return False
        self.acknowledged.add(name)
        return True

    def verdict(self, store_url: str) -> "Verdict":
        return asyncio.run(self._verdict(store_url))

    async def _verdict(self, store_url: str) -> "Verdict":
        store = open_store(Settings(store=store_url))
        await store.open()
        try:
            return await self._judge(store)
        finally:
            await store.close()

    async def _judge(self, store: Store) -> "Verdict":
        lost = half = whole = 0
        for name in sorted(self.tried):
            found = len(await store.entities(_refs(name)))
            half += 0 < found < BATCH
            whole += found == BATCH
            lost += name in self.acknowledged and found < BATCH
        runs = len([run for run in await store.syncs(None, 1_000_000) if run.source == "api"])
        return Verdict(len(self.acknowledged), lost, half, whole, await store.revision(), runs)


@dataclass(frozen=True)
class Verdict:
    acknowledged: int
    lost: int
    half: int
    whole: int
    revision: int
    runs: int

    @property
    def good(self) -> bool:
        """Each batch that is there took one revision, and so none was written twice."""
        return not self.lost and not self.half and self.revision == self.whole and self.acknowledged > 0

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {self.lost} lost, {self.half} half, "
            f"{self.whole} there in {self.revision} revisions"
        )


def _batch(name: str) -> list[dict[str, str]]:
    return [{"kind": "Component", "name": f"{name}-{part}"} for part in range(BATCH)]


def _refs(name: str) -> list[Ref]:
    return [make_ref("component", "default", f"{name}-{part}") for part in range(BATCH)]
