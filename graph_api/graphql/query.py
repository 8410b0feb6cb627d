"""The questions: what there is, who owns it, what it needs, and what breaks."""

from typing import Annotated, Any, cast

import strawberry

from graph_api.graphql.arguments import FilterArgument, described
from graph_api.graphql.audit_log import AuditQuery
from graph_api.graphql.changes import ChangeQuery
from graph_api.graphql.context import Info
from graph_api.graphql.drift import DriftQuery
from graph_api.graphql.entity_lists import EntityLists
from graph_api.graphql.entity_pages import EntityConnection
from graph_api.graphql.facets import Facet, FacetField
from graph_api.graphql.filtering import compile_filter
from graph_api.graphql.ownership import OwnershipQuery
from graph_api.graphql.refs import parse_global_id, parse_global_ids, parse_ref_input
from graph_api.graphql.resolving import called
from graph_api.graphql.runs import RunQuery
from graph_api.graphql.searching import search
from graph_api.graphql.traversals import TraversalQuery
from graph_api.graphql.types import Entity, Node
from graph_api.graphql.viewer import Viewer, resolve_viewer
from graph_api.graphql.why import Why, resolve_why


async def _node(info: Info, id: Annotated[strawberry.ID, described("From the field `id`.")]) -> Node | None:
    return cast("Any", await info.context.loaders.entity.load(parse_global_id(id)))


async def _nodes(
    info: Info, ids: Annotated[list[strawberry.ID], described("From the field `id`; at most 1,000.")]
) -> list[Node | None]:
    return cast("Any", await info.context.loaders.entity.load_many(parse_global_ids(ids)))


async def _entity(info: Info, ref: Annotated[str, described("`kind:namespace/name`.")]) -> Entity | None:
    return cast("Any", await info.context.loaders.entity.load(parse_ref_input(ref)))


async def _resolve(
    info: Info,
    identifier: Annotated[
        str,
        described(
            "As any tool writes it: an image with or without tag and digest, a host with or without port, a name "
            "without the scheme that a source states it under, a ref. Where nothing is called so, what it lies in: "
            "the host of a URL, the repository of a file, the workload of a pod (`NAMESPACE/NAME`)."
        ),
    ],
) -> list[Entity]:
    return cast("Any", await called(info.context, identifier))


async def _facets(
    info: Info,
    fields: Annotated[list[FacetField], described("What to count by.")],
    filter: FilterArgument = None,
) -> list[Facet]:
    store = info.context.store
    names = list(dict.fromkeys(field.value for field in fields))
    found = await store.facets(await compile_filter(filter, info.context), names)
    return cast("Any", [found[name] for name in names])


# Every field is nullable, so that one that fails leaves the answers of the others.
@strawberry.type(description="The questions that the catalog answers.")
class Query(EntityLists, OwnershipQuery, TraversalQuery, DriftQuery, RunQuery, ChangeQuery, AuditQuery):
    viewer: Viewer | None = strawberry.field(
        resolver=resolve_viewer, description="Who asks, and what the server lets them do."
    )
    node: Node | None = strawberry.field(resolver=_node, description="Anything by its global id.")
    nodes: list[Node | None] | None = strawberry.field(
        resolver=_nodes, description="By global ids, in order, with nulls."
    )
    entity: Entity | None = strawberry.field(
        resolver=_entity, description="By ref; null where nothing declares it or points to it."
    )
    resolve: list[Entity] | None = strawberry.field(
        resolver=_resolve,
        description="By any foreign name that a source stated: repository URL, image, ARN, host name, handle, former "
        "ref, or the value of an annotation that names the entity itself. Several entities can share one; none is "
        "guessed. By ref, after the one whose ref it is.",
    )
    why: Why | None = strawberry.field(
        resolver=resolve_why,
        description="Which sources tell of an entity, and which identifiers joined it.",
    )
    search: EntityConnection | None = strawberry.field(
        resolver=search,
        description="Best first, by names, titles, descriptions and tags; words may be incomplete, and mistyped by one "
        "character where nothing is found otherwise; the first or last may be the kind or type. Exact names come "
        "first, then those that start so. A text that no words find is looked for as `resolve` does. At most 1,000 are "
        "found.",
    )
    facets: list[Facet] | None = strawberry.field(
        resolver=_facets, description="Counts of the entities that match, by fields."
    )
