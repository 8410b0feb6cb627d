"""How many objects a query may ask for at most: page sizes multiply along each path of a document."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from graph_api.graphql.pagination import DEFAULT_PAGE

_ITEMS = frozenset({"edges", "nodes"})
_SIZES = ("first", "last")


def possible_objects(document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any]) -> int:
    """Of the operation that will run; lists that are no pages count as one. The document must be valid."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    named = [node for node in operations if operation_name is None or (node.name and node.name.value == operation_name)]
    return max((_Cost(document, node, variables).selections(node.selection_set, page=1) for node in named), default=0)


class _Cost:
    """Counts each fragment once for each page size that it is used with."""

    def __init__(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        defaults = {
            row.variable.name.value: int(row.default_value.value)
            for row in operation.variable_definitions or ()
            if isinstance(row.default_value, IntValueNode)
        }
        self._variables = defaults | dict(variables)
        self._known: dict[tuple[str, int], int] = {}

    def selections(self, selection_set: SelectionSetNode, page: int) -> int:
        return sum(self._selection(node, page) for node in selection_set.selections)

    def _selection(self, node: SelectionNode, page: int) -> int:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, page)
        inner: SelectionSetNode | None = node.selection_set  # type: ignore[attr-defined] # fields, inline fragments
        if inner is None:
            return 0
        if not isinstance(node, FieldNode):
            return self.selections(inner, page)
        times = page if node.name.value in _ITEMS else 1
        return times * (1 + self.selections(inner, self._page(node)))

    def _fragment(self, name: str, page: int) -> int:
        if (name, page) not in self._known:
            self._known[name, page] = self.selections(self._fragments[name].selection_set, page)
        return self._known[name, page]

    def _page(self, node: FieldNode) -> int:
        sizes = [self._size(argument.value) for argument in node.arguments or () if argument.name.value in _SIZES]
        return max((size for size in sizes if size is not None), default=DEFAULT_PAGE)

    def _size(self, value: object) -> int | None:
        """None for null and for what is no number, which is refused when the field is asked."""
        if isinstance(value, IntValueNode):
            return abs(int(value.value))
        given = self._variables.get(value.name.value) if isinstance(value, VariableNode) else None
        return abs(given) if isinstance(given, int) else None
