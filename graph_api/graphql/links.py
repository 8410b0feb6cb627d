"""What is known of one relation between two entities, and who says so."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import strawberry
from strawberry import Parent
from strawberry.scalars import JSON

from graph_api.catalog import entity as catalog
from graph_api.catalog.merge import evidence_of
from graph_api.graphql import inputs
from graph_api.graphql.calls import answered_together
from graph_api.graphql.context import Info
from graph_api.graphql.times import Time


async def _last_seen(root: Parent[catalog.Evidence], info: Info) -> Time | None:
    return cast("Time | None", root.last_seen or await info.context.loaders.last_applied.load(root.source))


async def _last_seen_of(rows: Sequence[catalog.Evidence], info: Info) -> list[str | None]:
    found = iter(await info.context.loaders.last_applied.load_many([row.source for row in rows if not row.last_seen]))
    return [row.last_seen or next(found) for row in rows]


@strawberry.type(description="Who says so, where, and when it was seen.")
class Evidence:
    source: str = strawberry.field(description="The source's name.")
    location: str = strawberry.field(description="`file:line` or a URL.")
    first_seen: Time = strawberry.field(description="Time of the first run that saw it.")
    last_seen: Time | None = strawberry.field(
        resolver=answered_together(_last_seen, _last_seen_of), description="Time of the last run in which it stood."
    )
    stale: bool = strawberry.field(description="The document cannot be read now; this is what it said before.")
    origin: catalog.LinkOrigin | None = strawberry.field(description="How this source knows a link; null elsewhere.")


def _link_evidence(root: Parent[catalog.Link]) -> list[Evidence]:
    said = [(source, row) for source, rows in root.statements.items() for row in rows]
    return cast("Any", [replace(evidence_of(source, row), origin=row.origin) for source, row in said])


def _link_properties(root: Parent[catalog.Link]) -> Any:
    return dict(root.properties)


@strawberry.type(description="One relation between two entities, with its properties and evidence.")
class Link:
    relation: inputs.RelationName = strawberry.field(
        resolver=lambda root: inputs.RelationName[root.key.relation], description="The relation, see catalogSchema."
    )
    source: str = strawberry.field(
        name="from", resolver=lambda root: root.key.source, description="The ref where the arrow starts."
    )
    target: str = strawberry.field(
        name="to", resolver=lambda root: root.key.target, description="The ref where the arrow ends."
    )
    environment: str | None = strawberry.field(
        resolver=lambda root: root.key.environment, description="The environment that the link holds in; null: any."
    )
    criticality: catalog.Criticality = strawberry.field(description="HARD unless a source says SOFT.")
    confidence: float = strawberry.field(description="From 0 to 1; 1 unless a source says less.")
    properties: JSON = strawberry.field(resolver=_link_properties, description="Free properties.")
    origin: catalog.LinkOrigin = strawberry.field(
        description="The first of DECLARED, OBSERVED and INFERRED that a source says."
    )
    origins: list[catalog.LinkOrigin] = strawberry.field(description="All that sources say, in this order.")
    observed_at: Time | None = strawberry.field(description="When it was last seen to happen.")
    evidence: list[Evidence] = strawberry.field(resolver=_link_evidence, description="Every source that says it.")
