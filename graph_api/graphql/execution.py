"""Execution that reads plain values directly.

graphql-core takes some 10 microseconds for each field: a path, an info object, calls through resolvers, type checks.
Most fields of a large answer need none of it: they are attributes of the row, of a scalar or enum type. These are read
here; whatever is not that simple, and every error, is left to the executor's own way, which also tells the place.

The variables of mutations may hold thousands of entities: they are checked in a thread, while the event loop answers
others.
"""

import asyncio
from collections.abc import Callable, Sequence
from inspect import isawaitable
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationType,
    Undefined,
    execute,
    get_named_type,
    get_operation_ast,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

_DEFINITION = "strawberry-definition"


class _Plain(NamedTuple):
    """A field that is an attribute of the row."""

    response_name: str
    attribute: str
    coerce: Callable[[Any], Any]
    nullable: bool


class _NotPlainError(Exception):
    pass


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
        # The keys are kept alive, so that an id is not used again.
        self._plain_fields: dict[tuple[str, int], tuple[Any, _Plain | None]] = {}
        self._plain_sets: dict[tuple[str, int], tuple[Any, list[_Plain] | None]] = {}

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        field = self._plain_field(parent_type, path.key, field_details_list)
        if field:
            try:
                return _read(source, field)
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
        fields = self._plain_set(item_type, field_details_list) if isinstance(items, Sequence) else None
        if fields:
            try:
                return [{field.response_name: _read(item, field) for field in fields} for item in items]
            except Exception:  # noqa: S110 - as above
                pass
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)

    def _plain_set(self, item_type: GraphQLOutputType, details: Any) -> list[_Plain] | None:
        """All fields that are asked of the items, if all of them are plain."""
        named = get_named_type(item_type)
        if not is_object_type(named) or named.is_type_of or is_list_type(_nullable(item_type)):
            return None
        key = (named.name, id(details))
        if key not in self._plain_sets:
            self._plain_sets[key] = (details, self._all_plain(named, details))
        return self._plain_sets[key][1]

    def _all_plain(self, named: GraphQLObjectType, details: Any) -> list[_Plain] | None:
        # An @stream or @defer would have to be told apart; the schema has neither.
        grouped = self.collect_subfields(named, details).grouped_field_set
        fields = [self._plain_field(named, name, inner) for name, inner in grouped.items()]
        found = [field for field in fields if field]
        return found if len(found) == len(fields) else None

    def _plain_field(self, parent_type: GraphQLObjectType, response_name: str, details: Any) -> _Plain | None:
        key = (parent_type.name, id(details))
        if key not in self._plain_fields:
            definition = self.schema.get_field(parent_type, details[0].node.name.value)
            wrapped = self.middleware_manager and self.middleware_manager.middlewares
            plain = _plain(response_name, definition) if definition and not wrapped else None
            self._plain_fields[key] = (details, plain)
        return self._plain_fields[key][1]


def _plain(response_name: str, definition: GraphQLField) -> _Plain | None:
    field = definition.extensions.get(_DEFINITION)
    leaf = _nullable(definition.type)
    if not isinstance(field, StrawberryField) or not field.is_basic_field or definition.args or not is_leaf_type(leaf):
        return None
    return _Plain(response_name, field.python_name, leaf.coerce_output_value, not is_non_null_type(definition.type))


def _nullable(type_: GraphQLOutputType) -> GraphQLOutputType:
    return type_.of_type if is_non_null_type(type_) else type_


def _read(source: Any, field: _Plain) -> Any:
    value = getattr(source, field.attribute)
    if value is None:
        if field.nullable:
            return None
        raise _NotPlainError
    coerced = field.coerce(value)
    if coerced is None or coerced is Undefined:
        raise _NotPlainError
    return coerced
