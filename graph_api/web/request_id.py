"""One id per request, in the log and in every response."""

import re
from random import getrandbits

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.web.headers import header

HEADER = b"x-request-id"
# Nothing that could forge a line in a log.
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestId:
    """Takes the client's X-Request-Id or makes one; `request_id` reads it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        given = header(scope, HEADER)
        id_ = given if _ACCEPTABLE.fullmatch(given) else f"{getrandbits(128):032x}"
        scope.setdefault("state", {})["request_id"] = id_
        added = [(HEADER, id_.encode()), (b"x-content-type-options", b"nosniff")]

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, send_with_id)


def request_id(request: HTTPConnection) -> str:
    id_: str = request.scope["state"]["request_id"]
    return id_
