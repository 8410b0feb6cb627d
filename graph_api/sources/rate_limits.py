"""How long an answer of an API asks us to wait before the next question."""

import time
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

A_YEAR = 31_536_000.0
SECONDARY_WAIT = 60.0
"""GitHub says to wait for at least a minute where its secondary limit is exceeded and no header says how long."""


def wait_of(answer: httpx.Response) -> float | None:
    """The seconds that an answer asks us to wait, by itself or because the quota is used up until some time."""
    after, reset = answer.headers.get("retry-after", ""), answer.headers.get("x-ratelimit-reset", "")
    if after.isdecimal():
        return _bounded(float(after))
    if (at := _date(after)) is not None:
        return _bounded(at - time.time())
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return _bounded(float(reset) - time.time())
    if answer.status_code in (403, 429) and "secondary rate limit" in answer.text.lower():
        return SECONDARY_WAIT
    return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), A_YEAR)


def _date(text: str) -> float | None:
    """Of an HTTP date, which is always in UTC."""
    try:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
