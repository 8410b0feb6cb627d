"""What happens in the catalog, as it happens."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, cast

import strawberry

from graph_api.catalog.audience import EVERYTHING
from graph_api.catalog.changes import Change as CatalogChange
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.arguments import FilterArgument, described
from graph_api.graphql.changes import check_since, matching_changes, read_changes
from graph_api.graphql.context import Context, Info
from graph_api.graphql.filtering import compile_filter
from graph_api.graphql.records import Change
from graph_api.graphql.selection import selects


@strawberry.type(description="Over WebSockets (graphql-transport-ws) and event streams (graphql-sse).")
class Subscription:
    @strawberry.subscription(
        description="Each change of an entity as it happens, in the order (revision, ref); changes that meet in one "
        "read are folded into the latest. With a filter: of entities that match after it, and removals of what may "
        "have. After a break, ask `since` one revision less than the last one seen: what comes twice does no harm."
    )
    async def changes(
        self,
        info: Info,
        filter: FilterArgument = None,
        since: Annotated[int | None, described("A revision: what came after it. Left out: from now on.")] = None,
    ) -> AsyncGenerator[Change, None]:
        context = info.context
        await compile_filter(filter, context)
        selects_entity = selects(info, "entity")
        expires_at = context.principal.expires_at
        # All who see everything share what is read.
        reader = context.store if context.visibility == EVERYTHING else _AsItSeesNow(context)
        async with aclosing(context.live.batches(reader, await _start(context, since), expires_at)) as batches:
            async for rows in batches:
                context.forget()
                async with context.live.turn():
                    _check_time(expires_at)
                    # Compiled anew each time: groups below others may have changed.
                    matching = await matching_changes(context, await compile_filter(filter, context), rows)
                    if selects_entity:
                        await context.loaders.entity.load_many([row.ref for row in matching])
                for row in matching:
                    yield cast("Any", row)
        raise _expired()  # a timer may ring a little before the clock says so


class _AsItSeesNow:
    """A reader whose rights are looked up before each look at the catalog."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def changes(self, since: int, limit: int, after: tuple[int, Ref] | None = None) -> list[CatalogChange]:
        await self._context.look_again()
        return await read_changes(self._context, since, limit, after)


def _check_time(expires_at: float | None) -> None:
    if expires_at is not None and time.time() >= expires_at:
        raise _expired()


def _expired() -> CatalogError:
    return CatalogError(ErrorCode.UNAUTHENTICATED, "the token has expired; subscribe again with a new one")


async def _start(context: Context, since: int | None) -> int:
    if since is None:
        return await context.store.revision()
    await check_since(context, since)
    return since
