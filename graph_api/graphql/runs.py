"""Questions about where the catalog's knowledge comes from."""

from typing import Annotated, Any, cast

import strawberry

from graph_api.access.authorize import own_source
from graph_api.catalog.changes import SyncStatus
from graph_api.graphql.arguments import After, Before, First, Last, SourceFilter, described
from graph_api.graphql.connections import date
from graph_api.graphql.context import Info
from graph_api.graphql.pagination import Place, keyset_page_info, page_arguments
from graph_api.graphql.records import (
    CatalogSchema,
    ProblemConnection,
    ProblemEdge,
    Source,
    Sync,
    SyncConnection,
    SyncEdge,
    as_problem,
)


async def _sources(info: Info) -> list[Source]:
    bound = own_source(info.context.principal)
    found = await info.context.store.sources()
    return cast("Any", [row for row in found if bound in (None, row.name)])


async def _syncs(
    info: Info,
    source: SourceFilter = None,
    status: Annotated[SyncStatus | None, described("Only those that ended so, such as HELD.")] = None,
    first: First = None,
    after: After = None,
) -> SyncConnection:
    arguments = page_arguments(info, (str, str), first, after, None, None)
    place = (arguments.after[0], arguments.after[1]) if arguments.after else None
    source = source or own_source(info.context.principal)
    await date(info)
    runs = await info.context.store.syncs(source, arguments.limit + 1, place, status)
    edges = [
        SyncEdge(cursor=arguments.cursor(run.started_at, run.id), node=cast("Sync", run))
        for run in runs[: arguments.limit]
    ]
    return SyncConnection(edges=edges, page_info=keyset_page_info(edges, arguments, len(runs) > arguments.limit))


async def _problems(
    info: Info,
    source: SourceFilter = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> ProblemConnection:
    arguments = page_arguments(info, (str, int), first, after, last, before)
    limit, backward = arguments.limit, arguments.backward
    source = source or own_source(info.context.principal)
    await date(info)
    rows = await info.context.store.problems(
        source, limit + 1, _problem_place(arguments.after), _problem_place(arguments.before), backward=backward
    )
    edges = [
        ProblemEdge(cursor=arguments.cursor(name, place), node=as_problem(name, problem))
        for name, place, problem in (rows[-limit:] if backward else rows[:limit])
    ]
    return ProblemConnection(
        edges=edges, page_info=keyset_page_info(edges, arguments, len(rows) > limit), asked_source=source
    )


def _problem_place(place: Place | None) -> tuple[str, int] | None:
    return (place[0], place[1]) if place else None


@strawberry.type
class RunQuery:
    sources: list[Source] | None = strawberry.field(
        resolver=_sources, description="Every source with its last run, by name."
    )
    syncs: SyncConnection | None = strawberry.field(resolver=_syncs, description="Runs, newest first.")
    problems: ProblemConnection | None = strawberry.field(
        resolver=_problems, description="What is wrong in the last run of each source."
    )
    catalog_schema: CatalogSchema | None = strawberry.field(
        resolver=CatalogSchema,
        description="Kinds and relations, with the arrow, the inverse and the fields that state them.",
    )
