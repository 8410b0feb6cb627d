"""What stays open: how many sockets and event streams there may be, and how long one may keep us waiting."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.access.principal import Principal
from graph_api.errors import CatalogError, ErrorCode
from graph_api.telemetry.metrics import STREAMS
from graph_api.web.callers import caller_at, caller_of
from graph_api.web.closing import ClosingSockets
from graph_api.web.places import Places
from graph_api.web.responses import error_response, refuse

SOCKET_OPTIONS: dict[str, Any] = {
    "ws": ClosingSockets,
    "ws_max_size": 65_536,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "ws_per_message_deflate": False,
}
"""Options for uvicorn: frames beyond the size end a connection, and peers that leave a ping without an answer."""

CHECK_EVERY = 2.0
"""Seconds between two looks whether who opened a stream is still let in."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    max_open: int = 1_000
    """Sockets and event streams of this process; one caller may have a sixteenth."""
    max_subscriptions: int = 20
    """Subscriptions of one socket."""
    init_timeout: timedelta = timedelta(seconds=5)
    """How long a socket may take for its `connection_init`."""
    send_timeout: float = 30
    """Seconds until a client has read enough for the next message to be sent; then its connection is ended."""


async def until_signed_out(principal: Principal, authenticate: Callable[[], Awaitable[Principal]]) -> None:
    """Returns when the principal's time is over, its token is not good any more, or its roles or teams
    are others: what was opened keeps those that it was opened with.
    """
    ends_at = math.inf if principal.expires_at is None else principal.expires_at
    while time.time() < ends_at:
        await asyncio.sleep(min(CHECK_EVERY, max(0.0, ends_at - time.time())))
        try:
            if not _may_the_same(principal, await authenticate()):
                return
        except CatalogError as error:
            if error.code is ErrorCode.UNAUTHENTICATED:
                return
        except Exception:
            # Whoever is let out by the next answer must not stay for this one.
            logger.exception("Nobody can say whether who opened a stream is still let in")


def _may_the_same(one: Principal, other: Principal) -> bool:
    return replace(one, expires_at=None) == replace(other, expires_at=None)


class EventResponse(StreamingResponse):
    """Ends what it tells when the client is gone, rather than when memory is tidied up, and when `ends` returns."""

    body_iterator: AsyncGenerator[str, None]

    def __init__(
        self, events: AsyncIterator[str], headers: Mapping[str, str], ends: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(events, headers=headers)
        self._ends = ends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self.body_iterator), asyncio.timeout(None) as whole:

            async def watch() -> None:
                await self._ends()
                # What the subscription says of it itself comes first.
                whole.reschedule(asyncio.get_running_loop().time() + 1)

            watching = asyncio.create_task(watch())
            try:
                await super().__call__(scope, receive, send)
            finally:
                watching.cancel()


class LimitStreams:
    """Ends the app where the client does not read.

    A socket holds a place of its address until the app calls `scope["state"]["sign_in"]` with the principal, which is
    False if that caller has its share of places already.
    """

    def __init__(self, app: ASGIApp, limits: StreamLimits) -> None:
        self.app = app
        self.limits = limits
        self._places = Places(limits.max_open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        holder = caller_of(scope)
        if scope["type"] == "websocket":
            holder = f"unknown at {holder}"

        def sign_in(principal: Principal) -> bool:
            nonlocal holder
            caller = caller_at(scope, principal)
            passed = self._places.pass_on(holder, caller)
            holder = caller if passed else holder
            return passed

        if not self._places.take(holder):
            message = "Too many streams are open; try again."
            headers = {"retry-after": "5"}
            response = error_response(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.UNAVAILABLE, message, headers)
            await refuse(response, scope, receive, send)
            return
        scope.setdefault("state", {})["sign_in"] = sign_in
        STREAMS.inc()
        try:
            await self._run(scope, receive, send)
        except TimeoutError:
            logger.info("A client does not read; its stream is ended")
        finally:
            self._places.leave(holder)
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
