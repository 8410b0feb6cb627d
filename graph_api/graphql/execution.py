"""Execution that reads plain values directly.

graphql-core takes some 10 microseconds for each field: a path, an info object, calls through resolvers, type checks.
Most fields of a large answer need none of it: they are attributes of the row. These are read by projection.py; whatever
is not that simple, and every error, is left to the executor's own way, which also tells the place.

The variables of mutations may hold thousands of entities: they are checked in a thread, while the event loop answers
others.
"""

import asyncio
from collections.abc import Sequence, Sized
from inspect import isawaitable
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationType,
    execute,
    get_operation_ast,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph_api.graphql.context import Context
from graph_api.graphql.projection import Projection


async def execute_operation(schema: GraphQLSchema, document: DocumentNode, **options: Any) -> Any:
    """As graphql-core does it."""
    operation = get_operation_ast(document, options.get("operation_name"))
    if operation and operation.operation is OperationType.MUTATION:
        started = await asyncio.to_thread(execute, schema, document, **options)
    else:
        started = execute(schema, document, **options)
    return await started if isawaitable(started) else started


class CatalogExecutor(StrawberryGraphQLCoreExecutionContext):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wrapped = self.middleware_manager and self.middleware_manager.middlewares
        self._projection = None if wrapped else Projection(self.schema, self._asked_of)

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        read = self._projection and self._projection.field(parent_type, field_details_list)
        if read:
            try:
                return read([source])[0]
            except Exception:  # noqa: S110 - the executor's own way meets it again, and reports it
                pass
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Any,
        position_context: Any,
    ) -> Any:
        if isinstance(items, Sized) and isinstance(self.context_value, Context):
            self.context_value.count(len(items))
        read = self._projection and self._projection.value(item_type, field_details_list)
        if read and isinstance(items, Sequence):
            try:
                return read(list(items))
            except Exception:  # noqa: S110 - as above
                pass
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)

    def _asked_of(self, type_: GraphQLObjectType, details: Any) -> dict[str, Any]:
        # An @stream or @defer would have to be told apart; the schema has neither.
        return self.collect_subfields(type_, details).grouped_field_set
