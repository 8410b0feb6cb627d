"""What stays open: how many sockets and event streams there may be, and how long one may keep us waiting."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.errors import ErrorCode
from graph_api.telemetry.metrics import STREAMS
from graph_api.web.responses import error_response, refuse

SOCKET_OPTIONS: dict[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": 65_536,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "ws_per_message_deflate": False,
}
"""For uvicorn: frames beyond the size end a connection, and peers that leave a ping without an answer."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    max_open: int = 1_000
    """Sockets and event streams of this process."""
    max_subscriptions: int = 20
    """Of one socket."""
    init_timeout: timedelta = timedelta(seconds=5)
    """For a socket's `connection_init`."""
    send_timeout: float = 30
    """Seconds until a client has read enough for the next message to be sent; then its connection is ended."""


class ClosingStream(StreamingResponse):
    """Ends what it tells when the client is gone, rather than when memory is tidied up."""

    body_iterator: AsyncGenerator[str, None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self.body_iterator):
            await super().__call__(scope, receive, send)


class LimitStreams:
    """Ends the app where the client does not read."""

    def __init__(self, app: ASGIApp, limits: StreamLimits) -> None:
        self.app = app
        self.limits = limits
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open >= self.limits.max_open:
            message = "Too many streams are open; try again."
            headers = {"retry-after": "5"}
            response = error_response(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.UNAVAILABLE, message, headers)
            await refuse(response, scope, receive, send)
            return
        self._open += 1
        STREAMS.inc()
        try:
            await self._run(scope, receive, send)
        except TimeoutError:
            logger.info("A client does not read; its stream is ended")
        finally:
            self._open -= 1
            STREAMS.dec()

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.timeout(None) as whole:

            async def send_in_time(message: Message) -> None:
                try:
                    async with asyncio.timeout(self.limits.send_timeout):
                        await send(message)
                except TimeoutError:
                    whole.reschedule(0)
                    await asyncio.Future()

            await self.app(scope, receive, send_in_time)
