"""From selections to readers: what is plain is read by columns, what a resolver answers is called for all rows at once.

What depends on the request is left to the reading: variables, except those that @skip and @include look at.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    SelectionNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_interface_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from graph_api.graphql import readers
from graph_api.graphql.calls import DEFINITION, Call, ReadAttempt
from graph_api.graphql.readers import NotPlainError, Read, Values

if TYPE_CHECKING:
    from graph_api.graphql.execution import CatalogExecutor

Details = list[FieldDetails]
"""The executor's nodes of one field."""


def compile_value(executor: "CatalogExecutor", type_: GraphQLOutputType, details: Details) -> Read | None:
    """Return what completes values of the type; None where only the executor can."""
    if is_non_null_type(type_):
        inner = _present(executor, type_.of_type, details)
        return inner and readers.required(inner)
    present = _present(executor, type_, details)
    return present and readers.optional(present)


def _present(executor: "CatalogExecutor", type_: GraphQLOutputType, details: Details) -> Read | None:
    """Return what completes values of the type that are not null."""
    if is_leaf_type(type_):
        return readers.LEAVES.get(type_.name) or readers.coerced(type_.coerce_output_value)
    if is_list_type(type_):
        item = compile_value(executor, type_.of_type, details)
        return item and readers.lists_of(item, counted=not is_leaf_type(get_named_type(type_)))
    if is_object_type(type_):
        return _row(executor, type_, details)
    if is_interface_type(type_) and (any_ := _any_of(executor.schema, type_, details)):
        return _row(executor, any_, details)
    return _one_of(type_, details) if is_abstract_type(type_) else None


def _any_of(schema: GraphQLSchema, type_: GraphQLInterfaceType, details: Details) -> GraphQLObjectType | None:
    """Return one of its types, where all read alike what is asked for: nobody has to know which of them a row is of."""
    origin = getattr(type_.extensions.get(DEFINITION), "origin", None)
    nodes = _selected(details)
    possible = schema.get_possible_types(type_)
    if not origin or not vars(origin).get("every_row_has_a_type") or not possible:
        return None
    alike = all(isinstance(node, FieldNode) and _is_alike(type_, possible, node.name.value) for node in nodes)
    return possible[0] if alike else None


def _is_alike(type_: GraphQLInterfaceType, possible: Sequence[GraphQLObjectType], name: str) -> bool:
    definition = type_.fields.get(name)
    field = definition.extensions.get(DEFINITION) if definition else None
    if not isinstance(field, StrawberryField):
        return False  # such as __typename
    if any(row.fields[name].extensions.get(DEFINITION) is not field for row in possible):
        return False
    return field.base_resolver is None or _takes_row_alone(field.base_resolver)


def _row(executor: "CatalogExecutor", type_: GraphQLObjectType, details: Details) -> Read | None:
    """Return what reads all that the selection asks of objects."""
    plan = executor.plan
    return plan and plan.row(type_, details, lambda: _new_row(executor, type_, details))


def _new_row(executor: "CatalogExecutor", type_: GraphQLObjectType, details: Details) -> Read | None:
    # An @stream or @defer would have to be told apart; the schema has neither.
    fields = executor.collect_subfields(type_, details).grouped_field_set
    reads = {name: _field(executor, type_, inner) for name, inner in fields.items()}
    known = [read for read in reads.values() if read]
    if not known or len(known) < len(reads):
        return None
    return readers.rows_of(tuple(reads), known, type_.is_type_of)  # type: ignore[arg-type] # as below


def _one_of(type_: GraphQLAbstractType, details: Details) -> Read | None:
    """Return what completes values of one of several types, of which only those that come up are compiled."""
    # Ours look at the row only.
    resolve: Callable[[Any, None, GraphQLAbstractType], Any] | None = type_.resolve_type  # type: ignore[assignment]
    if not resolve:
        return None
    compiled: dict[str, Read | None] = {}

    def reader_of(attempt: ReadAttempt, name: str) -> Read:
        if name not in compiled:
            compiled[name] = _row(attempt.executor, _possible(attempt.executor.schema, type_, name), details)
        read = compiled[name]
        if read is None:
            raise NotPlainError
        return read

    def types_of(rows: Values) -> Values:
        return list(map(resolve, rows, repeat(None), repeat(type_)))

    return readers.each_by_type(types_of, reader_of)


def _possible(schema: GraphQLSchema, abstract: GraphQLAbstractType, name: Any) -> GraphQLObjectType:
    found = schema.get_type(name) if isinstance(name, str) else None
    if not is_object_type(found) or not schema.is_sub_type(abstract, found):
        raise NotPlainError
    return found


def _field(executor: "CatalogExecutor", type_: GraphQLObjectType, details: Details) -> Read | None:
    name = details[0].node.name.value
    if name == "__typename":
        return lambda _attempt, rows: [type_.name] * len(rows)
    definition = executor.schema.get_field(type_, name)
    field = definition.extensions.get(DEFINITION) if definition else None
    # Fields of the root are guarded (gate.py), and fragments with variables of their own are of a draft.
    if not definition or not isinstance(field, StrawberryField) or field.extensions or type_ in _roots(executor.schema):
        return None
    if any(row.fragment_variable_values for row in details):
        return None
    if by_refs := _by_refs(definition, field, details):
        return by_refs
    value = compile_value(executor, definition.type, details)
    return value and _from_row(type_, definition, field, details, value)


def _by_refs(definition: GraphQLField, field: StrawberryField, details: Details) -> Read | None:
    """Return what reads entities of which only the refs are asked for, where a row tells them."""
    refs_of = getattr(field.base_resolver and field.base_resolver.wrapped_func, "refs_of", None)
    names = _names_of_refs(details) if refs_of else []
    if not refs_of or not names:
        return None
    entities = readers.rows_of(names, [lambda _attempt, refs: refs] * len(names), None)
    if is_list_type(get_nullable_type(definition.type)):
        return readers.piped(refs_of, readers.lists_of(entities, counted=True))
    present = readers.required if is_non_null_type(definition.type) else readers.optional
    return readers.piped(refs_of, present(entities))


def _selected(details: Details) -> list[SelectionNode]:
    return [node for row in details if row.node.selection_set for node in row.node.selection_set.selections]


def _names_of_refs(details: Details) -> list[str]:
    """Return what `ref` is called in the response; none where anything else is asked for, too."""
    nodes = _selected(details)
    if any(not isinstance(node, FieldNode) or node.name.value != "ref" or node.directives for node in nodes):
        return []
    return list(dict.fromkeys((node.alias or node.name).value for node in nodes if isinstance(node, FieldNode)))


def _roots(schema: GraphQLSchema) -> tuple[GraphQLObjectType | None, ...]:
    return schema.query_type, schema.mutation_type, schema.subscription_type


def _from_row(
    type_: GraphQLObjectType, definition: GraphQLField, field: StrawberryField, details: Details, value: Read
) -> Read:
    resolver = field.base_resolver
    if resolver is None:
        return readers.piped(attrgetter(field.python_name), value)
    if _takes_row_alone(resolver):
        return readers.piped(resolver.wrapped_func, value)  # type: ignore[arg-type] # a function
    return Call(type_, definition, field, resolver, tuple(row.node for row in details), value).read


def _takes_row_alone(resolver: StrawberryResolver[Any]) -> bool:
    takes_row = resolver.self_parameter or resolver.root_parameter or resolver.parent_parameter
    return bool(takes_row) and len(resolver.signature.parameters) == 1 and not resolver.is_async
