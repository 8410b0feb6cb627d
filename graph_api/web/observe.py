"""One line in the log for each request and socket: who asked, what it was, how long it took and how it ended."""

import logging
from math import inf
from time import perf_counter

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.telemetry.logs import FIELDS
from graph_api.telemetry.metrics import count_request
from graph_api.telemetry.record import CURRENT, RequestRecord
from graph_api.telemetry.tracing import Span, span

logger = logging.getLogger("graph_api.request")

MAX_PATH = 100
UNWATCHED = frozenset({"/livez", "/readyz"})


class Observe:
    """Writes the line of each request and socket. Stands right inside RequestId."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http" or scope["path"] in UNWATCHED:
            await self.app(scope, receive, send)
            return
        request = RequestRecord(request_id=scope["state"]["request_id"], state=scope["state"])
        status: int | None = None

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = perf_counter()
        token = CURRENT.set(request)
        try:
            with span("request", Headers(scope=scope)) as current:
                request.trace_id = current.trace_id
                await self.app(scope, receive, send_and_note)
                _describe(current, scope, request, status)
        finally:
            seconds = perf_counter() - begun
            count_request(request, status, seconds)
            _tell(scope, request, status, seconds)
            CURRENT.reset(token)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note a socket apart from requests: how long it stays open is up to the client. Nothing that it asks is as of
        when it was opened.
        """
        socket = RequestRecord(request_id=scope["state"]["request_id"], state=scope["state"], begun=inf)
        close_code: int | None = None

        async def receive_and_note() -> Message:
            nonlocal close_code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                close_code = message.get("code")
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal close_code
            if message["type"] == "websocket.close":
                close_code = message.get("code")
            await send(message)

        begun = perf_counter()
        token = CURRENT.set(socket)
        try:
            await self.app(scope, receive_and_note, send_and_note)
        finally:
            fields = {
                "path": scope["path"][:MAX_PATH],
                "duration_ms": round((perf_counter() - begun) * 1000, 1),
                "close_code": close_code,
                "code": socket.code,
            }
            logger.info("the socket is closed", extra={FIELDS: fields})
            CURRENT.reset(token)


def _describe(current: Span, scope: Scope, request: RequestRecord, status: int | None) -> None:
    current.set("http.request.method", scope["method"])
    current.set("url.path", scope["path"][:MAX_PATH])
    current.set("http.response.status_code", status)
    current.set("graph_api.request_id", request.request_id)
    current.set("error.type", request.code)


def _tell(scope: Scope, request: RequestRecord, status: int | None, seconds: float) -> None:
    """A status of None: the client was gone before there was an answer."""
    fields = {
        "method": scope["method"],
        "path": scope["path"][:MAX_PATH],
        "operation": request.operation,
        "type": request.operation_type,
        "duration_ms": round(seconds * 1000, 1),
        "status": status,
        "code": request.code,
        "questions": request.questions,
        "store_ms": round(request.store_seconds * 1000, 1),
    }
    logger.info("answered" if status else "the client is gone", extra={FIELDS: fields})
