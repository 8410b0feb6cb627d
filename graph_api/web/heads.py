"""The head of a request, which uvicorn itself neither awaits for a limited time nor limits in its size."""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import httptools
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from graph_api.errors import ErrorCode
from graph_api.web.joined_writes import JoinedWrites
from graph_api.web.responses import error_response

MOST_WAITING = 16
"""Requests sent without waiting for the answers to those before them; what comes after so many is not read."""

_CLOSE = {"connection": "close"}


def bounded_heads(timeout: float, max_bytes: int) -> type[asyncio.Protocol]:
    """For uvicorn's `http`: closes connections on which no whole head arrives within so many seconds or bytes."""
    return cast("type[asyncio.Protocol]", partial(_BoundedHeads, timeout, max_bytes))


class _BoundedHeads(HttpToolsProtocol):
    def __init__(self, timeout: float, max_bytes: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._unfinished = 0
        """Bytes of a head that is not whole, or of what a body has besides its parts."""
        self._in_body = False
        self._is_over = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", JoinedWrites(transport, self.loop))
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        self._unfinished += len(data)
        self._read(data)
        if self._unfinished > self._max_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A head may have {self._max_bytes} bytes.")
        elif self._unfinished and not self._in_body and self._deadline is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._unfinished = 0
        self._require_sound_head()
        if len(self.pipeline) >= MOST_WAITING:
            raise ValueError
        if not self.parser.should_upgrade():
            self._begin_body()
        elif self._should_upgrade():
            super().on_headers_complete()  # of a WebSocket's handshake

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        self._in_body = False
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _begin_body(self) -> None:
        super().on_headers_complete()
        self._in_body = True
        # What comes after the body would otherwise stand among the headers, unseen by whoever checked those.
        self.headers = []

    def _read(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._read_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self._refuse(HTTPStatus.BAD_REQUEST, "Invalid HTTP request received.")

    def _read_without_upgrade(self, rest: bytes) -> None:
        """The parser would leave the connection to the other protocol, body included: here it was not asked for."""
        start = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        headers = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self._read(b"".join([start, *headers, b"\r\n", rest]))

    def _require_sound_head(self) -> None:
        """What the parser lets pass and others might read otherwise. It makes of a ValueError one of its own."""
        self.headers[:] = [(name, value.strip(b" \t")) for name, value in self.headers]
        names = [name for name, _ in self.headers]
        version, hosts = self.parser.get_http_version(), names.count(b"host")
        if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and not hosts):
            raise ValueError
        if self.parser.get_method() == b"CONNECT" or not self.url.startswith(b"/") or b"#" in self.url:
            raise ValueError
        if b"transfer-encoding" in names and dict(self.headers)[b"transfer-encoding"].lower() != b"chunked":
            raise ValueError

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self._timeout, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The head did not arrive within {self._timeout:g} s.")

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._is_over = True
        is_answering = self.cycle and not self.cycle.response_complete
        # To others that are being answered, this one would seem to be the answer.
        if is_answering and not self._in_body:
            self.cycle.keep_alive = False
        elif is_answering and (self.pipeline or self.cycle.response_started):
            self.transport.close()
        else:
            self._answer(status, message)

    def _answer(self, status: HTTPStatus, message: str) -> None:
        code = ErrorCode.TOO_LARGE if status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE else ErrorCode.BAD_REQUEST
        response = error_response(status, code, message, _CLOSE)
        head = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + bytes(response.body))
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
