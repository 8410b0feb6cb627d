"""The public contract: schema/schema.graphql is printed from here and compared in CI."""

import strawberry

from graph_api.graphql.entity_types import ENTITY_TYPES
from graph_api.graphql.mutation import Mutation
from graph_api.graphql.query import Query

schema = strawberry.Schema(query=Query, mutation=Mutation, types=ENTITY_TYPES)
