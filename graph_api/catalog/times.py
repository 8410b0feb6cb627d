"""Times as the catalog writes them: ISO 8601 in UTC with milliseconds and `Z`, so that they compare as texts."""

from datetime import UTC, datetime


def utc_now() -> str:
    return utc_text(datetime.now(UTC))


def utc_text(time: datetime) -> str:
    """Return the time as a text; one without zone is UTC. Raises OverflowError outside the years 1 to 9999."""
    aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_time(text: str) -> str | None:
    """Return the time of any ISO 8601; None for what is no time."""
    try:
        return utc_text(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None
