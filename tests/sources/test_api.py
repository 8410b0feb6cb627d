"""What is asked of tools' APIs, and for how long they may keep us waiting."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from graph_api.sources.api import LONGEST_WAIT, Api, ApiError
from tests.sources.connectors.loopback import TOKEN, Tool


def asked(status: int, *headers: Mapping[str, str]) -> Any:
    """The answer after refusals with these headers, one each."""
    refusals = list(headers)

    def answer(_: Request) -> Response:
        return Response(status_code=status, headers=refusals.pop(0)) if refusals else JSONResponse(["here"])

    async def ask(url: str) -> Any:
        async with Api(url, {"Authorization": f"Bearer {TOKEN}"}, first_pause=0.001) as api:
            return await api.get("/things")

    with Tool({"/things": answer}).served() as url:
        return asyncio.run(ask(url))


def used_up(seconds: float) -> dict[str, str]:
    return {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{time.time() + seconds:.0f}"}


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("headers", [{"Retry-After": "0"}, used_up(-5)])
def test_a_limit_that_ends_soon_is_waited_for(status: int, headers: dict[str, str]) -> None:
    assert asked(status, headers, headers) == ["here"]


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    "headers", [used_up(1_000_000), {"Retry-After": f"{2 * LONGEST_WAIT:.0f}"}, {"Retry-After": "9" * 400}]
)
def test_a_limit_that_ends_late_ends_the_run_with_the_time_to_try_again(status: int, headers: dict[str, str]) -> None:
    begun = time.monotonic()
    with pytest.raises(ApiError, match=r"takes no more questions until \d{4}-\d\d-\d\d \d\d:\d\d UTC; nothing was"):
        asked(status, headers)
    assert time.monotonic() - begun < LONGEST_WAIT / 10


def test_who_may_not_read_is_told_so_at_once() -> None:
    with pytest.raises(ApiError, match="is the token set, valid, and allowed"):
        asked(403, {"X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "9999999999"})
