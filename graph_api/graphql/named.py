"""Entities that others name by their refs: those of all rows of a list are one question to the store."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, islice
from typing import Any

from strawberry import Parent

from graph_api.catalog.entity import Entity, unresolved
from graph_api.catalog.ref import Ref
from graph_api.graphql.calls import answered_together, with_known_refs
from graph_api.graphql.context import Info


async def load_entity(info: Info, ref: Ref) -> Entity:
    """Return the entity, or the placeholder of one that nobody declares."""
    return await info.context.loaders.entity.load(ref) or unresolved(ref)


async def load_entities(info: Info, refs: Sequence[Ref]) -> list[Entity]:
    found = await _load(info, refs)
    return [row or unresolved(ref) for ref, row in zip(refs, found, strict=True)]


def named_entities(refs_of: Callable[[Any], Sequence[Ref]]) -> Any:
    """The resolver of the entities that a row names, all of which are in the catalog."""

    async def of_rows(rows: Sequence[Any], info: Info) -> list[list[Entity]]:
        named = list(map(refs_of, rows))
        # Rows that come again name as many again: counted when they are read would be too late.
        info.context.check_room(sum(map(len, named)))
        found = iter(await load_entities(info, list(chain.from_iterable(named))))
        return [list(islice(found, len(refs))) for refs in named]

    return with_known_refs(_resolver(of_rows), refs_of)


def named_entity(ref_of: Callable[[Any], Ref | None], give: Callable[[Entity], Any] = lambda entity: entity) -> Any:
    """The resolver of what `give` makes of the entity that a row names; None where it names none.

    See `linked_entity` for one that is in the catalog.
    """

    async def load(info: Info, refs: Sequence[Ref]) -> Sequence[Any]:
        return list(map(give, await load_entities(info, refs)))

    return _resolver_of_one(ref_of, load)


def linked_entity(ref_of: Callable[[Any], Ref | None]) -> Any:
    """Return what named_entity() does, for an entity that is in the catalog, declared or not: nothing is asked for its
    ref alone.
    """
    return with_known_refs(named_entity(ref_of), ref_of)


def existing_entity(ref_of: Callable[[Any], Ref | None]) -> Any:
    """The resolver of the entity that a row names; None also where there is none."""
    return _resolver_of_one(ref_of, _load)


async def _load(info: Info, refs: Sequence[Ref]) -> Sequence[Entity | None]:
    return await info.context.loaders.entity.load_many(refs)


def _resolver_of_one(
    ref_of: Callable[[Any], Ref | None], load: Callable[[Info, Sequence[Ref]], Awaitable[Sequence[Any]]]
) -> Any:
    async def of_rows(rows: Sequence[Any], info: Info) -> Sequence[Any]:
        named = list(map(ref_of, rows))
        refs = [ref for ref in named if ref]
        found = await load(info, refs)
        if len(refs) == len(named):
            return found
        present = iter(found)
        return [next(present) if ref else None for ref in named]

    return _resolver(of_rows)


def _resolver(of_rows: Callable[[Sequence[Any], Info], Awaitable[Sequence[Any]]]) -> Any:
    async def of_row(root: Parent[Any], info: Info) -> Any:
        return (await of_rows([root], info))[0]

    return answered_together(of_row, of_rows)
