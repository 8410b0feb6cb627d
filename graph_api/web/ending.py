"""Requests that the end of the server cuts off are answered, too."""

from asyncio import CancelledError
from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.errors import ErrorCode
from graph_api.web.responses import error_response

MESSAGE = (
    "The server has ended before it could answer; a write may have been done: sent again with the idempotencyKey that "
    "it had, it is not done twice"
)


class AnswerAtTheEnd:
    """Answers UNAVAILABLE to what is cancelled while `is_ending`, where no answer has begun."""

    def __init__(self, app: ASGIApp, is_ending: Callable[[], bool]) -> None:
        self.app = app
        self._is_ending = is_ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = scope["type"] != "http"

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except CancelledError:
            if has_begun or not self._is_ending():
                raise
            headers = {"retry-after": "1", "connection": "close"}
            response = error_response(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.UNAVAILABLE, MESSAGE, headers)
            await response(scope, receive, send)
