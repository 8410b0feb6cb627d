"""Lists: pages by keyset, counts, facets, neighbours."""

from collections.abc import Collection, Sequence

from graph_api.catalog.filters import SORTABLE, And, Compare, Filter, LinkFilter, Op, Sort
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import FACET_FIELDS, Facet
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.facets import FACET_PROPERTIES, facet
from graph_api.store.neo4j.filters import Predicates, relation_types
from graph_api.store.neo4j.projection import WHOLE, Projection
from graph_api.store.neo4j.records import SORT_COPIES, sort_text
from graph_api.store.neo4j.sight import TRUE, Sight
from graph_api.store.neo4j.statements import Statements, in_batches
from graph_api.store.protocol import LinkPage, Neighbour, Page, PageRequest, Place, SortValue

_AT_ONCE = 20_000
"""Links that one statement holds at most."""


async def page(tx: Statements, request: PageRequest) -> Page:
    projection = tx.projection.with_field(request.sort.field)  # for its place
    query, parameters = page_statement(request, tx.sight, projection)
    rows = await tx.packed(query, **parameters)
    entities = tx.sight.redacted(map(projection.entity, rows[: request.limit]))
    return Page(entities[::-1] if request.backward else entities, len(rows) > request.limit, tx.revision)


def page_statement(request: PageRequest, sight: Sight, projection: Projection = WHOLE) -> tuple[str, dict[str, object]]:
    """Return the statement of a page, with its parameters. An index gives the order where it can: a predicate on its
    key says that all are in it.
    """
    predicates = Predicates(sight)
    where = [predicates.seen(request.filter, "e")]
    key, sort, sorted_by = _sort_key(request.sort), request.sort, SORTABLE[request.sort.field]
    never_null = not sorted_by.nullable and not sorted_by.number
    if never_null:
        where.append(f"{key} >= ''")
    parameters: dict[str, object] = {}
    for name, place, after in (("after", request.after, True), ("before", request.before, False)):
        if place is not None:
            if never_null and place.value is not None:
                where.append(_beyond_present(key, name, after=after, descending=sort.descending))
            else:
                where.append(_beyond(key, name, place, after=after, descending=sort.descending))
            parameters |= {f"{name}_value": _place_value(place), f"{name}_ref": place.ref}
    direction = "DESC" if sort.descending != request.backward else "ASC"
    order = [f"{key} {direction}", f"e.ref {'DESC' if request.backward else 'ASC'}"]
    if sort.field == "name" and _is_of_one_kind(request.filter):
        order.insert(0, f"e.kind {direction}")  # as in the index
    query = cypher.PAGE.format(where=" AND ".join(where), order=", ".join(order), entity=projection.text)
    return query, {"limit": request.limit + 1, **parameters, **predicates.parameters}


def _is_of_one_kind(filter_: Filter) -> bool:
    if isinstance(filter_, And):
        return any(map(_is_of_one_kind, filter_.items))
    return isinstance(filter_, Compare) and (filter_.field, filter_.op) == ("kind", Op.EQ)


def _sort_key(sort: Sort) -> str:
    return f"e.{sort.field}_sort" if sort.field in SORT_COPIES else f"e.{sort.field}"


def _place_value(place: Place) -> SortValue:
    return sort_text(place.value) if isinstance(place.value, str) else place.value


def _beyond_present(key: str, name: str, *, after: bool, descending: bool) -> str:
    """Return what _beyond() does where no value is null, and not an OR: the planner looks into that, and leaves the
    order of an index for it.
    """
    towards = ">=" if after != descending else "<="
    tie = f"e.ref {'>' if after else '<'} ${name}_ref"
    return f"{key} {towards} ${name}_value AND CASE WHEN {key} = ${name}_value THEN {tie} ELSE true END"


def _beyond(key: str, name: str, place: Place, *, after: bool, descending: bool) -> str:
    """Return the keyset predicate: nulls last ascending and first descending, ties by ref ascending."""
    than = ">" if after else "<"
    tie = f"e.ref {than} ${name}_ref"
    nulls_beyond = after != descending
    if place.value is None:
        others = "" if nulls_beyond else f" OR {key} IS NOT NULL"
        return f"(({key} IS NULL AND {tie}){others})"
    further = than if not descending else "<" if after else ">"
    nulls = f" OR {key} IS NULL" if nulls_beyond else ""
    return f"({key} {further} ${name}_value OR ({key} = ${name}_value AND {tie}){nulls})"


