"""What is asked of tools' APIs, and for how long they may keep us waiting."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from graph_api.sources import rate_limits
from graph_api.sources.api import LONGEST_WAIT, Api, ApiError
from tests.sources.connectors.loopback import TOKEN, Answer, Tool


def asked(status: int, *headers: Mapping[str, str], message: str = "limited") -> Any:
    """The answer after refusals with these headers, one each."""
    refusals = list(headers)

    def answer(_: Request) -> Response:
        if refusals:
            return JSONResponse({"message": message}, status_code=status, headers=refusals.pop(0))
        return JSONResponse(["here"])

    return answer_of(answer)


def answer_of(answer: Answer) -> Any:
    async def ask(url: str) -> Any:
        async with Api(url, {"Authorization": f"Bearer {TOKEN}"}, first_pause=0.001) as api:
            return await api.get("/things")

    with Tool({"/things": answer}).served() as url:
        return asyncio.run(ask(url))


def in_seconds(seconds: float) -> str:
    """As an HTTP date, which has no fractions."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def used_up(seconds: float) -> dict[str, str]:
    return {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{time.time() + seconds:.0f}"}


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("headers", [{"Retry-After": "0"}, {"Retry-After": in_seconds(-5)}, used_up(-5)])
def test_a_limit_that_ends_soon_is_waited_for(status: int, headers: dict[str, str]) -> None:
    assert asked(status, headers, headers) == ["here"]


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    "headers",
    [
        used_up(1_000_000),
        {"Retry-After": in_seconds(1_000_000)},
        {"Retry-After": f"{2 * LONGEST_WAIT:.0f}"},
        {"Retry-After": "9" * 400},
    ],
)
def test_a_limit_that_ends_late_ends_the_run_with_the_time_to_try_again(status: int, headers: dict[str, str]) -> None:
    begun = time.monotonic()
    with pytest.raises(ApiError, match=r"takes no more questions until \d{4}-\d\d-\d\d \d\d:\d\d UTC; nothing was"):
        asked(status, headers)
    assert time.monotonic() - begun < LONGEST_WAIT / 10


def test_a_date_to_try_again_is_waited_for() -> None:
    begun = time.monotonic()
    assert asked(429, {"Retry-After": in_seconds(3)}) == ["here"]
    assert time.monotonic() - begun > 1.5


def test_a_secondary_limit_of_github_is_waited_for_without_being_told_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rate_limits.SECONDARY_WAIT >= 60
    monkeypatch.setattr(rate_limits, "SECONDARY_WAIT", 0.2)
    begun = time.monotonic()
    assert asked(403, {}, message="You have exceeded a secondary rate limit. Please wait a few minutes") == ["here"]
    assert time.monotonic() - begun > 0.2


def test_a_list_whose_next_page_is_one_that_was_read_ends_the_run_at_once() -> None:
    def again(_: Request) -> Response:
        return JSONResponse([1], headers={"Link": '</things?page=2>; rel="next"'})

    async def ask(url: str) -> None:
        async with Api(url, {"Authorization": f"Bearer {TOKEN}"}, first_pause=0.001) as api:
            async for _ in api.linked_pages("/things"):
                pass

    tool = Tool({"/things": again})
    with tool.served() as url, pytest.raises(ApiError, match="nothing was withdrawn"):
        asyncio.run(ask(url))
    assert tool.asked["/things"] == 3, "one of them was told to wait"


def test_what_is_no_json_is_told_by_the_url_that_was_asked() -> None:
    with pytest.raises(ApiError, match=r"http://127\.0\.0\.1:\d+/things does not answer JSON"):
        answer_of(lambda _: Response("<html>canary-secret</html>"))


def test_who_may_not_read_is_told_so_at_once() -> None:
    with pytest.raises(ApiError, match="is the token set, valid, and allowed"):
        asked(403, {"X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "9999999999"})
