"""Who tried to change what: for admins and auditors."""

from typing import cast

import strawberry
from strawberry import Parent
from strawberry.relay import PageInfo
from strawberry.scalars import JSON

from graph_api.access import audit
from graph_api.graphql.arguments import After, First
from graph_api.graphql.connections import Dated, date
from graph_api.graphql.context import Info
from graph_api.graphql.pagination import keyset_page_info, page_arguments
from graph_api.graphql.times import Time

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


async def _audit_log(info: Info, first: First = None, after: After = None) -> AuditConnection:
    arguments = page_arguments(info, (int,), first, after, None, None)
    before = arguments.after[0] if arguments.after else None
    await date(info)
    rows = await info.context.catalog.audit(arguments.limit + 1, before)
    edges = [
        AuditEdge(cursor=arguments.cursor(row.sequence), node=cast("AuditRecord", row))
        for row in rows[: arguments.limit]
    ]
    return AuditConnection(edges=edges, page_info=keyset_page_info(edges, arguments, len(rows) > arguments.limit))


@strawberry.type
class AuditQuery:
    audit_log: AuditConnection | None = strawberry.field(
        resolver=_audit_log, description="Who tried to change what, the newest first; for admins and auditors."
    )
