"""One line in the log for each request: who asked, what it was, how long it took and how it ended."""

import logging
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.telemetry.logs import FIELDS
from graph_api.telemetry.metrics import count_request
from graph_api.telemetry.record import CURRENT, RequestRecord

logger = logging.getLogger("graph_api.request")

UNWATCHED = frozenset({"/livez", "/readyz"})


class Observe:
    """Stands right inside RequestId."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            await self.app(scope, receive, send_and_note)
        finally:
            seconds = perf_counter() - begun
            count_request(request, status, seconds)
            _tell(scope, request, status, seconds)
            CURRENT.reset(token)


def _tell(scope: Scope, request: RequestRecord, status: int | None, seconds: float) -> None:
    """A status of None: the client was gone before there was an answer."""
    fields = {
        "method": scope["method"],
        "path": scope["path"][:100],
        "operation": request.operation,
        "type": request.operation_type,
        "duration_ms": round(seconds * 1000, 1),
        "status": status,
        "code": request.code,
        "questions": request.questions,
        "store_ms": round(request.store_seconds * 1000, 1),
    }
    logger.info("answered" if status else "the client is gone", extra={FIELDS: fields})
