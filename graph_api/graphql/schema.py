"""The public contract: schema/schema.graphql is printed from here and compared in CI."""

from strawberry.schema.config import StrawberryConfig

from graph_api.graphql.document_cache import ValidDocuments
from graph_api.graphql.entity_types import ENTITY_TYPES
from graph_api.graphql.error_format import CatalogSchema
from graph_api.graphql.execution import CatalogExecutor
from graph_api.graphql.gate import guard
from graph_api.graphql.limits import DocumentLimits, Limits
from graph_api.graphql.mutation import Mutation
from graph_api.graphql.observing import Observed
from graph_api.graphql.query import Query
from graph_api.graphql.subscription import Subscription
from graph_api.graphql.times import SCALARS


def create_schema(limits: Limits) -> CatalogSchema:
    """Return the schema, refusing documents beyond `limits`."""
    valid = ValidDocuments()
    schema = CatalogSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=ENTITY_TYPES,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not limits.suggestions),
        extensions=[Observed, lambda: DocumentLimits(limits, valid)],
        execution_context_class=CatalogExecutor,
    )
    guard(schema._schema)
    return schema


schema = create_schema(Limits())
"""The schema with the default limits."""
