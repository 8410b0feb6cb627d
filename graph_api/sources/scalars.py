"""Values of tools' answers that may be anything: a text, a count, a time, a host."""

import re
from datetime import UTC, datetime
from typing import Any

MAX_COUNT = 2**53
"""What every store and every reader of JSON holds exactly."""

_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#\s]*@)?(\[[0-9a-f:.]+\]|[^/:?#@\s]+)(?::\d+)?(?:[/?#].*)?", re.IGNORECASE
)
_HERE = re.compile(
    r"localhost|127(?:\.\d+){3}|0\.0\.0\.0|::1?"
    r"|(?:host|gateway|kubernetes)\.(?:docker|containers|minikube)\.internal|docker\.for\.(?:mac|win)\.host\.internal",
    re.IGNORECASE,
)
"""The machine itself, also as seen from a container or a virtual machine on it."""

_PLACEHOLDER = re.compile(r"\{\{|\{%|\$\{")


def text_in(value: Any) -> str | None:
    """The text without space around it; None if it is none, or empty."""
    return value.strip() or None if isinstance(value, str) else None


def is_template(text: str) -> bool:
    """Whether somebody still has to fill it in."""
    return _PLACEHOLDER.search(text) is not None


def number_in(value: Any) -> float | None:
    """A finite number, also where it is written as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)[:400]) == 400:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def count_in(value: Any) -> int:
    """A whole number from 0 to `MAX_COUNT`; 0 if it is none."""
    return round(min(max(number_in(value) or 0, 0), MAX_COUNT))


def iso_time(seconds: float | None) -> str | None:
    """ISO 8601 in UTC, to the second; None if there is no such time, or none at all."""
    if not seconds or seconds < 0:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


def seconds_in(value: Any) -> float | None:
    """Seconds since 1970 of a time in ISO 8601; one without zone is UTC. None if it is no time."""
    try:
        time = datetime.fromisoformat(text_in(value) or "")
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def host_in(value: Any) -> str | None:
    """The host of a URL or of `host:port`; None where that is the machine itself, which is no name for others."""
    match = _HOST.fullmatch(text_in(value) or "")
    host = match[1].strip("[]").lower() if match else ""
    return None if not host or _HERE.fullmatch(host) else host
