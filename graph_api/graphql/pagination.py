"""Relay pages with keyset cursors: a cursor holds the place and a digest of the question that it belongs to."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import orjson
from strawberry.relay import PageInfo
from strawberry.types.nodes import SelectedField

from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.context import Info

DEFAULT_PAGE = 20
CURSOR_VERSION = 1
_PAGE_ARGUMENTS = ("first", "after", "last", "before")
MAX_CURSOR = 400_000
"""Characters: more than the longest text that is sorted by (32,768 characters of up to 4 bytes) takes."""

MAX_INTEGER = 2**63 - 1
"""The largest integer that both stores can compare with."""

Place = tuple[Any, ...]
"""Where an item stands in its order: what its cursor holds."""

T = TypeVar("T")


@dataclass(frozen=True)
class PageArguments:
    """A checked page: `limit` items, from the end when `backward`, between two places (decoded cursors or None)."""

    limit: int
    backward: bool
    after: Place | None
    before: Place | None
    parent: str
    info: Info = field(compare=False, repr=False)

    @cached_property
    def _digest(self) -> str:
        return _question_digest(self.info, self.parent)

    def under(self, parent: str) -> "PageArguments":
        """Return the same range of what hangs on another entity."""
        return self if parent == self.parent else replace(self, parent=parent)

    def cursor(self, *place: object) -> str:
        """The cursor of an item; `place` are JSON values that tell where it stands."""
        return base64.urlsafe_b64encode(orjson.dumps([CURSOR_VERSION, self._digest, *place])).decode().rstrip("=")


def page_arguments(
    info: Info,
    shape: tuple[type | tuple[type, ...], ...],
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    parent: Ref | str = "",
) -> PageArguments:
    """Return the range that is asked for. `shape` gives the types of a cursor's place. Raises CatalogError BAD_PAGE or
    BAD_CURSOR.
    """
    limit = _limit(info.context.max_page, first, last)
    if after is None and before is None:
        return PageArguments(limit, last is not None, None, None, parent, info)
    digest = _question_digest(info, parent)
    places = _place(after, digest, shape), _place(before, digest, shape)
    return PageArguments(limit, last is not None, *places, parent, info)


def _limit(most: int, first: int | None, last: int | None) -> int:
    if first is not None and last is not None:
        raise CatalogError(ErrorCode.BAD_PAGE, "give either `first` or `last`, not both")
    limit = first if first is not None else last if last is not None else min(DEFAULT_PAGE, most)
    if not 1 <= limit <= most:
        raise CatalogError(ErrorCode.BAD_PAGE, f"`first` and `last` go from 1 to {most}; got {limit}")
    return limit


def check_first(first: int | None, most: int) -> int:
    """Return how many are asked for, in a list without cursors. Raises CatalogError BAD_PAGE."""
    if first is None:
        return min(DEFAULT_PAGE, most)
    if not 1 <= first <= most:
        raise CatalogError(ErrorCode.BAD_PAGE, f"`first` goes from 1 to {most}; got {first}")
    return first


def _question_digest(info: Info, parent: str) -> str:
    """Return a digest of the field, its parent and every argument but the page."""
    asked_field = cast("SelectedField", info.selected_fields[0])
    arguments = asked_field.arguments
    asked = {name: value for name, value in arguments.items() if name not in _PAGE_ARGUMENTS and value is not None}
    text = orjson.dumps([asked_field.name, parent, asked], default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=9).hexdigest()


def _place(cursor: str | None, digest: str, shape: tuple[type | tuple[type, ...], ...]) -> Place | None:
    if cursor is None:
        return None
    version, made_for, *place = _decode(cursor)
    if version != CURSOR_VERSION or len(place) != len(shape):
        raise bad_cursor("is of another version or shape")
    if made_for != digest:
        raise bad_cursor("belongs to another field, filter, sort or start; page with the arguments it was made for")
    if not all(_fits(value, types) for value, types in zip(place, shape, strict=True)):
        raise bad_cursor("was not made by this server")
    return tuple(place)


def _fits(value: object, types: type | tuple[type, ...]) -> bool:
    if isinstance(value, int):
        return isinstance(value, types) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER
    return isinstance(value, types)


def _decode(cursor: str) -> list[Any]:
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or len(values) < 2:
        raise bad_cursor("was not made by this server")
    return values


def bad_cursor(why: str) -> CatalogError:
    return CatalogError(ErrorCode.BAD_CURSOR, f"the cursor {why}; start again without one")


def page_info(cursors: Sequence[str], more_before: bool, more_after: bool) -> PageInfo:
    """Return Relay's PageInfo. `cursors` are those of the page's items, or of the first and the last of them."""
    return PageInfo(
        has_previous_page=more_before,
        has_next_page=more_after,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


def keyset_page_info(edges: Any, page: PageArguments, more: bool) -> PageInfo:
    return page_info([edge.cursor for edge in edges], *more_on_sides(page, more))


def more_on_sides(page: PageArguments, more: bool) -> tuple[bool, bool]:
    """Return whether there is more before and after: `more` in the direction of paging; on the other side there is what
    the cursor was made of.
    """
    return (more, page.before is not None) if page.backward else (page.after is not None, more)


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    items: Sequence[T]
    more_before: bool
    more_after: bool


def slice_page(items: Sequence[T], places: Sequence[Place], page: PageArguments) -> Slice[T]:
    """A page of a short list that is all in memory; `places` are its cursors' places, ascending."""
    low = sum(place <= page.after for place in places) if page.after is not None else 0
    high = sum(place < page.before for place in places) if page.before is not None else len(places)
    high = max(low, high)
    start, stop = (max(low, high - page.limit), high) if page.backward else (low, min(high, low + page.limit))
    return Slice(items[start:stop], start > 0, stop < len(items))
