"""Readers: from rows to their parts of the response, all at once, so that most of the work is loops of Python's own.

A reader gives what the executor would give, or raises: any error at all, because only the executor can say which errors
the answer has, and where. What has to be waited for is given as `Later`, which begins when it is called: until then
there is nothing to cancel.
"""

from asyncio import gather
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import chain, islice
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import Undefined

from graph_api.graphql.context import AnswerTooLargeError

if TYPE_CHECKING:
    from graph_api.graphql.calls import ReadAttempt

_LARGEST_INT = 2**31 - 1

Values: TypeAlias = list[Any]
Later: TypeAlias = Callable[[], Coroutine[Any, Any, Values]]
Answer: TypeAlias = Values | Later
Read: TypeAlias = Callable[["ReadAttempt", Values], Answer]
Source: TypeAlias = Callable[[Any], Any]


class NotPlainError(Exception):
    """Raised for what the executor would report, or what no reader is made for."""


def then(answer: Answer, finish: Callable[[Values], Values]) -> Answer:
    if isinstance(answer, list):
        return finish(answer)

    async def later() -> Values:
        return finish(await answer())

    return later


def together(answers: list[Answer], finish: Callable[[list[Values]], Values]) -> Answer:
    """Join the answers. Those that have to be waited for begin at the same time, so that their questions to the store
    are one.
    """
    waiting = [answer for answer in answers if not isinstance(answer, list)]
    if not waiting:
        return finish(answers)  # type: ignore[arg-type] # all are lists

    async def later() -> Values:
        done = iter(await settle([start() for start in waiting]))
        return finish([answer if isinstance(answer, list) else next(done) for answer in answers])

    return later


async def settle(waiting: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for all and return what they give; raises the first error when all are done: nothing goes on in the
    background.
    """
    if len(waiting) == 1:
        return [await waiting[0]]
    done = await gather(*waiting, return_exceptions=True)
    raise_any(done)
    return done


def raise_any(outcomes: Sequence[Any]) -> None:
    """The first error, but that the answer is too large before any other: then nothing is to be read again."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if errors:
        raise next((error for error in errors if isinstance(error, AnswerTooLargeError)), errors[0])


def piped(source: Source, value: Read) -> Read:
    return lambda attempt, rows: value(attempt, list(map(source, rows)))


def rows_of(names: Sequence[str], reads: Sequence[Read], fits: Callable[[Any, Any], bool] | None) -> Read:
    """Return a reader of objects. `fits` looks at the class of a row only."""

    first, *others = names

    def zipped(columns: list[Values]) -> Values:
        rows = [{first: value} for value in columns[0]]
        # Some three times as fast as dict(zip()) for each row.
        for name, column in zip(others, columns[1:], strict=True):
            for row, value in zip(rows, column, strict=True):
                row[name] = value
        return rows

    def read_rows(attempt: "ReadAttempt", rows: Values) -> Answer:
        if fits and not all(fits(row, None) for row in {type(row): row for row in rows}.values()):
            raise NotPlainError
        return together([read(attempt, rows) for read in reads], zipped)

    return read_rows


def each_by_type(types_of: Callable[[Values], Values], reader_of: Callable[["ReadAttempt", Any], Read]) -> Read:
    def read_each(attempt: "ReadAttempt", rows: Values) -> Answer:
        types = types_of(rows)
        if len(set(types)) == 1:
            return reader_of(attempt, types[0])(attempt, rows)
        by_type: dict[Any, Values] = {type_: [] for type_ in types}
        for type_, row in zip(types, rows, strict=True):
            by_type[type_].append(row)

        def in_order(found: list[Values]) -> Values:
            parts = dict(zip(by_type, map(iter, found), strict=True))
            return [next(parts[type_]) for type_ in types]

        return together([reader_of(attempt, type_)(attempt, found) for type_, found in by_type.items()], in_order)

    return read_each


def required(read: Read) -> Read:
    def read_required(attempt: "ReadAttempt", values: Values) -> Answer:
        if NoneType in _types_of(values):
            raise NotPlainError
        return read(attempt, values)

    return read_required


def optional(read: Read) -> Read:
    def read_optional(attempt: "ReadAttempt", values: Values) -> Answer:
        if NoneType not in _types_of(values):
            return read(attempt, values)

        def with_nulls(found: Values) -> Values:
            present = iter(found)
            return [None if value is None else next(present) for value in values]

        return then(read(attempt, [value for value in values if value is not None]), with_nulls)

    return read_optional


def lists_of(read: Read, *, counted: bool) -> Read:
    """Return a reader of lists. `counted`: of objects, of which one answer may hold so many."""

    def read_lists(attempt: "ReadAttempt", values: Values) -> Answer:
        if not all(issubclass(type_, Sequence) and not issubclass(type_, str | bytes) for type_ in _types_of(values)):
            raise NotPlainError
        if counted:
            attempt.count(sum(map(len, values)))
        items = list(chain.from_iterable(values))

        def in_lists(found: Values) -> Values:
            rest = iter(found)
            return [list(islice(rest, len(value))) for value in values]

        return then(read(attempt, items), in_lists)

    return read_lists


def coerced(coerce: Source) -> Read:
    def read_coerced(_attempt: "ReadAttempt", values: Values) -> Answer:
        found = list(map(coerce, values))
        if any(value is None or value is Undefined for value in found):
            raise NotPlainError
        return found

    return read_coerced


def _all_of(type_: type) -> Read:
    def read_plain(_attempt: "ReadAttempt", values: Values) -> Answer:
        if not _types_of(values) <= {type_}:
            raise NotPlainError
        return values

    return read_plain


def _whole(_attempt: "ReadAttempt", values: Values) -> Answer:
    if not _types_of(values) <= {int} or (values and not -_LARGEST_INT <= min(values) <= max(values) <= _LARGEST_INT):
        raise NotPlainError
    return values


def _types_of(values: Values) -> set[type]:
    return set(map(type, values))


_text = _all_of(str)
LEAVES: dict[str, Read] = {"String": _text, "ID": _text, "DateTime": _text, "Int": _whole, "Boolean": _all_of(bool)}
"""Readers of values that stand in the response as they are."""
