"""Why several sources' things are one entity."""

from collections.abc import Iterator
from typing import Annotated

import strawberry

from graph_api.catalog import entity as catalog
from graph_api.catalog.correlation import Bond, Stated, bonds
from graph_api.graphql.arguments import described
from graph_api.graphql.context import Info
from graph_api.graphql.refs import parse_ref_input


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
    joins: list[Join] = strawberry.field(description="What joins it with the others; none where they share the ref.")


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
    found = bonds(said, info.context.source_order.rules)
    return Why(ref=entity.ref, things=list(_things(entity, found)))


def _things(entity: catalog.Entity, found: list[Bond]) -> Iterator[StatedThing]:
    for source, said in entity.statements.items():
        thing = Stated(source, said.ref)
        others = [(bond.identifier, bond.other if bond.one == thing else bond.one) for bond in found if thing in bond]
        yield StatedThing(
            source=source,
            ref=said.ref,
            location=said.location,
            identifiers=list(said.identifiers),
            joins=[Join(identifier=name, source=other.source, ref=other.ref) for name, other in others],
        )
