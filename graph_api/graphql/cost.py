"""How many objects an answer may hold at most: the lengths of lists multiply along each path of a document.

docs/limits.md has the formula.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_composite_type,
)

from graph_api.graphql.pagination import DEFAULT_PAGE

ASSUMED_ITEMS = 5
"""Items of a list that is neither paged nor as long as an argument, such as the owners of an entity."""
LONG_LISTS = {
    "CatalogSchema.kinds": 50,
    "CatalogSchema.relations": 50,
    "Cycle.members": 100,
    "Cycle.path": 20,
    "Facet.buckets": 100,
    "HitConnection.notify": 100,
    "Query.ownershipCoverage": 100,
    "Query.sources": 100,
}
"""Assumed items of those lists that are usually longer."""

_ITEMS = frozenset({"edges", "nodes", "paths"})
"""Lists of which there are as many items as the field around them asks for."""
_SIZES = ("first", "last")
_Parent: TypeAlias = GraphQLNamedType | None
CostKey: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Objects:
    """A number that depends on the page size of the field around: `fixed + by_page * page`."""

    fixed: int = 0
    by_page: int = 0

    def __add__(self, other: "_Objects") -> "_Objects":
        return _Objects(self.fixed + other.fixed, self.by_page + other.by_page)


def estimate(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any]
) -> int:
    """Objects in the answer of the operation that will run. The document must be valid, and the name be one of it or
    None for the only operation.
    """
    operation = get_operation_ast(document, operation_name)
    return _Estimate(schema, document, operation, variables).of_operation() if operation else 0


def cost_key(document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any]) -> CostKey:
    """Return a key that is the same for all variables with the same estimate, as long as the document is kept."""
    operation = get_operation_ast(document, operation_name)
    names = [row.variable.name.value for row in (operation and operation.variable_definitions) or ()]
    return id(operation), *((name, _size(variables[name])) for name in names if name in variables)


def _size(value: Any) -> object:
    return ("list", len(value)) if isinstance(value, list) else value if isinstance(value, int) else None


class _Estimate:
    """Looks at each fragment once: linear in the length of the document."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        defaults = {
            row.variable.name.value: _literal(row.default_value)
            for row in operation.variable_definitions or ()
            if row.default_value
        }
        self._variables = defaults | dict(variables)
        self._known: dict[str, _Objects] = {}

    def of_operation(self) -> int:
        root = self._schema.get_root_type(self._operation.operation)
        return self._selections(self._operation.selection_set, root).fixed

    def _selections(self, selection_set: SelectionSetNode, parent: _Parent) -> _Objects:
        total = _Objects()
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                total += self._fragment(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition
                total += self._selections(node.selection_set, self._schema.get_type(on.name.value) if on else parent)
        return total

    def _fragment(self, name: str) -> _Objects:
        if name not in self._known:
            fragment = self._fragments[name]
            on = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name] = self._selections(fragment.selection_set, on)
        return self._known[name]

    def _field(self, node: FieldNode, parent: _Parent) -> _Objects:
        field: GraphQLField | None = getattr(parent, "fields", {}).get(node.name.value)
        if not field or not node.selection_set or not is_composite_type(get_named_type(field.type)):
            return _Objects()  # Values, and introspection, whose depth graphql-core limits.
        inner = self._selections(node.selection_set, get_named_type(field.type))
        page = self._size(node, field)
        within = 1 + inner.fixed + inner.by_page * (DEFAULT_PAGE if page is None else page)
        if not _is_list(field.type):
            return _Objects(within)
        if node.name.value in _ITEMS and not field.args:
            return _Objects(by_page=within)
        return _Objects(within * (self._length(node, parent) if page is None else page))

    def _size(self, node: FieldNode, field: GraphQLField) -> int | None:
        """Return what `first` or `last` say; DEFAULT_PAGE for a page without; None for what is no page."""
        if not any(name in field.args for name in _SIZES):
            return None
        sizes = [self._value(argument.value) for argument in node.arguments or () if argument.name.value in _SIZES]
        return max((abs(size) for size in sizes if isinstance(size, int)), default=DEFAULT_PAGE)

    def _length(self, node: FieldNode, parent: _Parent) -> int:
        lists = [value for argument in node.arguments or () if isinstance(value := self._value(argument.value), list)]
        if lists:
            return max(map(len, lists))
        return LONG_LISTS.get(f"{parent}.{node.name.value}", ASSUMED_ITEMS)

    def _value(self, node: ValueNode) -> Any:
        return self._variables.get(node.name.value) if isinstance(node, VariableNode) else _literal(node)


def _literal(node: ValueNode) -> Any:
    """Return an integer, or a list of which only the length matters; None for all else."""
    if isinstance(node, ListValueNode):
        return list(node.values)
    return int(node.value) if isinstance(node, IntValueNode) else None


def _is_list(type_: GraphQLOutputType) -> bool:
    return isinstance(get_nullable_type(type_), GraphQLList)
