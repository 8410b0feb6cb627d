"""A line to the database that misbehaves as it is told: slow, narrow, in crumbs, reset, or cut at a commit."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

COMMIT = b"\x00\x02\xb0\x12\x00\x00"
"""As Bolt frames it."""
ARRIVE = 0.05
"""Seconds until the database has surely got what was sent to it."""

T = TypeVar("T")


@dataclass(slots=True)
class Faults:
    """May change at any time. `latency` and `jitter` are seconds for each piece and direction."""

    latency: float = 0.0
    jitter: float = 0.0
    bytes_a_second: float | None = None
    slice: int = 65_536
    resets: float = 0.0
    """The share of messages to the database that reset their connection instead."""
    cut_commits: float = 0.0
    """The share of commits that arrive and whose answer does not."""


class Proxy:
    def __init__(self, target: str) -> None:
        address = urlsplit(target)
        self._target = address.hostname or "127.0.0.1", address.port or 7687
        self.faults = Faults()
        self.resets = self.cuts = 0
        self.port = 0
        self._cut = False
        self._dice = random.Random(1)
        self._loop = asyncio.new_event_loop()

    @property
    def uri(self) -> str:
        return f"bolt://127.0.0.1:{self.port}"

    @contextmanager
    def listening(self) -> Iterator["Proxy"]:
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        server = self._call(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._call(self._close(server))
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection(*self._target)
            pumps = [
                asyncio.create_task(self._pump(reader, back, writer)),
                asyncio.create_task(self._pump(there, writer, None)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            back.transport.abort()
        writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: asyncio.StreamWriter | None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if client and self._dice.random() < self.faults.resets:
                    self.resets += 1
                    return
                cut = client and COMMIT in data and self._cuts_this()
                if cut and client:
                    self.cuts += 1
                    client.transport.abort()
                await self._forward(data, writer)
                if cut:
                    await asyncio.sleep(ARRIVE)
                    return

    def _cuts_this(self) -> bool:
        """Never twice in a row: whoever asks how a write ended commits too."""
        self._cut = not self._cut and self._dice.random() < self.faults.cut_commits
        return self._cut

    async def _forward(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        faults = self.faults
        if faults.latency:
            await asyncio.sleep(max(0.0, faults.latency + self._dice.uniform(-faults.jitter, faults.jitter)))
        for start in range(0, len(data), faults.slice):
            piece = data[start : start + faults.slice]
            writer.write(piece)
            await writer.drain()
            if faults.bytes_a_second:
                await asyncio.sleep(len(piece) / faults.bytes_a_second)
            elif faults.slice == 1:
                await asyncio.sleep(0)
