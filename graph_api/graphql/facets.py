"""Counts by one field."""

from enum import Enum
from typing import Any, cast

import strawberry
from strawberry import Parent

from graph_api.catalog import traversal as catalog
from graph_api.catalog.ref import Ref
from graph_api.graphql.context import Info
from graph_api.graphql.types import Entity, load_entity


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


_OF_REFS = frozenset({"owner", "system", "domain", "environment"})


@strawberry.type(description="How many entities have one value.")
class Bucket:
    value: str | None = strawberry.field(description="The value; null for entities that have none.")
    count: int = strawberry.field(description="How many.")
    is_ref: strawberry.Private[bool]

    @strawberry.field(description="For fields whose values are refs: the entity itself.")
    async def entity(self, info: Info) -> Entity | None:
        return cast("Any", await load_entity(info, Ref(self.value))) if self.is_ref and self.value else None


def _buckets(root: Parent[catalog.Facet]) -> list[Bucket]:
    is_ref = root.field in _OF_REFS
    return [Bucket(value=row.value, count=row.count, is_ref=is_ref) for row in root.buckets]


@strawberry.type(description="Counts by one field, largest first, null last among equals.")
class Facet:
    field: str = strawberry.field(description="The field.")
    multi_valued: bool = strawberry.field(description="True: an entity counts in each of its buckets.")
    buckets: list[Bucket] = strawberry.field(resolver=_buckets, description="One a value.")
