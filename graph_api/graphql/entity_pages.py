"""Pages of entities as Relay connections over one store question; each list has the types of what it holds."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar, cast

import strawberry
from strawberry.relay import PageInfo

from graph_api.catalog.entity import Entity as CatalogEntity
from graph_api.catalog.filters import Filter, Sort
from graph_api.graphql import inputs
from graph_api.graphql.context import Info
from graph_api.graphql.filtering import compile_sort
from graph_api.graphql.pagination import keyset_page_info, page_arguments
from graph_api.graphql.types import Entity
from graph_api.store.protocol import PageRequest, Place, SortValue

T = TypeVar("T")

PageInput = tuple[int | None, str | None, int | None, str | None]
"""first, after, last, before."""


@strawberry.type(description="One entity of a list.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Its place in the list.")
    node: T = strawberry.field(description="The entity.")


@strawberry.type(description="A page of entities.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The entities of this page.")
    page_info: PageInfo = strawberry.field(description="Whether there is more on either side.")
    revision: int = strawberry.field(description="The catalog's revision that the page is of.")
    counted: strawberry.Private[Filter | int]

    @strawberry.field(description="The entities of this page.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many there are, whatever the page; costs only when asked.")
    async def total_count(self, info: Info) -> int:
        return self.counted if isinstance(self.counted, int) else await info.context.store.count(self.counted)


EntityConnection = Connection[Entity]

_SORT_TYPES: dict[str, type | tuple[type, ...]] = {
    "tier": (int, float, type(None)),
    "revision": (int, float, type(None)),
}


async def entity_page(
    info: Info, filter_: Filter, sort_input: inputs.EntitySort | None, page: PageInput, parent: str = ""
) -> Connection[Any]:
    """`parent` is the ref of the entity whose field this is."""
    sort = compile_sort(sort_input)
    arguments = page_arguments(info, (_SORT_TYPES.get(sort.field, (str, type(None))), str), *page, parent=parent)
    request = PageRequest(
        filter=filter_,
        sort=sort,
        limit=arguments.limit,
        after=_place(arguments.after),
        before=_place(arguments.before),
        backward=arguments.backward,
    )
    found = await info.context.store.page(request)
    edges = edges_of(found.entities, [arguments.cursor(sort_value(row, sort), row.ref) for row in found.entities])
    page_info = keyset_page_info(edges, arguments, found.more)
    return Connection(edges=edges, page_info=page_info, revision=found.revision, counted=filter_)


def edges_of(rows: Sequence[CatalogEntity], cursors: Sequence[str]) -> list[Edge[Any]]:
    return [Edge(cursor=cursor, node=cast("Any", row)) for row, cursor in zip(rows, cursors, strict=True)]


def _place(place: tuple[Any, ...] | None) -> Place | None:
    return Place(place[0], place[1]) if place else None


def sort_value(row: CatalogEntity, sort: Sort) -> SortValue:
    return cast("SortValue", getattr(row, sort.field))
