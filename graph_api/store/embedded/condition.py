"""Pieces of SQL with their parameters."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from graph_api.catalog.relations import Direction

AMONG = "IN (SELECT value FROM json_each(?))"
"""A condition whose parameter one_of() makes."""
RELATION_TERMS = f"SELECT id FROM terms WHERE field = 'relation' AND text {AMONG}"
NEAR = {Direction.OUT: "source", Direction.IN: "target"}
"""The end of a link that a question starts from, by its direction."""


@dataclass(frozen=True, slots=True)
class Condition:
    sql: str
    parameters: tuple[object, ...] = ()

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(f"({self.sql}) AND ({other.sql})", (*self.parameters, *other.parameters))


def one_of(values: Iterable[object]) -> str:
    """Return any number of values as one parameter, for AMONG."""
    return orjson.dumps(list(values)).decode()
