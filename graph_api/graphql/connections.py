"""What all connections have in common."""

import strawberry

from graph_api.graphql.context import Info
from graph_api.graphql.selection import selects_itself


@strawberry.type
class Dated:
    """To be inherited: says which state of the catalog a list is of."""

    @strawberry.field(description="The catalog's revision when this was answered.")
    async def revision(self, info: Info) -> int:
        return await info.context.loaders.revision()


async def date(info: Info) -> None:
    """Read the revision before the rows of a Dated list: what is written meanwhile comes twice then, not never."""
    if selects_itself(info, "revision"):
        await info.context.loaders.revision()
