"""Copies of rows and statements with some fields changed, as dataclasses.replace makes them."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

R = TypeVar("R")


def altered(row: R, **values: object) -> R:
    """A copy of a dataclass with slots that has these values.

    A sync copies everything that it plans, and dataclasses.replace takes two to three times as long.
    """
    type_: Any = type(row)
    copy: R = object.__new__(type_)
    slots, setters = _slots(type_)
    for get, put in slots:
        put(copy, get(row))
    for name, value in values.items():
        setters[name](copy, value)
    return copy


@cache
def _slots(type_: type[Any]) -> tuple[list[tuple[Callable[..., Any], Callable[..., None]]], dict[str, Any]]:
    slots = {field.name: getattr(type_, field.name) for field in fields(type_)}
    return (
        [(slot.__get__, slot.__set__) for slot in slots.values()],
        {name: slot.__set__ for name, slot in slots.items()},
    )
