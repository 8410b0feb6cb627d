"""The audit log: who tried to change what, from where, and how it ended.

Each record holds the hash of the one before.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

import orjson

from graph_api.access.authorize import Reach
from graph_api.access.idempotency import Idempotency
from graph_api.access.principal import LOCAL, Principal
from graph_api.catalog.changes import ChangeSet, Counts, SyncRun, SyncStatus

MAX_REFS = 100
"""Refs that one record names at most; its counts have all."""
MAX_SOURCE = 200
"""Characters of a source's name that a record keeps: what is refused for its length is recorded too, and stays."""


class Outcome(StrEnum):
    APPLIED = "APPLIED"
    """It was done; also where nothing had changed."""
    HELD = "HELD"
    """A sync that waits to be confirmed."""
    DRY_RUN = "DRY_RUN"
    """It was allowed, and only tried out."""
    REFUSED = "REFUSED"
    """Nothing was written; `code` says why."""
    FAILED = "FAILED"
    """Nothing was written: a source could not be read, or a defect of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`refs` are the first 100 that changed, or would have by what was asked. `run` is the id of a sync."""

    at: str
    principal: str
    action: str
    outcome: Outcome
    client: str = ""
    request_id: str = ""
    source: str | None = None
    code: str | None = None
    refs: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    run: str | None = None
    revision: int | None = None


_FIELDS = tuple(field.name for field in fields(Event))


@dataclass(frozen=True, slots=True)
class Record:
    """`body` is the event as JSON text, of which the hash is made together with the place and the hash before."""

    sequence: int
    body: str
    previous: str
    hash: str

    @property
    def event(self) -> Event:
        values: dict[str, Any] = orjson.loads(self.body)
        return Event(**values | {"outcome": Outcome(values["outcome"]), "refs": tuple(values["refs"])})


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record's place and hash; 0 and the empty text before the first."""

    sequence: int
    hash: str


def chain(head: Head, event: Event) -> Record:
    """Return the event as the next record."""
    body = orjson.dumps({name: getattr(event, name) for name in _FIELDS}, option=orjson.OPT_SORT_KEYS).decode()
    sequence = head.sequence + 1
    return Record(sequence, body, head.hash, _hash(sequence, head.hash, body))


class Verification:
    """Follows the chain from its head back to its beginning, in parts."""

    def __init__(self, head: Head) -> None:
        self._expected = head

    def breach(self, records: Iterable[Record]) -> str | None:
        """Return what is wrong with the next ones, the newest first; None if nothing is."""
        for record in records:
            expected = self._expected
            if (record.sequence, record.hash) != (expected.sequence, expected.hash):
                return f"record {expected.sequence} is missing or another stands in its place"
            if record.hash != _hash(record.sequence, record.previous, record.body):
                return f"record {record.sequence} was changed"
            self._expected = Head(record.sequence - 1, record.previous)
        return None

    def end(self) -> str | None:
        """Return what is wrong if there are no more records; None if nothing is."""
        return None if self._expected == Head(0, "") else f"record {self._expected.sequence} is missing"


def _hash(sequence: int, previous: str, body: str) -> str:
    return hashlib.sha256(f"{sequence}\n{previous}\n{body}".encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody's try to change the catalog. `client` is an address, or `os:NAME` for a user of this machine."""

    principal: Principal = LOCAL
    action: str
    reach: Reach = Reach.EVERYTHING
    client: str = ""
    request_id: str = ""
    source: str | None = None
    refs: tuple[str, ...] = ()
    idempotency: Idempotency | None = None
    """Under which key it is done once, if the client gave one."""

    def ended(self, outcome: Outcome, at: str, **more: Any) -> Event:
        """Return the event of this attempt, which ended so; `more` are fields of Event."""
        source = self.source and self.source[:MAX_SOURCE]
        known = {"source": source, "refs": self.refs[:MAX_REFS]} | more
        return Event(
            at=at,
            principal=self.principal.name,
            action=self.action,
            outcome=outcome,
            client=self.client,
            request_id=self.request_id,
            **known,
        )

    def wrote(self, run: SyncRun, changes: ChangeSet) -> Event:
        """Return the event of a write that left this run."""
        outcomes = {SyncStatus.HELD: Outcome.HELD, SyncStatus.FAILED: Outcome.FAILED}
        refs = [*(row.ref for row in changes.entities[:MAX_REFS]), *changes.removed[:MAX_REFS]]
        counts = {row.name: count for row in fields(Counts) if (count := getattr(run.counts, row.name))}
        return self.ended(
            outcomes.get(run.status, Outcome.APPLIED),
            run.finished_at,
            source=run.source,
            refs=tuple(refs[:MAX_REFS]),
            counts=counts,
            run=run.id,
            revision=run.revision,
        )


LOCAL_SYNC = Attempt(action="sync")
"""The attempt of whoever has the store itself."""
