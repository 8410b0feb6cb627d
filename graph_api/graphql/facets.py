"""Counts by one field."""

from dataclasses import replace
from enum import Enum
from operator import attrgetter
from typing import Any, cast

import strawberry
from strawberry import Parent

from graph_api.catalog import traversal as catalog
from graph_api.catalog.kinds import kind_name
from graph_api.graphql.named import existing_entity
from graph_api.graphql.types import Entity


@strawberry.enum(description="What entities can be counted by.")
class FacetField(Enum):
    KIND = "kind"
    TYPE = "type"
    NAMESPACE = "namespace"
    LIFECYCLE = "lifecycle"
    TIER = "tier"
    TAGS = "tags"
    OWNER = "owner"
    SYSTEM = "system"
    DOMAIN = "domain"
    ENVIRONMENT = "environment"
    SOURCE = "source"


def shown_value(field: str, value: str | None) -> str | None:
    """Return a kind as `Entity.kind` writes it; filters take them in any case."""
    return kind_name(value) if field == "kind" and value else value


# What an entity refers to is in the catalog, declared or not; a tag that looks like a ref need not be.
bucket_entity = existing_entity(attrgetter("value"))
"""Resolves the entity of anything with a `value`."""


@strawberry.type(description="How many entities have one value.")
class Bucket:
    value: str | None = strawberry.field(
        description="The value, a kind as `Entity.kind` has it; null for entities that have none."
    )
    count: int = strawberry.field(description="How many.")
    entity: Entity | None = strawberry.field(
        resolver=bucket_entity, description="For values that are refs: the entity itself."
    )


def _buckets(root: Parent[catalog.Facet]) -> list[Bucket]:
    if root.field != "kind":
        return cast("Any", root.buckets)
    return cast("Any", [replace(row, value=shown_value(root.field, row.value)) for row in root.buckets])


@strawberry.type(description="Counts by one field, largest first, null last among equals.")
class Facet:
    field: str = strawberry.field(description="The field.")
    multi_valued: bool = strawberry.field(description="True: an entity counts in each of its buckets.")
    buckets: list[Bucket] = strawberry.field(resolver=_buckets, description="One a value.")
