"""What one request may take from the others, and one caller: body bytes, time, a place among the running ones."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from math import ceil

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.errors import ErrorCode
from graph_api.limit_settings import DEFAULTS
from graph_api.web.accept import asks_for_events
from graph_api.web.callers import caller_of
from graph_api.web.fair_queue import BusyError, FairQueue
from graph_api.web.headers import header
from graph_api.web.rates import Rates
from graph_api.web.responses import error_response

LINGER = 1.0
"""Seconds that the rest of a refused body is read and thrown away: a client that still sends would miss the answer."""
SOON = 0.05
"""Seconds after which it is worth while to look whether the client still waits: most answers are there before."""
LONGEST_PAUSE = 0.5
"""Seconds after which a caller above its rate hears so: at once, it would ask again at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """The settings of these names."""

    max_head: int = DEFAULTS["max_head"]
    """Bytes of a request's head; all sizes are in bytes."""
    max_headers: int = DEFAULTS["max_headers"]
    max_body: int = DEFAULTS["max_body"]
    max_response: int = DEFAULTS["max_response"]
    body_timeout: float = DEFAULTS["body_timeout"]
    """Seconds for the client to send the body."""
    request_deadline: float = DEFAULTS["request_deadline"]
    """Seconds from the whole body to the whole response, waiting included."""
    max_running: int = DEFAULTS["max_running"]
    max_waiting: int = DEFAULTS["max_waiting"]
    rate: float = DEFAULTS["rate"]
    """Requests of one caller a second."""


class _RefusedError(Exception):
    def __init__(
        self, status: HTTPStatus, code: ErrorCode, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.response = error_response(status, code, message, {"connection": "close", **(headers or {})})


class LimitRequests:
    """Gives the app a whole body, and cancels it at the deadline or when the client is gone.

    What asks for an event stream goes to `streams`, without a deadline.
    """

    def __init__(self, app: ASGIApp, limits: RequestLimits, streams: ASGIApp | None = None) -> None:
        self.app = app
        self.streams = streams
        self.limits = limits
        self._turns = FairQueue(limits.max_running, limits.max_waiting)
        self._rates = Rates(limits.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope)
        try:
            await self._check_rate(caller)
            body = await self._read_body(scope, receive)
        except _RefusedError as refused:
            await _refuse(refused.response, scope, receive, send)
            return
        except ClientDisconnect:
            return
        scope.setdefault("state", {})["charge"] = partial(self._rates.take_objects, caller)
        if self.streams and asks_for_events(scope):
            await _unless_gone(self.streams(scope, _replay(body), send), receive, None)
            return
        await self._answer(scope, body, caller, receive, send)

    async def _check_rate(self, caller: str) -> None:
        """Count the request of the caller. Raises _RefusedError, after a pause, for one who asks too fast."""
        if wait := self._rates.seconds_to_wait(caller):
            await asyncio.sleep(min(wait, LONGEST_PAUSE))
            message = f"More than {self.limits.rate:g} requests a second (large answers count more); ask more slowly."
            raise _RefusedError(
                HTTPStatus.TOO_MANY_REQUESTS, ErrorCode.RATE_LIMITED, message, {"retry-after": str(ceil(wait))}
            )
        self._rates.take(caller)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body. Raises _RefusedError and ClientDisconnect."""
        if header(scope, b"content-encoding").lower() not in ("", "identity"):
            raise _RefusedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, ErrorCode.BAD_REQUEST, "A compressed body is not accepted."
            )
        self._check_size(int(header(scope, b"content-length") or 0))
        try:
            async with asyncio.timeout(self.limits.body_timeout):
                return await self._receive_body(receive)
        except TimeoutError:
            raise _RefusedError(
                HTTPStatus.REQUEST_TIMEOUT,
                ErrorCode.BAD_REQUEST,
                f"The body did not arrive within {self.limits.body_timeout:g} s.",
            ) from None

    async def _receive_body(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            self._check_size(len(body))
            if not message.get("more_body", False):
                return bytes(body)

    def _check_size(self, size: int) -> None:
        if size > self.limits.max_body:
            raise _RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                ErrorCode.TOO_LARGE,
                f"A body may have at most {self.limits.max_body} bytes.",
            )

    async def _answer(self, scope: Scope, body: bytes, caller: str, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        work = self._take_turn(caller, scope, _replay(body), send_and_note)
        in_time = await _unless_gone(work, receive, self.limits.request_deadline)
        if not in_time and not started:
            await self._too_late()(scope, receive, send)

    async def _take_turn(self, caller: str, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._turns.turn(caller):
                await self.app(scope, receive, send)
        except BusyError:
            await _busy()(scope, receive, send)

    def _too_late(self) -> Response:
        return error_response(
            HTTPStatus.SERVICE_UNAVAILABLE,
            ErrorCode.DEADLINE_EXCEEDED,
            f"The answer took longer than {self.limits.request_deadline:g} s.",
        )


async def _unless_gone(work: Awaitable[None], receive: Receive, seconds: float | None) -> bool:
    """Run it until the client is gone or the time is over; False for the latter."""
    watching: list[asyncio.Task[None]] = []
    gone = False

    async def end_when_gone() -> None:
        nonlocal gone
        await _wait_for_disconnect(receive)
        gone = True
        whole.reschedule(0)

    def watch() -> None:
        watching.append(asyncio.create_task(end_when_gone()))

    soon = asyncio.get_running_loop().call_later(SOON, watch)
    try:
        async with asyncio.timeout(seconds) as whole:
            await work
    except TimeoutError:
        if not whole.expired():
            raise
        return gone
    finally:
        soon.cancel()
        for task in watching:
            task.cancel()
    return True


def _busy() -> Response:
    return error_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ErrorCode.UNAVAILABLE,
        "Too many requests are waiting; try again.",
        {"retry-after": "1"},
    )


def _replay(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        # A client that goes is no message: LimitRequests cancels.
        return await asyncio.Future()

    return receive


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    async def send_without_end(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await response(scope, receive, send_without_end)
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})
