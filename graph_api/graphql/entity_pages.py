"""Pages of entities as Relay connections over one store question; each list has the types of what it holds."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

import strawberry
from strawberry.relay import PageInfo

from graph_api.catalog.entity import Entity as CatalogEntity
from graph_api.catalog.filters import SORTABLE, Filter, Sort
from graph_api.graphql import inputs
from graph_api.graphql.context import Info
from graph_api.graphql.filtering import compile_sort
from graph_api.graphql.pagination import PageArguments, more_on_sides, page_arguments, page_info
from graph_api.graphql.types import Entity
from graph_api.store.protocol import PageRequest, Place

T = TypeVar("T")

PageInput = tuple[int | None, str | None, int | None, str | None]
"""The values of first, after, last and before."""


Cursors = Callable[[int], str]
"""The cursor of the row at a place of the page."""


@strawberry.type(description="One entity of a list.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(resolver=lambda root: root.cursors(root.place), description="Its place in the list.")
    node: T = strawberry.field(description="The entity.")
    place: strawberry.Private[int]
    cursors: strawberry.Private[Cursors]


@strawberry.type(description="A page of entities.")
class Connection(Generic[T]):
    """A Relay connection, whose cursors are made where they are asked for."""

    rows: strawberry.Private[Sequence[CatalogEntity | None]]
    cursors: strawberry.Private[Cursors]
    more_before: strawberry.Private[bool]
    more_after: strawberry.Private[bool]
    counted: strawberry.Private[Filter | int]
    read_at: strawberry.Private[int | None] = None
    """The revision that it was read at; None where nobody has asked for it yet."""

    @strawberry.field(description="The entities of this page.")
    def edges(self) -> list[Edge[T]]:
        return [Edge(node=cast("Any", row), place=place, cursors=self.cursors) for place, row in enumerate(self.rows)]

    @strawberry.field(description="Whether there is more on either side.")
    def page_info(self) -> PageInfo:
        ends = [self.cursors(place) for place in (0, len(self.rows) - 1)] if self.rows else []
        return page_info(ends, self.more_before, self.more_after)

    @strawberry.field(description="The catalog's revision that the page is of.")
    async def revision(self, info: Info) -> int:
        return await info.context.store.revision() if self.read_at is None else self.read_at

    @strawberry.field(description="The entities of this page.")
    def nodes(self) -> list[T]:
        return cast("Any", self.rows)

    @strawberry.field(description="How many there are, whatever the page; costs only when asked.")
    async def total_count(self, info: Info) -> int:
        return self.counted if isinstance(self.counted, int) else await info.context.store.count(self.counted)


EntityConnection = Connection[Entity]


async def entity_page(
    info: Info, filter_: Filter, sort_input: inputs.EntitySort | None, page: PageInput, parent: str = ""
) -> Connection[Any]:
    """Return a page of entities. `parent` is the ref of the entity whose field this is."""
    sort = compile_sort(sort_input)
    arguments = page_arguments(info, (_value_types(sort), str), *page, parent=parent)
    request = PageRequest(
        filter=filter_,
        sort=sort,
        limit=arguments.limit,
        after=_place(arguments.after),
        before=_place(arguments.before),
        backward=arguments.backward,
    )
    found = await info.context.store.page(request)
    before, after = more_on_sides(arguments, found.more)
    return Connection(
        rows=found.entities,
        cursors=lambda place: _cursor(arguments, found.entities[place], sort),
        more_before=before,
        more_after=after,
        counted=filter_,
        read_at=found.revision,
    )


def _value_types(sort: Sort) -> tuple[type, ...]:
    field = SORTABLE[sort.field]
    types: tuple[type, ...] = (int, float) if field.number else (str,)
    return (*types, type(None)) if field.nullable else types


def _cursor(page: PageArguments, row: CatalogEntity, sort: Sort) -> str:
    return page.cursor(getattr(row, sort.field), row.ref)


def _place(place: tuple[Any, ...] | None) -> Place | None:
    return Place(place[0], place[1]) if place else None
