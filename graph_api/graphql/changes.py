"""What changed after a revision, page by page."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, cast

import strawberry

from graph_api.catalog.changes import Change as CatalogChange
from graph_api.catalog.changes import ChangeOperation
from graph_api.catalog.filters import ALL, And, Compare, Filter, Not, Op, Or, Sort
from graph_api.catalog.ref import Ref, split_ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql import inputs
from graph_api.graphql.arguments import After, FilterArgument, First, described
from graph_api.graphql.connections import date
from graph_api.graphql.context import Context, Info
from graph_api.graphql.filtering import compile_filter
from graph_api.graphql.pagination import keyset_page_info, page_arguments
from graph_api.graphql.records import ChangeConnection, ChangeEdge
from graph_api.store.protocol import PageRequest

AT_ONCE = 100
"""Changes that are looked through at a time for those that match a filter."""
MOST = 1_000
"""Changes that are looked through for one page: a filter that few match costs no more, and gets a shorter page."""

_Place = tuple[int, Ref]


class _Found(NamedTuple):
    """`last`: the place that was looked at last, where a page ends before it is full."""

    rows: Sequence[CatalogChange]
    more: bool
    last: _Place | None = None


async def check_since(context: Context, since: int) -> None:
    """Raise CatalogError BAD_INPUT for a revision that there has not been, as after a backup was restored."""
    revision = await context.loaders.revision()
    if not 0 <= since <= revision:
        message = f"`since` is a revision, from 0 to now {revision}; got {since}"
        if since > revision:
            message += "; if the catalog had it once, an older state was restored: read everything again"
        raise CatalogError(ErrorCode.BAD_INPUT, message)


async def read_changes(context: Context, since: int, limit: int, after: _Place | None) -> list[CatalogChange]:
    """Return the changes, without those of writes that may have changed what the reader sees: whoever asks on is told
    of them then.
    """
    rows = await context.store.changes(since, limit, after)
    return rows if context.seen_at is None else [row for row in rows if row.revision <= context.seen_at]


async def matching_changes(context: Context, wanted: Filter, rows: Sequence[CatalogChange]) -> list[CatalogChange]:
    """Return those of entities that match now, and every removal of what may have matched: nobody knows any more what
    a removed entity was, except by its ref.
    """
    if wanted == ALL:
        return list(rows)
    refs = tuple(row.ref for row in rows if row.operation is not ChangeOperation.REMOVED)
    matching: set[Ref] = set()
    if refs:
        among = And((wanted, Compare("ref", Op.IN, refs)))
        page = await context.store.page(PageRequest(filter=among, sort=Sort("ref"), limit=len(refs)))
        matching = {entity.ref for entity in page.entities}
    removed = ChangeOperation.REMOVED
    return [
        row
        for row in rows
        if (_matched(row.ref, wanted) is not False if row.operation is removed else row.ref in matching)
    ]


def _matched(ref: Ref, filter_: Filter) -> bool | None:
    """Whether something of this ref matched; None where the ref does not tell."""
    match filter_:
        case And(items):
            found = {_matched(ref, item) for item in items}
            return False if False in found else None if None in found else True
        case Or(items):
            found = {_matched(ref, item) for item in items}
            return True if True in found else None if None in found else False
        case Not(item):
            matched = _matched(ref, item)
            return None if matched is None else not matched
        case Compare("ref" | "kind" | "namespace" as field, Op.EQ | Op.IN, value):
            known = {"ref": ref, **split_ref(ref)._asdict()}[field]
            return known in (value if isinstance(value, tuple) else (value,))
    return None


async def _changes(
    info: Info,
    since: Annotated[int, described("A revision; 0 is the beginning.")] = 0,
    filter: FilterArgument = None,
    first: First = None,
    after: After = None,
) -> ChangeConnection:
    if since < 0:
        await check_since(info.context, since)
    arguments = page_arguments(info, (int, str), first, after, None, None)
    place = (arguments.after[0], Ref(arguments.after[1])) if arguments.after else None
    await date(info)
    found = await _find(info.context, filter, since, arguments.limit, place)
    if not found.rows and not found.more:
        await check_since(info.context, since)
    edges = [ChangeEdge(cursor=arguments.cursor(row.revision, row.ref), node=cast("Any", row)) for row in found.rows]
    page_info = keyset_page_info(edges, arguments, found.more)
    if found.last:
        page_info.end_cursor = arguments.cursor(*found.last)
    return ChangeConnection(edges=edges, page_info=page_info)


async def _find(
    context: Context, filter_: inputs.EntityFilter | None, since: int, limit: int, after: _Place | None
) -> _Found:
    wanted = await compile_filter(filter_, context)
    if wanted != ALL:
        return await _look_through(context, wanted, since, limit, after)
    rows = await read_changes(context, since, limit + 1, after)
    return _Found(rows[:limit], len(rows) > limit)


async def _look_through(context: Context, wanted: Filter, since: int, limit: int, after: _Place | None) -> _Found:
    found: list[CatalogChange] = []
    for _ in range(MOST // AT_ONCE):
        rows = await read_changes(context, since, AT_ONCE, after)
        found += await matching_changes(context, wanted, rows)
        if len(found) > limit:
            return _Found(found[:limit], more=True)
        if len(rows) < AT_ONCE:
            return _Found(found, more=False)
        after = rows[-1].revision, rows[-1].ref
    return _Found(found, more=True, last=after)


@strawberry.type
class ChangeQuery:
    changes: ChangeConnection | None = strawberry.field(
        resolver=_changes,
        description="What changed after a revision, in the order (revision, ref). With a filter: of entities that "
        "match now, and the removal of what may have matched, of which only the ref is known; what does not match any "
        "more is not told. A page may then be shorter than `first` although there is more.",
    )
