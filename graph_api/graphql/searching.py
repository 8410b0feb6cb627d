"""The search box: ranked refs of the store, page by page."""

from typing import Annotated

from graph_api.catalog.filters import ALL, And, Compare, Filter, Op, Or, Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.search import MAX_FOUND, MAX_TEXT, MAX_WORDS, words_of
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.arguments import After, Before, FilterArgument, First, Last, described
from graph_api.graphql.context import Context, Info
from graph_api.graphql.entity_pages import Connection, EntityConnection
from graph_api.graphql.filtering import check_text, compile_filter
from graph_api.graphql.pagination import page_arguments, slice_page
from graph_api.graphql.resolving import called
from graph_api.store.protocol import PageRequest, Reading


async def search(
    info: Info,
    text: Annotated[str, described("At most 10 words, in any order.")],
    filter: FilterArgument = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> EntityConnection:
    """A cursor holds a place in the ranking, which a write between two pages can shift."""
    _check_size(text)
    store = info.context.store
    arguments = page_arguments(info, (int,), first, after, last, before)
    wanted = await compile_filter(filter, info.context)
    refs = (
        await store.search(text, wanted)
        or await _search_called(store, text, wanted)
        or await _called(info.context, text, wanted)
    )
    places = range(len(refs))
    page = slice_page(places, list(zip(places, strict=True)), arguments)
    rows = await info.context.loaders.entity.load_many(refs[place] for place in page.items)
    found = [(row, place) for row, place in zip(rows, page.items, strict=True) if row]
    return Connection(
        rows=[row for row, _ in found],
        cursors=lambda at: arguments.cursor(found[at][1]),
        more_before=page.more_before,
        more_after=page.more_after,
        counted=len(refs),
    )


async def _search_called(store: Reading, text: str, wanted: Filter) -> list[Ref]:
    """Return what all words but the last, or but the first, find among what that one calls by its kind or type: people
    say `checkout service` of what is named `checkout`.
    """
    words = words_of(text)
    for end, rest in ((words[-1:], words[:-1]), (words[:1], words[1:])):
        if rest and (refs := await store.search(" ".join(rest), And((wanted, _is_called(end[0]))))):
            return refs
    return []


async def _called(context: Context, text: str, wanted: Filter) -> list[Ref]:
    """Return what has the text as its ref, or as a name from elsewhere."""
    refs = [row.ref for row in (await called(context, text))[:MAX_FOUND]]
    if wanted == ALL or not refs:
        return refs
    among = And((wanted, Compare("ref", Op.IN, tuple(refs))))
    page = await context.store.page(PageRequest(filter=among, sort=Sort("ref"), limit=len(refs)))
    return sorted((row.ref for row in page.entities), key=refs.index)


def _is_called(word: str) -> Filter:
    lower = word.lower()
    types = tuple(dict.fromkeys((word, lower, lower.capitalize(), lower.upper())))
    return Or((Compare("kind", Op.EQ, lower), Compare("type", Op.IN, types)))


def _check_size(text: str) -> None:
    check_text(text)
    if len(text) > MAX_TEXT or len(words_of(text)) > MAX_WORDS:
        message = f"`text` takes at most {MAX_WORDS} words and {MAX_TEXT} characters"
        raise CatalogError(ErrorCode.TOO_LARGE, message)
