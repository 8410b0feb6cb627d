"""Who tried to change what: for admins and auditors."""

from datetime import datetime
from typing import Annotated, cast

import strawberry
from strawberry import Parent
from strawberry.relay import PageInfo
from strawberry.scalars import JSON

from graph_api.access import audit
from graph_api.access.audit_search import Wanted, search
from graph_api.graphql.arguments import After, First, SourceFilter, described
from graph_api.graphql.connections import Dated, date
from graph_api.graphql.context import Info
from graph_api.graphql.filtering import time_text
from graph_api.graphql.pagination import keyset_page_info, page_arguments
from graph_api.graphql.refs import parse_ref_input
from graph_api.graphql.times import Time

MOST = 10_000
"""Records that are looked at for one page: a search for what few match costs no more, and gets a shorter page."""

strawberry.enum(audit.Outcome, name="AuditOutcome", description="How an attempt to change the catalog ended.")


def _counts(root: Parent[audit.Event]) -> JSON:
    return cast("JSON", dict(root.counts))


@strawberry.type(description="What somebody tried.")
class AuditEvent:
    at: Time = strawberry.field(description="When it ended.")
    principal: str = strawberry.field(description="Who: user:..., key:..., secret:SOURCE, local, schedule, anonymous.")
    action: str = strawberry.field(description="What, such as putEntities.")
    outcome: audit.Outcome = strawberry.field(description="How it ended.")
    client: str = strawberry.field(description="From where: an address, or os:NAME for a command.")
    request_id: str = strawberry.field(description="The request that it came with.")
    source: str | None = strawberry.field(description="The source that it spoke for.")
    code: str | None = strawberry.field(description="Why it was refused.")
    refs: list[str] = strawberry.field(description="The first 100 entities that changed, or were to change.")
    counts: JSON = strawberry.field(resolver=_counts, description="Statements added, changed and removed; or requests.")
    run: str | None = strawberry.field(description="The id of the sync.")
    revision: int | None = strawberry.field(description="The catalog's revision after it.")


@strawberry.type(description="A record of the audit log, chained to the one before.")
class AuditRecord:
    sequence: int = strawberry.field(description="Its place, from 1.")
    event: AuditEvent = strawberry.field(description="What happened.")
    previous: str = strawberry.field(description="The hash of the record before.")
    hash: str = strawberry.field(description="Of the record, its place and the hash before.")


@strawberry.type(description="A record in the audit log.")
class AuditEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: AuditRecord = strawberry.field(description="The record.")


@strawberry.type(description="Records of the audit log, the newest first.")
class AuditConnection(Dated):
    edges: list[AuditEdge] = strawberry.field(description="The records of this page.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")

    @strawberry.field(description="The records of this page.")
    def nodes(self) -> list[AuditRecord]:
        return [edge.node for edge in self.edges]


async def _audit_log(
    info: Info,
    principal: Annotated[str | None, described("Only of this one, such as `user:ann`.")] = None,
    action: Annotated[str | None, described("Only this, such as `putEntities`.")] = None,
    outcome: Annotated[audit.Outcome | None, described("Only what ended so.")] = None,
    source: SourceFilter = None,
    ref: Annotated[
        str | None,
        described("Only what named this entity, and what changed so many that its record does not name all."),
    ] = None,
    since: Annotated[datetime | None, described("At this time or later.")] = None,
    until: Annotated[datetime | None, described("Earlier than this.")] = None,
    first: First = None,
    after: After = None,
) -> AuditConnection:
    wanted = Wanted(
        principal=principal,
        action=action,
        outcome=outcome,
        source=source,
        ref=parse_ref_input(ref) if ref is not None else None,
        since=time_text(since) if since else None,
        until=time_text(until) if until else None,
    )
    arguments = page_arguments(info, (int,), first, after, None, None)
    before = arguments.after[0] if arguments.after else None
    await date(info)
    found = await search(info.context.catalog.audit, wanted, arguments.limit, before, most=MOST)
    edges = [AuditEdge(cursor=arguments.cursor(row.sequence), node=cast("AuditRecord", row)) for row in found.records]
    page_info = keyset_page_info(edges, arguments, found.more)
    if found.last:
        page_info.end_cursor = arguments.cursor(found.last)
    return AuditConnection(edges=edges, page_info=page_info)


@strawberry.type
class AuditQuery:
    audit_log: AuditConnection | None = strawberry.field(
        resolver=_audit_log,
        description="Who tried to change what, the newest first; for admins and auditors. Where some are looked for, "
        "a page may be shorter than `first` although there is more.",
    )
