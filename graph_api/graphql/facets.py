"""Counts by one field."""

from enum import Enum
from typing import Any, cast

import strawberry
from strawberry import Parent

from graph_api.catalog import traversal as catalog
from graph_api.catalog.ref import Ref
from graph_api.graphql.context import Info
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


async def _bucket_entity(root: Parent[catalog.Bucket], info: Info) -> Entity | None:
    # What an entity refers to is in the catalog, declared or not; a tag that looks like a ref need not be.
    return cast("Any", await info.context.loaders.entity.load(Ref(root.value))) if root.value else None


@strawberry.type(description="How many entities have one value.")
class Bucket:
    value: str | None = strawberry.field(description="The value; null for entities that have none.")
    count: int = strawberry.field(description="How many.")
    entity: Entity | None = strawberry.field(
        resolver=_bucket_entity, description="For values that are refs: the entity itself."
    )


@strawberry.type(description="Counts by one field, largest first, null last among equals.")
class Facet:
    field: str = strawberry.field(description="The field.")
    multi_valued: bool = strawberry.field(description="True: an entity counts in each of its buckets.")
    buckets: list[Bucket] = strawberry.field(description="One a value.")
