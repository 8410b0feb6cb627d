"""Pages of the links of entities: those of all rows of a list are one question to the store."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import strawberry
from strawberry import Parent
from strawberry.relay import PageInfo

from graph_api.catalog import entity as catalog
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import IMPACT_RELATIONS, RELATIONS, Direction
from graph_api.graphql import inputs
from graph_api.graphql.arguments import After, AllRelations, Before, First, Last, LinkWhere, Relations, described
from graph_api.graphql.calls import answered_together
from graph_api.graphql.connections import Dated
from graph_api.graphql.context import Info
from graph_api.graphql.filtering import chosen_relations, compile_link_filter
from graph_api.graphql.links import Link
from graph_api.graphql.loaders import NeighbourQuestion
from graph_api.graphql.pagination import PageArguments, more_on_sides, page_arguments, page_info
from graph_api.store.protocol import LinkPage, LinkPlace, Neighbour

if TYPE_CHECKING:
    from graph_api.graphql.types import Entity

_Entity: TypeAlias = Annotated["Entity", strawberry.lazy("graph_api.graphql.types")]

_PLACE = (str, str, (str, type(None)))
"""Types of a cursor's place, see _cursor()."""


def _cursor(page: PageArguments, row: Neighbour) -> str:
    return page.cursor(row.entity.ref, row.link.key.relation, row.link.key.environment)


@strawberry.type(description="One link of an entity and the entity at its other end.")
class LinkEdge:
    cursor: str = strawberry.field(
        resolver=lambda root: _cursor(root.page, root.row), description="The place of this link in the list."
    )
    node: _Entity = strawberry.field(resolver=lambda root: root.row.entity, description="The entity at the other end.")
    link: Link = strawberry.field(resolver=lambda root: root.row.link, description="The link with its properties.")
    row: strawberry.Private[Neighbour]
    page: strawberry.Private[PageArguments]


@strawberry.type(description="Links of one entity, ordered by the ref at the other end, relation and environment.")
class LinkConnection(Dated):
    rows: strawberry.Private[Sequence[Neighbour]]
    page: strawberry.Private[PageArguments]
    more: strawberry.Private[bool]
    question: strawberry.Private[NeighbourQuestion]
    ref: strawberry.Private[Ref]

    @strawberry.field(description="The links of this page.")
    def edges(self) -> list[LinkEdge]:
        page = self.page.under(self.ref)
        return [LinkEdge(row=row, page=page) for row in self.rows]

    @strawberry.field(description="Whether there is more on either side.")
    def page_info(self) -> PageInfo:
        page = self.page.under(self.ref)
        ends = [_cursor(page, self.rows[place]) for place in (0, -1)] if self.rows else []
        return page_info(ends, *more_on_sides(page, self.more))

    @strawberry.field(description="The entities at the other ends, link by link.")
    def nodes(self) -> list[_Entity]:
        return cast("Any", [row.entity for row in self.rows])

    @strawberry.field(description="How many links there are; costs only when asked.")
    async def total_count(self, info: Info) -> int:
        return await info.context.loaders.neighbour_count(self.question).load(self.ref)


async def link_connections(
    roots: Sequence[catalog.Entity],
    info: Info,
    direction: Direction,
    relations: tuple[str, ...],
    *,
    link_where: inputs.LinkFilter | None = None,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> list[LinkConnection]:
    """Return the page of links of each entity."""
    # A cursor is of one entity alone: all have the same range, or some do not fit it.
    asked = roots[:1] if after is None and before is None else roots
    page, *_ = [page_arguments(info, _PLACE, first, after, last, before, root.ref) for root in asked]
    question = NeighbourQuestion(direction, relations, compile_link_filter(link_where), _link_page(page))
    found = await info.context.loaders.neighbours(question).load_many(root.ref for root in roots)
    return [_connection(root.ref, page, rows, question) for root, rows in zip(roots, found, strict=True)]


def _link_page(page: PageArguments) -> LinkPage:
    return LinkPage(
        limit=page.limit + 1,
        after=LinkPlace(*page.after) if page.after else None,
        before=LinkPlace(*page.before) if page.before else None,
        backward=page.backward,
    )


def _connection(ref: Ref, page: PageArguments, found: list[Neighbour], question: NeighbourQuestion) -> LinkConnection:
    kept = found[-page.limit :] if page.backward else found[: page.limit]
    return LinkConnection(rows=kept, page=page, more=len(found) > page.limit, question=question, ref=ref)


def link_field(relations: Sequence[str], direction: Direction, description: str) -> Any:
    """Return a field for links by these relations, read one way."""
    many = partial(link_connections, direction=direction, relations=tuple(relations))

    async def resolve(
        root: Parent[catalog.Entity],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> LinkConnection:
        return (await many([root], info, first=first, after=after, last=last, before=before))[0]

    return strawberry.field(resolver=answered_together(resolve, many), description=description)


async def _related_of(
    roots: Sequence[catalog.Entity],
    info: Info,
    direction: Direction,
    relations: Sequence[inputs.RelationName] | None = None,
    **asked: Any,
) -> list[LinkConnection]:
    return await link_connections(roots, info, direction, chosen_relations(relations, tuple(RELATIONS)), **asked)


async def _related(
    root: Parent[catalog.Entity],
    info: Info,
    direction: Annotated[Direction, described("OUT: what it points to. IN: what points to it.")],
    relations: AllRelations = None,
    link_where: LinkWhere = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> LinkConnection:
    page = {"first": first, "after": after, "last": last, "before": before}
    return (await _related_of([root], info, direction, relations, link_where=link_where, **page))[0]


related = answered_together(_related, _related_of)
"""Resolves links by any relations, one way."""


def impact_links(direction: Direction) -> Any:
    """Return a resolver of links by relations that carry impact."""

    async def resolve(
        root: Parent[catalog.Entity],
        info: Info,
        relations: Relations = None,
        link_where: LinkWhere = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> LinkConnection:
        page = {"first": first, "after": after, "last": last, "before": before}
        return (await many([root], info, relations, link_where=link_where, **page))[0]

    async def many(
        roots: Sequence[catalog.Entity],
        info: Info,
        relations: Sequence[inputs.RelationName] | None = None,
        **asked: Any,
    ) -> list[LinkConnection]:
        return await link_connections(roots, info, direction, chosen_relations(relations, IMPACT_RELATIONS), **asked)

    return answered_together(resolve, many)
