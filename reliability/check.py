"""A check: one row of the table of promises, with the bar that it must reach and what was measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where checks find what they need."""

    folder: Path
    """Empty at first, for whatever they write."""
    neo4j: str
    """Of a database without password, which checks empty and fill."""
    full: bool
    """Whether to take as long as the bar asks for, rather than what a quick look needs."""

    def stores(self, name: str) -> dict[str, str]:
        """An empty embedded store of its own, and Neo4j's, which `empty` empties."""
        return {"embedded": f"embedded:{self.folder / name}.db", "neo4j": self.neo4j}


@dataclass(frozen=True, slots=True)
class Figure:
    text: str
    met: bool

    def __and__(self, other: "Figure") -> "Figure":
        return Figure(f"{self.text}; {other.text}", self.met and other.met)


Measure: TypeAlias = Callable[[Bench], Figure]


@dataclass(frozen=True, slots=True)
class Check:
    row: int
    """Rows may have several checks."""
    promise: str
    bar: str
    measure: Measure
