"""What all connections have in common."""

import strawberry

from graph_api.graphql.context import Info


@strawberry.type
class Dated:
    """To be inherited: says which state of the catalog a list is of."""

    @strawberry.field(description="The catalog's revision when this was answered.")
    async def revision(self, info: Info) -> int:
        return await info.context.loaders.revision()
