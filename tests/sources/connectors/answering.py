"""A tool's API on 127.0.0.1 that answers from a table, and what a connector reads of it."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.answers import answers_of
from graph_api.sources.api import Api
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.reading import read_answers

TOKEN = "token-of-tests"


class Pages(list[Any]):
    """Pages that name the next one in the header Link."""


@dataclass
class Tool:
    """`answers` by path; a function makes one of the request, and a Response is sent as it is.

    The first question is answered with 429; one at `broken` with 500 for ever.
    """

    connector: Connector
    answers: Mapping[str, Any]
    broken: str | None = None
    asked: list[str] = field(default_factory=list)

    def read(self, options: Mapping[str, str], *, known: bool = True) -> Snapshot:
        """What the connector makes of all that it fetches; ApiError if it cannot."""
        answers = asyncio.run(self._fetch(options, TOKEN if known else "unknown"))
        return read_answers(self.connector, answers, "online")

    async def _fetch(self, options: Mapping[str, str], token: str) -> list[Document | Unanswered]:
        online = self.connector.online
        assert online
        with self._served() as url:
            async with Api(url, {**online.headers, **self._header(token)}, first_pause=0.001) as api:
                return await answers_of(self.connector, online.fetch(api, options))

    def _header(self, token: str) -> dict[str, str]:
        assert self.connector.online
        name, colon, value = self.connector.online.authorization.rpartition(": ")
        return {name if colon else "Authorization": value.format(token=token)}

    def _answer(self, request: Request) -> Response:
        path, raw = request.url.path, request.scope["raw_path"].decode()
        self.asked.append(f"{path}?{request.url.query}" if request.url.query else path)
        if any(request.headers.get(name) != value for name, value in self._header(TOKEN).items()):
            return JSONResponse({"message": "who are you?"}, status_code=401)
        if len(self.asked) == 1:
            return JSONResponse({"message": "later"}, status_code=429, headers={"Retry-After": "0"})
        if path == self.broken:
            return JSONResponse({"message": "defect"}, status_code=500)
        if raw not in self.answers:
            return JSONResponse({"message": "Not Found"}, status_code=404)
        answer = self.answers[raw]
        answer = answer(request) if isinstance(answer, FunctionType) else answer
        if isinstance(answer, Response):
            return answer
        return _page(request, answer) if isinstance(answer, Pages) else JSONResponse(answer)

    @contextmanager
    def _served(self) -> Iterator[str]:
        app = Starlette(routes=[Route("/{path:path}", self._answer)])
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                thread.join(0.01)
            yield "http://{}:{}".format(*server.servers[0].sockets[0].getsockname())
        finally:
            server.should_exit = True
            thread.join()


def recorded_answers(folder: Path) -> dict[str, Any]:
    """The answers that are saved in a folder, by the path of their questions."""
    files = sorted(folder.rglob("*.json"))
    return {
        f"/{file.relative_to(folder).with_suffix('').as_posix()}": orjson.loads(file.read_bytes()) for file in files
    }


def _page(request: Request, pages: Pages) -> Response:
    number = int(request.query_params.get("page", 1))
    following = httpx.URL(str(request.url)).copy_set_param("page", number + 1)
    headers = {"Link": f'<{following}>; rel="next"'} if number < len(pages) else {}
    return JSONResponse(pages[number - 1], headers=headers)
