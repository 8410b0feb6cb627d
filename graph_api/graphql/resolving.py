"""What is called by a text from elsewhere."""

from collections.abc import Sequence

from graph_api.catalog.entity import Entity
from graph_api.catalog.ref import BadRefError, Ref, parse_ref
from graph_api.catalog.spellings import places_of, spellings_of
from graph_api.graphql.context import Context


async def called(context: Context, text: str) -> list[Entity]:
    """Return what is called so, or what that lies in where nothing is.

    Whether there is anything so called is asked of what the reader sees: else the answer would tell of the rest.
    """
    found = await _named(context, spellings_of(text), _as_ref(text))
    for place in places_of(text):
        found = found or await _named(context, place, [])
    return found


async def _named(context: Context, identifiers: Sequence[str], refs: Sequence[Ref]) -> list[Entity]:
    """Those that are declared under one of the refs, before those that are called so."""
    load, named = context.loaders.entity.load_many, await context.loaders.named.load_many(identifiers)
    own = [row for row in await load(refs) if row and row.declared]
    others = {ref for called in named for ref in called}.difference(row.ref for row in own)
    return [*own, *(row for row in await load(sorted(others)) if row)]


def _as_ref(text: str) -> list[Ref]:
    try:
        return [parse_ref(text)]
    except BadRefError:
        return []
