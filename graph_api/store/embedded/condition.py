"""Pieces of SQL with their parameters."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Condition:
    sql: str
    parameters: tuple[object, ...] = ()

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(f"({self.sql}) AND ({other.sql})", (*self.parameters, *other.parameters))


def one_of(values: Iterable[object]) -> str:
    """Any number of values as one parameter, for `IN (SELECT value FROM json_each(?))`."""
    return orjson.dumps(list(values)).decode()
