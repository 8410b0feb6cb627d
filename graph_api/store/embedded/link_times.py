"""Link filters on all links at once, with the one value that hardly two links share: when they were observed."""

from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graph_api.catalog.filters import LinkAnd, LinkCompare, LinkFilter, LinkNot, LinkOr, Op, Value

Bools: TypeAlias = npt.NDArray[np.bool_]
Times: TypeAlias = npt.NDArray[np.datetime64]
"""Milliseconds in UTC, NaT for none: it compares with nothing."""

NO_TIMES: Times = np.zeros(0, "datetime64[ms]")
_FIELD = "observed_at"
_OPERATORS: dict[Op, Callable[[Any, Any], Any]] = {Op.EQ: eq, Op.GT: gt, Op.GTE: ge, Op.LT: lt, Op.LTE: le}


def times_of(texts: Sequence[str | None]) -> Times:
    """Return the times of texts with milliseconds and `Z`, NaT where there is none."""
    times = np.full(len(texts), np.datetime64("NaT"), "datetime64[ms]")
    if not any(texts):
        return times
    for place, text in enumerate(texts):
        if text is not None:
            times[place] = _time(text)
    return times


def _time(text: Value) -> np.datetime64:
    return np.datetime64(str(text).removesuffix("Z"), "ms")


def matching(filter_: LinkFilter, observed: Times, of_variants: Callable[[LinkFilter], Bools]) -> Bools:
    """Return which links match; `of_variants` tells it for filters that ask of no time."""
    if not _asks_of_time(filter_):
        return of_variants(filter_)
    match filter_:
        case LinkAnd(items):
            return _reduced(np.logical_and, [matching(item, observed, of_variants) for item in items])
        case LinkOr(items):
            return _reduced(np.logical_or, [matching(item, observed, of_variants) for item in items])
        case LinkNot(item):
            return ~matching(item, observed, of_variants)
        case LinkCompare(_, op, value):
            return _compared(observed, op, value)


def _reduced(operator: np.ufunc, masks: list[Bools]) -> Bools:
    found: Bools = operator.reduce(masks)
    return found


def _asks_of_time(filter_: LinkFilter) -> bool:
    match filter_:
        case LinkAnd(items) | LinkOr(items):
            return any(map(_asks_of_time, items))
        case LinkNot(item):
            return _asks_of_time(item)
        case LinkCompare(field):
            return field == _FIELD


def _compared(observed: Times, op: Op, value: Value | tuple[Value, ...]) -> Bools:
    if op is Op.EXISTS:
        found: Bools = np.isnat(observed) != value
    elif isinstance(value, tuple):
        found = np.isin(observed, times_of([str(item) for item in value]))
    else:
        found = _OPERATORS[op](observed, _time(value))
    return found
