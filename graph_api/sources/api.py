"""Asking a tool's HTTP API: paging, patience with limits and faults, and an end to it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from graph_api.sources.json_documents import JsonTextError, read_json

TIMEOUT = 30.0
ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
LONGEST_WAIT = 300.0
"""Seconds that an API may ask us to wait; more ends the run."""
A_YEAR = 31_536_000.0
MAX_PAGES = 10_000
MAX_REDIRECTS = 5
MAX_ANSWER = 64_000_000
"""Bytes of one answer, unpacked."""
MAX_SECONDS = 300.0
"""Until the end of one answer, however steadily it drips."""

_OF_THE_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class ApiError(Exception):
    """An API that cannot be asked, or does not answer as it should. Nothing of the source may be withdrawn.

    `status` is the answer's HTTP status, where that is what is wrong.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """One tool's API below `base_url`. Its token goes to no other host."""

    def __init__(self, base_url: str, headers: Mapping[str, str], *, first_pause: float = FIRST_PAUSE) -> None:
        self._base = base_url.rstrip("/") + "/"
        self._first_pause = first_pause
        self._client = httpx.AsyncClient(headers=dict(headers), timeout=TIMEOUT, follow_redirects=False)
        self._stranger = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._stranger.aclose()

    def url(self, path: str) -> str:
        return urljoin(self._base, path.lstrip("/"))

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON of one answer. ApiError after the last attempt, with the status and what to do about it."""
        return (await self.response("GET", path, params=params))[0]

    async def post(self, path: str, body: Any) -> Any:
        """The JSON of the answer to a question that is asked by POST, such as GraphQL."""
        return (await self.response("POST", path, body=body))[0]

    async def download(self, url: str) -> Any:
        """The JSON behind a URL that an answer gave, through redirects. Other hosts than the API's get no token."""
        for _ in range(MAX_REDIRECTS):
            if not self._is_own(url) and urlsplit(url).scheme != urlsplit(self._base).scheme:
                raise ApiError(f"{urlsplit(url).netloc} is to be asked over another protocol; it is not asked")
            answer = await self._ask(self._client if self._is_own(url) else self._stranger, "GET", url, None, None)
            if not answer.is_redirect:
                return _json(answer)
            url = urljoin(url, answer.headers["location"])
        raise ApiError(f"{urlsplit(url).netloc} redirects more than {MAX_REDIRECTS} times")

    async def response(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> tuple[Any, httpx.Headers]:
        url = path if "://" in path else self.url(path)
        if not self._is_own(url):
            raise ApiError(f"{url} is not on the host of {self._base}; it is not asked")
        answer = await self._ask(self._client, method, url, params, body)
        if answer.is_redirect:
            raise ApiError(f"{url} answers {answer.status_code}; is the base URL right?")
        return _json(answer), answer.headers

    def _is_own(self, url: str) -> bool:
        return urlsplit(url)[:2] == urlsplit(self._base)[:2]

    def _shown(self, url: str) -> str:
        """A URL on another host may be signed, and so a secret."""
        return url if self._is_own(url) else urlsplit(url).netloc

    async def _ask(
        self, client: httpx.AsyncClient, method: str, url: str, params: Mapping[str, Any] | None, body: Any
    ) -> httpx.Response:
        pause = self._first_pause
        for attempt in range(1, ATTEMPTS + 1):
            answer, wait = await self._try(client, method, url, params, body)
            if answer is not None:
                return answer
            if attempt < ATTEMPTS:
                # Jitter, so that replicas do not come back all at once.
                await asyncio.sleep(wait or min(pause * random.uniform(1, 2), LONGEST_PAUSE))  # noqa: S311 - no secret
                pause *= 2
        raise ApiError(
            f"{self._shown(url)} did not answer in {ATTEMPTS} attempts; nothing was withdrawn, try again later"
        )

    async def _try(
        self, client: httpx.AsyncClient, method: str, url: str, params: Mapping[str, Any] | None, body: Any
    ) -> tuple[httpx.Response | None, float | None]:
        """The answer (or redirect), or how long the API asks us to wait."""
        try:
            async with asyncio.timeout(MAX_SECONDS), client.stream(method, url, params=params, json=body) as stream:
                answer = await _whole(stream)
        except (httpx.TransportError, TimeoutError):
            return None, None
        wait = _wait(answer.headers)
        if answer.status_code in _LATER or (answer.status_code == 403 and wait is not None):
            if wait is not None and wait > LONGEST_WAIT:
                again = datetime.now(UTC) + timedelta(seconds=wait)
                message = f"{self._shown(url)} takes no more questions until {again:%Y-%m-%d %H:%M} UTC"
                raise ApiError(f"{message}; nothing was withdrawn, sync again then", answer.status_code)
            return None, wait
        if answer.status_code in (401, 403):
            message = (
                f"{self._shown(url)} answers {answer.status_code}: is the token set, valid, and allowed to read this?"
            )
            raise ApiError(message, answer.status_code)
        if not answer.is_success and not answer.is_redirect:
            raise ApiError(
                f"{self._shown(url)} answers {answer.status_code}; is the base URL right?", answer.status_code
            )
        return answer, None

    async def linked_pages(self, path: str, params: Mapping[str, Any] | None = None) -> AsyncIterator[tuple[str, Any]]:
        """URL and JSON of each page, following the header `Link: <...>; rel="next"`."""
        url: str | None = str(httpx.URL(self.url(path), params=dict(params or {})))
        for _ in range(MAX_PAGES):
            if url is None:
                return
            value, headers = await self.response("GET", url)
            yield url, value
            url = _next_link(headers)
        raise ApiError(f"{self.url(path)} has more than {MAX_PAGES:,} pages")


async def _whole(stream: httpx.Response) -> httpx.Response:
    """Raises ApiError for too much, before it is all in memory."""
    body = bytearray()
    async for part in stream.aiter_bytes():
        body += part
        if len(body) > MAX_ANSWER:
            raise ApiError(f"{stream.url.host} answers more than {MAX_ANSWER:,} bytes")
    headers = [(name, value) for name, value in stream.headers.multi_items() if name not in _OF_THE_TRANSFER]
    return httpx.Response(stream.status_code, headers=headers, content=bytes(body), request=stream.request)


def _json(answer: httpx.Response) -> Any:
    try:
        return read_json(answer.text)
    except JsonTextError as error:
        raise ApiError(f"{answer.url.host} does not answer JSON: {error.message}") from error


def _next_link(headers: httpx.Headers) -> str | None:
    links = httpx.Response(200, headers=headers).links
    return links.get("next", {}).get("url")


def _wait(headers: httpx.Headers) -> float | None:
    """The seconds that an answer asks us to wait, by itself or because the quota is used up until some time."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isdecimal():
        return min(float(after), A_YEAR)
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return min(max(0.0, float(reset) - time.time()), A_YEAR)
    return None
