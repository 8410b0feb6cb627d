"""Asking a tool's HTTP API: paging, patience with limits and faults, and an end to it."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from graph_api.sources.json_documents import read_json
from graph_api.sources.parsing import TextError
from graph_api.sources.rate_limits import wait_of

TIMEOUT = 30.0
ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
LONGEST_WAIT = 300.0
"""Seconds that an API may ask us to wait; more ends the run."""
MAX_PAGES = 10_000
MAX_REDIRECTS = 5
MAX_ANSWER = 64_000_000
"""Bytes of one answer, unpacked."""
MAX_REASON = 1_000
"""Bytes of what an answer says that refuses."""
MAX_SECONDS = 300.0
"""Until the end of one answer, however steadily it drips."""

_OF_THE_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class ApiError(Exception):
    """An API that cannot be asked, or does not answer as it should. Nothing of the source may be withdrawn.

    `status` is the answer's HTTP status, where that is what is wrong, and `reason` the beginning of what it says: to be
    understood, not to be shown.
    """

    def __init__(self, message: str, status: int | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Pages:
    """The pages of one listing that were turned to, by their links, tokens or numbers: a listing has an end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seen: set[str] = set()

    def turn_to(self, page: object) -> None:
        """ApiError for a page that was turned to before, and for too many."""
        if str(page) in self._seen:
            raise ApiError(f"{self._url} says of a page that was read that it is the next one; nothing was withdrawn")
        if len(self._seen) == MAX_PAGES:
            raise ApiError(f"{self._url} has more than {MAX_PAGES:,} pages")
        self._seen.add(str(page))


class _Question(NamedTuple):
    method: str
    url: str
    shown: str
    """How messages name it: without the query, and not by a URL that an answer gave, which may be signed."""
    params: Mapping[str, Any] | None = None
    body: Any = None


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
        url = self.url(path)
        return _json(await self._own(_Question("GET", url, url, params)), url)

    async def post(self, path: str, body: Any) -> Any:
        """The JSON of the answer to a question that is asked by POST, such as GraphQL."""
        url = self.url(path)
        return _json(await self._own(_Question("POST", url, url, body=body)), url)

    async def download(self, url: str, path: str) -> Any:
        """The JSON behind a URL that the answer to `path` gave, through redirects.

        Other hosts than the API's get no token. No message holds the URL, which may be signed.
        """
        shown = f"the download that {self.url(path)} names"
        for _ in range(MAX_REDIRECTS):
            if not self._is_own(url) and urlsplit(url).scheme != urlsplit(self._base).scheme:
                raise ApiError(f"{shown} is to be asked over another protocol; it is not asked")
            client = self._client if self._is_own(url) else self._stranger
            answer = await self._ask(client, _Question("GET", url, shown))
            if not answer.is_redirect:
                return _json(answer, shown)
            url = urljoin(url, answer.headers["location"])
        raise ApiError(f"{shown} redirects more than {MAX_REDIRECTS} times")

    async def linked_pages(self, path: str, params: Mapping[str, Any] | None = None) -> AsyncIterator[tuple[str, Any]]:
        """The URL that was asked, and the JSON of each page, following the header `Link: <...>; rel="next"`.

        All pages have the URL of the question, as its links are the server's own affair: GitHub goes on with
        `/organizations/42/repos?page=2` where `/orgs/shop/repos` was asked.
        """
        shown = self.url(path)
        url, pages = str(httpx.URL(shown, params=dict(params or {}))), Pages(shown)
        while True:
            pages.turn_to(url)
            answer = await self._own(_Question("GET", url, shown))
            yield shown, _json(answer, shown)
            if "next" not in answer.links:
                return
            url = urljoin(url, answer.links["next"]["url"])

    async def _own(self, question: _Question) -> httpx.Response:
        """From the API itself, which needs no redirects."""
        if not self._is_own(question.url):
            raise ApiError(f"{question.shown} leads to another host than that of {self._base}; it is not asked")
        answer = await self._ask(self._client, question)
        if answer.is_redirect:
            raise ApiError(f"{question.shown} answers {answer.status_code}; is the base URL right?")
        return answer

    def _is_own(self, url: str) -> bool:
        return urlsplit(url)[:2] == urlsplit(self._base)[:2]

    async def _ask(self, client: httpx.AsyncClient, question: _Question) -> httpx.Response:
        pause = self._first_pause
        for attempt in range(1, ATTEMPTS + 1):
            answer, wait = await _try(client, question)
            if answer is not None:
                return answer
            if attempt < ATTEMPTS:
                # Jitter, so that replicas do not come back all at once.
                await asyncio.sleep(wait or min(pause * random.uniform(1, 2), LONGEST_PAUSE))  # noqa: S311 - no secret
                pause *= 2
        message = f"{question.shown} did not answer in {ATTEMPTS} attempts"
        raise ApiError(f"{message}; nothing was withdrawn, try again later")


async def _try(client: httpx.AsyncClient, question: _Question) -> tuple[httpx.Response | None, float | None]:
    """The answer (or redirect), or how long the API asks us to wait."""
    method, url, shown, params, body = question
    try:
        async with asyncio.timeout(MAX_SECONDS), client.stream(method, url, params=params, json=body) as stream:
            answer = await _whole(stream)
    except (httpx.TransportError, TimeoutError):
        return None, None
    wait = wait_of(answer)
    if answer.status_code in _LATER or (answer.status_code == 403 and wait is not None):
        if wait is not None and wait > LONGEST_WAIT:
            again = datetime.now(UTC) + timedelta(seconds=wait)
            message = f"{shown} takes no more questions until {again:%Y-%m-%d %H:%M} UTC"
            # Without the status: nothing is forbidden, and nothing missing.
            raise ApiError(f"{message}; nothing was withdrawn, sync again then")
        return None, wait
    if not answer.is_success and not answer.is_redirect:
        raise _refused(answer, shown)
    return answer, None


def _refused(answer: httpx.Response, shown: str) -> ApiError:
    status, reason = answer.status_code, answer.content[:MAX_REASON].decode(errors="replace")
    if status in (401, 403):
        return ApiError(f"{shown} answers {status}: is the token set, valid, and allowed to read this?", status, reason)
    return ApiError(f"{shown} answers {status}; is the base URL right?", status, reason)


async def _whole(stream: httpx.Response) -> httpx.Response:
    """Raises ApiError for too much, before it is all in memory."""
    body = bytearray()
    async for part in stream.aiter_bytes():
        body += part
        if len(body) > MAX_ANSWER:
            raise ApiError(f"{stream.url.host} answers more than {MAX_ANSWER:,} bytes")
    headers = [(name, value) for name, value in stream.headers.multi_items() if name not in _OF_THE_TRANSFER]
    return httpx.Response(stream.status_code, headers=headers, content=bytes(body), request=stream.request)


def _json(answer: httpx.Response, shown: str) -> Any:
    try:
        return read_json(answer.text)
    except TextError as error:
        raise ApiError(f"{shown} does not answer JSON: {error.message}") from error
