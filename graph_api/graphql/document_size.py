"""How large a document is once its fragments are expanded, measured without expanding them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from graph_api.errors import ErrorCode

if TYPE_CHECKING:
    from graph_api.graphql.limits import Limits

MAX_NESTING = 200
"""Selection sets inside each other, fragments included: as many as graphql-core parses, and far from Python's limit."""
INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(slots=True)
class Size:
    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def add(self, other: "Size") -> None:
        self.depth = max(self.depth, other.depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives


def find_excess(document: DocumentNode, limits: "Limits") -> GraphQLError | None:
    """The first limit that the document breaks. Linear in the length of the document."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > limits.operations:
        return _error(ErrorCode.TOO_LARGE, f"More than {limits.operations} operations.", operations[limits.operations])
    measure = _Measure(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            try:
                size = measure.selections(definition.selection_set, level=1)
            except _NestingError:
                return _error(ErrorCode.TOO_DEEP, "The document is nested too deeply.", definition)
            size.directives += len(definition.directives or ())
            if error := _judge(size, limits, definition):
                return error
    return None


def _judge(size: Size, limits: "Limits", node: OperationDefinitionNode | FragmentDefinitionNode) -> GraphQLError | None:
    if size.depth > limits.depth:
        return _error(ErrorCode.TOO_DEEP, f"Fields are nested {size.depth} deep; at most {limits.depth} may be.", node)
    for name in ("fields", "aliases", "directives"):
        limit = getattr(limits, name)
        if getattr(size, name) > limit:
            return _error(ErrorCode.TOO_LARGE, f"More than {limit} {name}, fragments expanded.", node)
    return None


def _error(code: ErrorCode, message: str, node: OperationDefinitionNode | FragmentDefinitionNode) -> GraphQLError:
    return GraphQLError(message, node, extensions={"code": code})


class _NestingError(Exception):
    pass


class _Measure:
    """Measures every fragment once. Unknown fragments and spreads that close a cycle are left to the standard rules."""

    def __init__(self, document: DocumentNode) -> None:
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.sizes: dict[str, Size] = {}

    def selections(self, selection_set: SelectionSetNode, level: int) -> Size:
        if level > MAX_NESTING:
            raise _NestingError
        total = Size()
        for selection in selection_set.selections:
            total.add(self._selection(selection, level))
        return total

    def _selection(self, node: SelectionNode, level: int) -> Size:
        if isinstance(node, FragmentSpreadNode):
            size = Size()
            size.add(self._fragment(node.name.value, level))
        else:
            inner: SelectionSetNode | None = node.selection_set  # type: ignore[attr-defined] # fields, inline fragments
            size = self.selections(inner, level + 1) if inner else Size()
        if isinstance(node, FieldNode):
            size.depth = 1 if node.name.value in INTROSPECTION else size.depth + 1
            size.fields += 1
            size.aliases += node.alias is not None
        size.directives += len(node.directives or ())
        return size

    def _fragment(self, name: str, level: int) -> Size:
        if name not in self.sizes:
            self.sizes[name] = Size()
            if fragment := self.fragments.get(name):
                self.sizes[name] = self.selections(fragment.selection_set, level + 1)
        return self.sizes[name]
