"""Entities that others name by their refs: those of all rows of a list are one question to the store."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, islice
from typing import Any

from strawberry import Parent

from graph_api.catalog.entity import Entity, unresolved
from graph_api.catalog.ref import Ref
from graph_api.graphql.calls import answered_together
from graph_api.graphql.context import Info


async def load_entity(info: Info, ref: Ref) -> Entity:
    """The entity, or the placeholder of one that nobody declares."""
    return await info.context.loaders.entity.load(ref) or unresolved(ref)


async def load_entities(info: Info, refs: Sequence[Ref]) -> list[Entity]:
    found = await _load(info, refs)
    return [row or unresolved(ref) for ref, row in zip(refs, found, strict=True)]


def named_entities(refs_of: Callable[[Any], Sequence[Ref]], give: Callable[[list[Any]], Any] = list) -> Any:
    """The resolver of what `give` makes of the entities that a row names."""
    return _resolver(refs_of, load_entities, give)


def named_entity(ref_of: Callable[[Any], Ref | None], give: Callable[[Entity], Any] = lambda entity: entity) -> Any:
    """The resolver of what `give` makes of the entity that a row names; None where it names none."""
    return _resolver(_one(ref_of), load_entities, lambda found: give(found[0]) if found else None)


def existing_entity(ref_of: Callable[[Any], Ref | None]) -> Any:
    """The resolver of the entity that a row names; None also where there is none."""
    return _resolver(_one(ref_of), _load, lambda found: found[0] if found else None)


def _one(ref_of: Callable[[Any], Ref | None]) -> Callable[[Any], Sequence[Ref]]:
    def refs_of(row: Any) -> Sequence[Ref]:
        ref = ref_of(row)
        return (ref,) if ref else ()

    return refs_of


async def _load(info: Info, refs: Sequence[Ref]) -> Sequence[Entity | None]:
    return await info.context.loaders.entity.load_many(refs)


def _resolver(
    refs_of: Callable[[Any], Sequence[Ref]],
    load: Callable[[Info, Sequence[Ref]], Awaitable[Sequence[Entity | None]]],
    give: Callable[[list[Any]], Any],
) -> Any:
    async def of_rows(rows: Sequence[Any], info: Info) -> list[Any]:
        named = [refs_of(row) for row in rows]
        found = iter(await load(info, list(chain.from_iterable(named))))
        return [give(list(islice(found, len(refs)))) for refs in named]

    async def of_row(root: Parent[Any], info: Info) -> Any:
        return (await of_rows([root], info))[0]

    return answered_together(of_row, of_rows)
