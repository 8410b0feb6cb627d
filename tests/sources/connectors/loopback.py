"""Small APIs on 127.0.0.1 for what connectors ask online."""

import asyncio
import inspect
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from graph_api.sources.answers import answers_of
from graph_api.sources.api import Api
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Unanswered

TOKEN = "loopback-token"

Answer = Callable[[Request], Any]


class Tool:
    """Answers a token's questions: the first one with 429 and a wait, and paths in `broken` always with 500.

    An answer may be a Response, for its headers, or awaitable, for questions with a body.
    """

    def __init__(
        self, answers: Mapping[str, Answer], *, broken: str | None = None, authorization: str = "Bearer {token}"
    ) -> None:
        self.answers, self.broken, self.authorization = answers, broken, authorization
        self.asked: Counter[str] = Counter()

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked[path] += 1
        name, colon, value = self.authorization.format(token=TOKEN).partition(": ")
        if request.headers.get(name if colon else "authorization") != (value or name):
            return JSONResponse({"message": "who are you?"}, status_code=401)
        if self.asked.total() == 1:
            return Response(status_code=429, headers={"Retry-After": "0"})
        if path == self.broken:
            return Response(status_code=500)
        if path not in self.answers:
            return JSONResponse({"message": "not found"}, status_code=404)
        answer = self.answers[path](request)
        if inspect.isawaitable(answer):
            answer = await answer
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    @contextmanager
    def served(self) -> Iterator[str]:
        """The URL where it answers."""
        app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def fetched(
    connector: Connector, tool: Tool, options: Mapping[str, str] | None = None, *, known: bool = True
) -> list[Document]:
    """The documents that a connector gets from the tool, with a token that it knows or another one."""
    answers = answered(connector, tool, options, known=known)
    return [answer for answer in answers if isinstance(answer, Document)]


def answered(
    connector: Connector, tool: Tool, options: Mapping[str, str] | None = None, *, known: bool = True
) -> list[Document | Unanswered]:
    """The same, with what the tool refuses to answer."""
    token = TOKEN if known else "another"

    async def fetch(url: str) -> list[Document | Unanswered]:
        assert connector.online
        async with Api(url, connector.online.headers_with(token), first_pause=0.001) as api:
            return await answers_of(connector, connector.online.fetch(api, options or {}))

    with tool.served() as url:
        return asyncio.run(fetch(url))
