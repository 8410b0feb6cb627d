"""A connection to the database that can be cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import Enum
from typing import Any


class Line(Enum):
    UP = "up"
    DOWN = "down"
    SILENT = "silent"


class Cuttable:
    """Forwards connections to the database while the line is up."""

    def __init__(self, host: str, port: int) -> None:
        self.target = host, port
        self.line = Line.UP
        self.silent_after: int | None = None
        """Pieces of data after which it falls silent by itself."""
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._pieces = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.set(Line.DOWN)
            await asyncio.gather(*(task for task in self._tasks if task), return_exceptions=True)

    def set(self, line: Line) -> None:
        self.line = line
        if line is Line.SILENT:
            self._speaks.clear()
        else:
            self._speaks.set()
        if line is Line.DOWN:
            for writer in self._open:
                writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        if self.line is Line.DOWN:
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(*self.target)
            self._open |= {writer, back}
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                self._pieces += 1
                if self._pieces == self.silent_after:
                    self.set(Line.SILENT)
                await self._speaks.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
