"""The head of a request, which uvicorn itself neither awaits for a limited time nor limits in its number of lines."""

import asyncio
import sys
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import h11
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from graph_api.errors import ErrorCode
from graph_api.web.joined_writes import JoinedWrites
from graph_api.web.responses import error_response

_CLOSE = {"connection": "close"}
UNREAD_SECONDS = 30.0
"""Seconds in which a client has read nothing of what waits for it, after which its connection is ended."""


def timed_heads(timeout: float) -> type[asyncio.Protocol]:
    """Return a protocol for uvicorn's `http` that closes connections on which no whole head arrives within so many
    seconds.
    """
    return cast("type[asyncio.Protocol]", partial(_TimedHeads, timeout))


class _TimedHeads(H11Protocol):
    def __init__(self, timeout: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timeout = timeout
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", JoinedWrites(transport, self.loop))
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._deadline is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        super().handle_websocket_upgrade(event)
        protocol = cast("Any", self.transport.get_protocol())
        if not protocol.handshake_initiated:
            # Uvicorn's WebSocket protocol never answers a line, a number of headers or a body that it does not take.
            protocol.close_sent = True  # or its shutdown would fail, and with it the server's
            self._refuse(HTTPStatus.BAD_REQUEST, "Invalid WebSocket handshake.")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_watching()

    def send_400_response(self, msg: str) -> None:
        # Called where h11's error is being handled, which knows whether the head is too large.
        self._refuse(getattr(sys.exc_info()[1], "error_status_hint", HTTPStatus.BAD_REQUEST), msg)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self._timeout, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _watch_reader(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self._end_unread, unread)

    def _end_unread(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._watch_reader()
        else:
            self.transport.abort()

    def _stop_watching(self) -> None:
        if self._unread:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The head did not arrive within {self._timeout:g} s.")

    def _refuse(self, status: int, message: str) -> None:
        response = error_response(status, ErrorCode.BAD_REQUEST, message, _CLOSE)
        head = h11.Response(status_code=status, headers=response.raw_headers, reason=STATUS_PHRASES[status])
        for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class LimitHeads:
    """Refuses heads of too many bytes or headers (431), and those that say twice where the body ends (400): a proxy may
    have believed the other.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_headers: int) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.max_headers = max_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = scope["headers"]
        if len(headers) > self.max_headers:
            return _too_large(f"A request may have at most {self.max_headers} headers.")
        size = len(scope.get("raw_path", b"")) + len(scope["query_string"])
        if size + sum(len(name) + len(value) for name, value in headers) > self.max_bytes:
            return _too_large(f"The URL and the headers of a request may have at most {self.max_bytes} bytes together.")
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
            message = "Content-Length and Transfer-Encoding exclude each other."
            return error_response(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, message, _CLOSE)
        return None


def _too_large(message: str) -> Response:
    return error_response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, ErrorCode.TOO_LARGE, message, _CLOSE)
