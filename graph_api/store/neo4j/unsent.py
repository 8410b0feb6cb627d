"""What a write has not told the database yet: all of it goes with one statement, before anything else is asked."""

from dataclasses import dataclass, field
from typing import Any

Rows = list[Any]


@dataclass
class Unsent:
    """Rows by the slots of cypher_small.WRITE. `changes` are those of one revision."""

    changes: dict[str, Any] = field(default_factory=dict)
    runs: Rows = field(default_factory=list)
    records: Rows = field(default_factory=list)
    answers: Rows = field(default_factory=list)
    ids: Rows = field(default_factory=list)
    keep: int = 0
    """Runs of a source."""

    def __bool__(self) -> bool:
        return bool(self.changes or self.runs or self.records or self.answers or self.ids)

    def parameters(self) -> dict[str, Any]:
        rest = {"runs": self.runs, "records": self.records, "answers": self.answers, "ids": self.ids}
        return _NO_CHANGES | self.changes | rest | {"keep": self.keep}


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
_NO_CHANGES: dict[str, Any] = {"revision": 0, "at": ""} | dict.fromkeys(_LISTS, ())
