"""What writes have not told the database yet: it goes with one statement for everything, or with several in
their order, before anything else is asked.
"""

from dataclasses import dataclass, field
from typing import Any

from graph_api.store.neo4j.parameters import RedactedParameters

Rows = list[Any]

MOST = 5_000
"""Entities and links of a write that goes so, and of one such statement."""


@dataclass
class WriteBuffer:
    """Rows by the slots of cypher_small.WRITE, of one write or of several in their order."""

    changes: dict[str, Any] = field(default_factory=dict)
    runs: Rows = field(default_factory=list)
    records: Rows = field(default_factory=list)
    answers: Rows = field(default_factory=list)
    ids: Rows = field(default_factory=list)
    keep: int = 0
    """How many runs of a source are kept."""
    latest: dict[str, list[str]] = field(default_factory=dict)
    """The runs of the last of several writes of each source, by source. They are kept in any case."""

    def __bool__(self) -> bool:
        return bool(self.changes or self.runs or self.records or self.answers or self.ids)

    def take(self, later: "WriteBuffer") -> bool:
        """Take what is to be written after it, if that is the same in one statement: each step is done for all of the
        rows before the next step, so nothing may be touched by two writes.
        """
        touched, more = _touched(self.changes), _touched(later.changes)
        if len(touched) + len(more) > MOST or touched & more:
            return False
        self.changes = {name: [*self.changes.get(name, ()), *later.changes.get(name, ())] for name in _LISTS}
        self.latest = self._latest_runs() | later._latest_runs()
        self.runs += later.runs
        self.records += later.records
        self.answers += later.answers
        self.ids += later.ids
        self.keep = later.keep or self.keep
        return True

    def rows(self) -> RedactedParameters:
        rest = {"runs": self.runs, "records": self.records, "answers": self.answers, "ids": self.ids}
        latest = [id_ for ids in self._latest_runs().values() for id_ in ids]
        return RedactedParameters({**_NO_CHANGES, **self.changes, **rest, "keep": self.keep, "latest": latest})

    def _latest_runs(self) -> dict[str, list[str]]:
        if self.latest:
            return self.latest
        found: dict[str, list[str]] = {}
        for run in self.runs:
            found.setdefault(run["source"], []).append(run["id"])
        return found


_LISTS = (
    "gone_links",
    "gone",
    "audiences",
    "back",
    "new",
    "known",
    "known_refs",
    "names",
    "new_links",
    "known_links",
    "deltas",
)
_NO_CHANGES: dict[str, Any] = dict.fromkeys(_LISTS, ())


def _touched(changes: dict[str, Any]) -> set[object]:
    """Return the refs of entities and keys of links that change."""
    changes = _NO_CHANGES | changes
    refs = [
        *(row["ref"] for row in changes["gone"]),
        *(row["entity"]["ref"] for row in (*changes["new"], *changes["known"])),
    ]
    links = [
        (row["source"], row["type"], row["target"], row["link"].get("environment"))
        for row in (*changes["new_links"], *changes["known_links"])
    ]
    return {*refs, *links, *map(tuple, changes["gone_links"])}
