"""Who asks, so that a client need not find out what the server has found out."""

from typing import Any, cast

import strawberry

from graph_api.access.principal import Principal, Role
from graph_api.catalog.audience import EVERYTHING
from graph_api.graphql.context import Info
from graph_api.graphql.named import load_entities
from graph_api.graphql.types import Entity

strawberry.enum(Role, description="What somebody may do; docs/security.md says what each may.")


@strawberry.type(description="Who asks, and what the server lets them do.")
class Viewer:
    principal: strawberry.Private[Principal]
    sees_everything: bool = strawberry.field(
        description="Whether nothing is hidden; otherwise walks say HIDDEN among the reasons of `completeness`."
    )

    @strawberry.field(description="As it stands in the audit log: user:..., subject:..., key:..., anonymous.")
    def name(self) -> str:
        return self.principal.name

    @strawberry.field(description="What it may do.")
    def roles(self) -> list[Role]:
        return [role for role in Role if role in self.principal.roles]

    @strawberry.field(description="The user of the catalog that this is; null where it is none, such as a key.")
    async def user(self, info: Info) -> Entity | None:
        user = self.principal.user
        return cast("Any", await info.context.loaders.entity.load(user) if user else None)

    @strawberry.field(
        description="Its teams, as its token, its key or the catalog names them, by ref; not those below or above them."
    )
    async def groups(self, info: Info) -> list[Entity]:
        return cast("Any", await load_entities(info, sorted(self.principal.groups)))

    @strawberry.field(description="The one source that it may write for, where it is bound to one.")
    def source(self) -> str | None:
        return self.principal.source


async def resolve_viewer(info: Info) -> Viewer:
    context = info.context
    return Viewer(principal=context.principal, sees_everything=context.visibility == EVERYTHING)
