"""Dependency and impact questions: arguments in, one traversal out."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any, TypeAlias, cast

import strawberry

from graph_api.catalog.filters import Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import IMPACT_RELATIONS, RELATIONS, Direction
from graph_api.catalog.traversal import DEFAULT_BUDGET, MAX_BUDGET, MAX_DEPTH, Traversal
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql import inputs
from graph_api.graphql.arguments import After, Before, First, Last, Relations, described
from graph_api.graphql.batches import batched
from graph_api.graphql.context import Info
from graph_api.graphql.filtering import chosen_relations, compile_filter, compile_link_filter
from graph_api.graphql.named import named_entities
from graph_api.graphql.pagination import check_first, page_arguments
from graph_api.graphql.refs import MAX_REFS, check_exist, parse_ref_input, parse_ref_inputs
from graph_api.graphql.selection import selects
from graph_api.graphql.types import Entity
from graph_api.graphql.walks import HitConnection, Path, Walk
from graph_api.store.protocol import PageRequest

MAX_SECONDS = 30.0
MAX_PATHS = 100


@batched
@strawberry.input(description="How much work a walk may do.")
class Budget:
    entities: int = strawberry.field(
        default=DEFAULT_BUDGET,
        description="Only this many are reached, nearest first; at most 1,000,000. Not for `paths`.",
    )
    seconds: float | None = strawberry.field(
        default=None, description="Deadline: 5 unless the server says otherwise, at most 30; past it there is an error."
    )


@batched
@strawberry.input(description="How to walk.")
class WalkOptions:
    relations: list[inputs.RelationName] | None = strawberry.field(
        default=None, description="Which relations to walk; all that carry impact when left out."
    )
    max_depth: int | None = strawberry.field(default=None, description="How many links far, from 1 to 50.")
    link_where: inputs.LinkFilter | None = strawberry.field(default=None, description="Every link of a walk matches.")
    through: inputs.EntityFilter | None = strawberry.field(
        default=None, description="Only entities that match are walked through (starts always are); others can be hits."
    )
    keep: inputs.EntityFilter | None = strawberry.field(
        default=None, description="Only hits that match are returned; not for `paths`."
    )
    budget: Budget | None = strawberry.field(default=None, description="Limits of the walk.")


WalkArgument: TypeAlias = Annotated[WalkOptions | None, described("How to walk.")]
StartRefs: TypeAlias = Annotated[
    list[str] | None,
    described(
        "Refs, `kind:namespace/name`; at most 1,000. A system, domain or group does not stand for its parts: ask for "
        "those by `where`."
    ),
]
StartFilter: TypeAlias = Annotated[
    inputs.EntityFilter | None,
    described("Instead of `of`: all that match, at most 1,000, such as the parts of a system by `system`."),
]


async def _traversal(
    info: Info, start: Sequence[Ref], direction: Direction, options: WalkOptions | None, depth: int | None
) -> tuple[Traversal, float]:
    """Return the checked traversal and its deadline in seconds."""
    options = options or WalkOptions()
    start = await check_exist(info, start)
    budget = options.budget or Budget()
    traversal = Traversal(
        start=tuple(sorted(set(start))),
        direction=direction,
        relations=chosen_relations(options.relations, IMPACT_RELATIONS),
        max_depth=_depth(options.max_depth) or depth,
        link_where=compile_link_filter(options.link_where),
        through=await compile_filter(options.through, info.context),
        keep=await compile_filter(options.keep, info.context),
        budget=_in_range("budget.entities", budget.entities, 1, MAX_BUDGET),
    )
    return traversal, _deadline(info, budget)


def _depth(depth: int | None) -> int | None:
    if depth is None:
        return None
    if depth > MAX_DEPTH:
        raise CatalogError(ErrorCode.TOO_DEEP, f"`maxDepth` goes from 1 to {MAX_DEPTH}; got {depth}")
    return _in_range("maxDepth", depth, 1, MAX_DEPTH)


def _in_range(name: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise CatalogError(ErrorCode.BAD_INPUT, f"`{name}` goes from {low:,} to {high:,}; got {value}")
    return value


def _deadline(info: Info, budget: Budget) -> float:
    if budget.seconds is None:
        return info.context.deadline
    if not 0 < budget.seconds <= MAX_SECONDS:
        raise CatalogError(
            ErrorCode.BAD_INPUT, f"`budget.seconds` is above 0 and at most {MAX_SECONDS:g}; got {budget.seconds:g}"
        )
    return budget.seconds


async def _hits(
    info: Info,
    start: Sequence[Ref],
    direction: Direction,
    options: WalkOptions | None,
    depth: int | None,
    page: tuple[int | None, str | None, int | None, str | None],
) -> HitConnection:
    arguments = page_arguments(info, (int, str), *page)
    traversal, deadline = await _traversal(info, start, direction, options, depth)
    return HitConnection(
        walk=Walk(info.context.store, traversal, deadline), arguments=arguments, severity=selects(info, "severity")
    )


async def _start(info: Info, of: list[str] | None, where: inputs.EntityFilter | None) -> list[Ref]:
    if (of is None) == (where is None):
        raise CatalogError(ErrorCode.BAD_INPUT, "give exactly one of `of` (refs) and `where` (a filter)")
    if of is not None:
        return parse_ref_inputs(of)
    store = info.context.store
    page = await store.page(
        PageRequest(filter=await compile_filter(where, info.context), sort=Sort("ref"), limit=MAX_REFS)
    )
    if page.more:
        raise CatalogError(ErrorCode.TOO_LARGE, f"`where` matches more than {MAX_REFS} entities; narrow it")
    return [row.ref for row in page.entities]


def _walk(direction: Direction, description: str, *, impact: bool = False) -> Any:
    """Return a field for what a walk from some entities hits: one link far unless the client says how far, or with
    `impact` at any distance.
    """

    async def resolve(
        info: Info,
        of: StartRefs = None,
        where: StartFilter = None,
        walk: WalkArgument = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> HitConnection:
        if impact:
            _check_impact(walk)
        start, depth = await _start(info, of, where), None if impact else 1
        return await _hits(info, start, direction, walk, depth, (first, after, last, before))

    return strawberry.field(resolver=resolve, description=description)


def _check_impact(walk: WalkOptions | None) -> None:
    structural = [name.value for name in (walk.relations or () if walk else ()) if not RELATIONS[name.value].impact]
    if structural:
        raise CatalogError(
            ErrorCode.BAD_INPUT, f"{', '.join(structural)} carries no impact; `dependents` walks structural relations"
        )


@strawberry.type(description="All shortest paths between two entities, ordered by their refs.")
class Paths:
    paths: list[Path] = strawberry.field(description="The paths.")
    more: bool = strawberry.field(description="There are more than `first`.")


async def _paths(
    info: Info,
    from_: Annotated[str, strawberry.argument(name="from", description="The ref of what depends.")],
    to: Annotated[str, described("The ref of what it needs.")],
    walk: WalkArgument = None,
    first: Annotated[int, described("At most 100.")] = 10,
) -> Paths:
    check_first(first, MAX_PATHS)
    if walk and walk.keep not in (None, inputs.EntityFilter()):
        message = "`keep` chooses among hits, and paths have none; `through` says what they may pass"
        raise CatalogError(ErrorCode.BAD_INPUT, message)
    if walk and walk.budget and walk.budget.entities != DEFAULT_BUDGET:
        message = "`budget.entities` chooses among what is reached, and paths have only what is on them; `maxDepth` "
        raise CatalogError(ErrorCode.BAD_INPUT, message + "and `budget.seconds` limit them")
    start, end = parse_ref_input(from_), parse_ref_input(to)
    start, end = await check_exist(info, [start, end])
    traversal, deadline = await _traversal(info, [start], Direction.OUT, walk, None)
    return cast("Any", await info.context.store.paths(start, end, traversal, first, deadline=deadline))


@strawberry.type(description="Entities that need each other.")
class Cycle:
    members: list[Entity] = strawberry.field(
        resolver=named_entities(attrgetter("members")),
        description="Every entity that can reach itself through the others, by ref.",
    )
    path: list[Entity] = strawberry.field(
        resolver=named_entities(attrgetter("path")),
        description="One shortest cycle among them; the first is repeated at the end.",
    )


@strawberry.type(description="Cycles, ordered by their first member.")
class Cycles:
    nodes: list[Cycle] = strawberry.field(description="The cycles.")
    total_count: int = strawberry.field(description="How many there are.")


async def _cycles(
    info: Info,
    relations: Relations = None,
    first: Annotated[int | None, described("How many, at most a page; 20 when left out.")] = None,
) -> Cycles:
    limit = check_first(first, info.context.max_page)
    chosen = chosen_relations(relations, IMPACT_RELATIONS)
    found = await info.context.store.cycles(chosen, deadline=info.context.deadline)
    return Cycles(nodes=cast("Any", found[:limit]), total_count=len(found))


@strawberry.type
class TraversalQuery:
    dependencies: HitConnection | None = _walk(
        Direction.OUT,
        "What these (`of`, or all that match `where`) need: directly, or as far as walk.maxDepth says.",
    )
    dependents: HitConnection | None = _walk(
        Direction.IN,
        "What needs these (`of`, or all that match `where`): directly, or as far as walk.maxDepth says.",
    )
    impact: HitConnection | None = _walk(
        Direction.IN,
        "What is affected if these (`of`, or all that match `where`) change or fail, at any distance: how far, through "
        "what, how hard, and whose.",
        impact=True,
    )
    paths: Paths | None = strawberry.field(resolver=_paths, description="How one entity depends on another.")
    cycles: Cycles | None = strawberry.field(resolver=_cycles, description="Entities that depend on themselves.")
