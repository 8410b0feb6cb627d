"""Why several sources' things are one entity."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import strawberry

from graph_api.catalog import entity as catalog
from graph_api.catalog.correlation import Shared, Stated, shared_identifiers
from graph_api.graphql.arguments import described
from graph_api.graphql.context import Info
from graph_api.graphql.refs import parse_ref_input
from graph_api.graphql.selection import selects


@strawberry.type(description="An identifier that joins a source's thing with another's.")
class Join:
    identifier: str = strawberry.field(description="What both sources call it.")
    source: str = strawberry.field(description="The other source.")
    ref: str = strawberry.field(description="The ref that the other source gave it.")


@strawberry.type(description="The thing as one source tells of it.")
class StatedThing:
    source: str = strawberry.field(description="The source's name.")
    ref: str = strawberry.field(description="The ref that the source gave it.")
    location: str = strawberry.field(description="`file:line` or URL.")
    identifiers: list[str] = strawberry.field(description="What the source calls it, normalized.")
    shared: strawberry.Private[Sequence[Shared]]

    @strawberry.field(description="What joins it with the others; none where they share the ref.")
    def joins(self) -> list[Join]:
        return [
            Join(identifier=row.identifier, source=other.source, ref=other.ref)
            for row in self.shared
            for other in row.things
            if other.ref != self.ref
        ]


@strawberry.type(description="What an entity is made of.")
class Why:
    ref: str = strawberry.field(description="The entity's ref: that of the source with the highest priority.")
    things: list[StatedThing] = strawberry.field(description="By priority of their sources.")


async def resolve_why(
    info: Info, ref: Annotated[str, described("Of the entity, or as any source calls it.")]
) -> Why | None:
    entity = await info.context.loaders.entity.load(parse_ref_input(ref))
    if entity is None:
        return None
    said = {Stated(source, row.ref): row.identifiers for source, row in entity.statements.items()}
    shared: Iterable[Shared] = ()
    if selects(info, "joins"):
        # Dozens of tools may call it by hundreds of names each.
        shared = await asyncio.to_thread(shared_identifiers, said, info.context.source_order.rules)
        info.context.check_room(sum(len(row.things) * (len(row.things) - 1) for row in shared))
    return Why(ref=entity.ref, things=list(_things(entity, shared)))


def _things(entity: catalog.Entity, shared: Iterable[Shared]) -> Iterator[StatedThing]:
    shared_by: dict[Stated, list[Shared]] = defaultdict(list)
    for row in shared:
        for thing in row.things:
            shared_by[thing].append(row)
    for source, said in entity.statements.items():
        yield StatedThing(
            source=source,
            ref=said.ref,
            location=said.location,
            identifiers=list(said.identifiers),
            shared=shared_by.get(Stated(source, said.ref), ()),
        )
