"""The audit log looked through for some of its records, the newest first.

Records have no index: each is the text that its hash was made of, and nothing beside it that might say something else.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from graph_api.access.audit import MAX_REFS, Event, Outcome, Record
from graph_api.catalog.times import utc_text

AT_ONCE = 1_000
"""Records that are read at a time."""
CLOCKS = timedelta(minutes=10)
"""How far the clocks of servers may differ: records are in the order of writes, each with the time of its writer."""

ReadRecords: TypeAlias = Callable[[int, int | None], Awaitable[list[Record]]]
"""Takes how many, and the place before which; see Reading.audit()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What records to look for; None is any. `ref`: also those that do not name all that they changed. `since` and
    `until` are times as the catalog writes them, the first included and the second not.
    """

    principal: str | None = None
    action: str | None = None
    outcome: Outcome | None = None
    source: str | None = None
    ref: str | None = None
    since: str | None = None
    until: str | None = None

    def matches(self, event: Event) -> bool:
        same = ("principal", "action", "outcome", "source")
        return (
            all(getattr(self, name) in (None, getattr(event, name)) for name in same)
            and (self.ref is None or self.ref in event.refs or len(event.refs) == MAX_REFS)
            and (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
        )

    def ends_before(self, event: Event) -> bool:
        """Whether all records before that of this event are too old."""
        return self.since is not None and utc_text(datetime.fromisoformat(event.at) + CLOCKS) < self.since


EVERYTHING = Wanted()


class Found(NamedTuple):
    """`last`: the place that was looked at last, where the search was given up before it found enough."""

    records: Sequence[Record]
    more: bool
    last: int | None = None


async def search(
    read: ReadRecords, wanted: Wanted, limit: int, before: int | None = None, *, most: int | None = None
) -> Found:
    """Return the first records that match, of those with a lower place than `before`. `most`: records that are looked
    at before it is given up.
    """
    found: list[Record] = []
    at_once = limit + 1 if wanted == EVERYTHING else AT_ONCE
    looked_at = 0
    while rows := await read(at_once, before):
        for row in rows:
            event = row.event
            if wanted.ends_before(event):
                return Found(found, more=False)
            if wanted.matches(event):
                if len(found) == limit:
                    return Found(found, more=True)
                found.append(row)
        before = rows[-1].sequence
        looked_at += len(rows)
        if most and looked_at >= most and before > 1:
            return Found(found, more=True, last=before)
    return Found(found, more=False)
