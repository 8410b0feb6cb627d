"""The head and the body of a response in one piece: uvicorn writes them one by one, and each takes a call of the system
that costs as much as a small answer.
"""

import asyncio
from typing import Any


class JoinedWrites:
    """A transport that sends what is written within one turn of the event loop at its end."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if data and not self._written:
            self._loop.call_soon(self._send)
        if data:
            self._written.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send(self) -> None:
        written, self._written = self._written, []
        if written and not self._transport.is_closing():
            self._transport.write(written[0] if len(written) == 1 else b"".join(written))