async def count(tx: Statements, filter_: Filter) -> int:
    predicates = Predicates(tx.sight)
    query = cypher.COUNT.format(where=predicates.seen(filter_, "e"))
    rows = await tx.rows(query, **predicates.parameters)
    number: int = rows[0]["n"]
    return number


async def facets(tx: Statements, filter_: Filter, fields: Sequence[str]) -> dict[str, Facet]:
    predicates = Predicates(tx.sight)
    where = predicates.seen(filter_, "e")
    found = {}
    for field in fields:
        skeleton = cypher.FACET_MANY if FACET_FIELDS[field] else cypher.FACET_ONE
        query = skeleton.format(where=where, key=tx.sight.values("e", FACET_PROPERTIES[field]))
        found[field] = facet(field, dict(await tx.packed(query, **predicates.parameters)))
    return found


async def neighbours(
    tx: Statements,
    refs: Collection[Ref],
    direction: Direction,
    relations: Collection[str],
    link_where: LinkFilter | None,
    page: LinkPage,
) -> dict[Ref, list[Neighbour]]:
    found: dict[Ref, list[Neighbour]] = {ref: [] for ref in refs}
    if not relations or not refs:
        return found
    predicates = Predicates(tx.sight)
    where, places = _within(page)
    query = cypher.NEIGHBOURS_OUT if direction is Direction.OUT else cypher.NEIGHBOURS_IN
    text = query.format(
        types=relation_types(relations),
        where=" AND ".join([_link_predicate(predicates, link_where), *where]),
        order="DESC" if page.backward else "ASC",
        limit="" if page.limit is None else "LIMIT $limit",
        entity=tx.projection.text,
        link=tx.projection.link_text,
    )
    parameters = {"limit": page.limit, **places, **predicates.parameters}
    size = len(found) if page.limit is None else max(1, _AT_ONCE // page.limit)
    rows = [row for some in in_batches(found, size) for row in await tx.packed(text, refs=some, **parameters)]
    entities = tx.sight.redacted(tx.projection.entity(entity) for _, _, entity in rows)
    for (ref, link, _), entity in list(zip(rows, entities, strict=True))[:: -1 if page.backward else 1]:
        found[ref].append(Neighbour(ref, tx.projection.link(link), entity))
    return found


def _within(page: LinkPage) -> tuple[list[str], dict[str, str]]:
    """Keyset predicates on a link `r` to an entity `o`, and their parameters."""
    where: list[str] = []
    parameters: dict[str, str] = {}
    for name, place, text in (("after", page.after, cypher.AFTER_LINK), ("before", page.before, cypher.BEFORE_LINK)):
        if place:
            where.append(text)
            values = {"ref": place.ref, "relation": place.relation, "environment": place.environment or ""}
            parameters |= {f"{name}_{key}": value for key, value in values.items()}
    return where, parameters


def _link_predicate(predicates: Predicates, link_where: LinkFilter | None) -> str:
    """Return the predicate on a link `r` between entities `s` and `o`."""
    sight = predicates.sight
    link = TRUE if link_where is None else predicates.link(link_where, "r")
    return link if sight.whole else f"{sight.node('s')} AND {sight.node('o')} AND {link}"


async def neighbour_counts(
    tx: Statements,
    refs: Collection[Ref],
    direction: Direction,
    relations: Collection[str],
    link_where: LinkFilter | None,
) -> dict[Ref, int]:
    counts = dict.fromkeys(refs, 0)
    if not relations or not refs:
        return counts
    predicates = Predicates(tx.sight)
    query = cypher.NEIGHBOUR_COUNTS_OUT if direction is Direction.OUT else cypher.NEIGHBOUR_COUNTS_IN
    text = query.format(types=relation_types(relations), where=_link_predicate(predicates, link_where))
    return counts | dict(await tx.packed(text, refs=list(counts), **predicates.parameters))
