"""What groups and users own: as a question, and as a field of each of them."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, TypeAlias

from strawberry import Parent

from graph_api.catalog import entity as catalog
from graph_api.catalog.filters import And, Filter
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql import inputs
from graph_api.graphql.arguments import After, Before, FilterArgument, First, Last, Refs, SortArgument, described
from graph_api.graphql.context import Info
from graph_api.graphql.entity_pages import EntityConnection, PageInput, entity_page
from graph_api.graphql.filtering import compile_filter, owned_filter
from graph_api.graphql.refs import check_exist, parse_ref_inputs
from graph_api.store.protocol import Reading

MAX_OWNED_FIELDS = 20
"""Entities that `owned` may be asked of in one request: each is a page of its own, which one question to the store
cannot answer for many."""

IncludeSubgroups: TypeAlias = Annotated[bool, described("Also what groups below them own.")]
Effective: TypeAlias = Annotated[bool, described("Also inherited and inferred ownership.")]
ViaGroups: TypeAlias = Annotated[bool, described("For users: also what their groups own.")]


async def owned(
    info: Info,
    by: Refs,
    include_subgroups: IncludeSubgroups = True,
    effective: Effective = True,
    via_groups: ViaGroups = False,
    filter: FilterArgument = None,
    sort: SortArgument = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> EntityConnection:
    owners = await check_exist(info, parse_ref_inputs(by, kind="group"))
    condition = await _condition(info.context.store, owners, include_subgroups, effective, via_groups)
    return await _page(info, condition, filter, sort, (first, after, last, before))


async def owned_by_this(
    root: Parent[catalog.Entity],
    info: Info,
    include_subgroups: IncludeSubgroups = True,
    effective: Effective = True,
    via_groups: ViaGroups = False,
    filter: FilterArgument = None,
    sort: SortArgument = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> EntityConnection:
    info.context.owned_fields += 1
    # All of a list are counted before any is answered: questions that others end half-way would cost connections.
    await asyncio.sleep(0)
    if info.context.owned_fields > MAX_OWNED_FIELDS:
        message = f"`owned` is answered for at most {MAX_OWNED_FIELDS} entities in one request; ask for fewer"
        raise CatalogError(ErrorCode.TOO_LARGE, message)
    condition = await _condition(info.context.store, [root.ref], include_subgroups, effective, via_groups)
    return await _page(info, condition, filter, sort, (first, after, last, before), root.ref)


async def _condition(
    store: Reading, owners: Sequence[Ref], include_subgroups: bool, effective: bool, via_groups: bool
) -> Filter:
    asked = list(owners)
    if via_groups:
        asked += await _groups_of(store, [ref for ref in owners if kind_of(ref) == "user"])
    if include_subgroups:
        asked = await store.subgroups(asked)
    return owned_filter(asked, effective)


async def _groups_of(store: Reading, users: list[Ref]) -> list[Ref]:
    found = await store.neighbours(users, Direction.OUT, ("MEMBER_OF",)) if users else {}
    return [neighbour.entity.ref for neighbours in found.values() for neighbour in neighbours]


async def _page(
    info: Info,
    condition: Filter,
    filter_: inputs.EntityFilter | None,
    sort: inputs.EntitySort | None,
    page: PageInput,
    parent: str = "",
) -> EntityConnection:
    compiled = await compile_filter(filter_, info.context)
    return await entity_page(info, And((condition, compiled)), sort, page, parent)
