"""Compiled readers of the operations that are asked again and again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
)

from graph_api.graphql.compiling import Details, compile_value
from graph_api.graphql.document_cache import MAX_KEPT_CHARACTERS, MAX_KEPT_DOCUMENTS
from graph_api.graphql.needed import what_is_needed
from graph_api.graphql.readers import Read
from graph_api.store.protocol import Needed

if TYPE_CHECKING:
    from graph_api.graphql.execution import CatalogExecutor

_PLANS = "graph-api-plans"
_Readers: TypeAlias = dict[tuple[int, ...], Read | None]
"""Readers by the ids of type and nodes."""
_Key: TypeAlias = tuple[int, tuple[tuple[str, bool], ...]]


class Plan(NamedTuple):
    """The readers of one operation with the same answers to its @skip and @include. It and its fragments keep the nodes
    alive.
    """

    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    readers: _Readers
    rows: _Readers
    """Readers of objects: one for each type that a selection meets, however many ways lead there."""
    needed: Needed | None
    """What the operation needs, see needed.py."""

    def reader(self, executor: "CatalogExecutor", type_: GraphQLOutputType, details: Details) -> Read | None:
        return _known(self.readers, type_, details, lambda: _compiled(executor, type_, details))

    def row(self, type_: GraphQLObjectType, details: Details, compile_: Callable[[], Read | None]) -> Read | None:
        return _known(self.rows, type_, details, compile_)


def plan_of(executor: "CatalogExecutor") -> Plan:
    """Kept for documents that are kept themselves, see ValidDocuments: others are not asked again as the same."""
    operation = executor.operation
    if operation.loc is None or len(operation.loc.source.body) > MAX_KEPT_CHARACTERS:
        return _new_plan(executor)
    kept = _kept(executor.schema)
    # Whatever @skip and @include look at is a Boolean.
    booleans = ((name, value) for name, value in executor.variable_values.coerced.items() if isinstance(value, bool))
    key = id(operation), tuple(booleans)
    if key in kept:
        return kept[key]
    if len(kept) >= MAX_KEPT_DOCUMENTS:
        kept.clear()
    kept[key] = plan = _new_plan(executor)
    return plan


def _new_plan(executor: "CatalogExecutor") -> Plan:
    operation, fragments = executor.operation, executor.fragment_definitions
    return Plan(operation, fragments, {}, {}, what_is_needed([operation, *fragments.values()]))


def _known(
    readers: _Readers, type_: GraphQLOutputType, details: Details, compile_: Callable[[], Read | None]
) -> Read | None:
    key = (id(type_), *(id(row.node) for row in details))
    if key not in readers:
        readers[key] = compile_()
    return readers[key]


def _compiled(executor: "CatalogExecutor", type_: GraphQLOutputType, details: Details) -> Read | None:
    try:
        return compile_value(executor, type_, details)
    except GraphQLError:
        return None  # a condition without a value; the executor meets it where it stands


def _kept(schema: GraphQLSchema) -> dict[_Key, Plan]:
    kept: dict[_Key, Plan] = schema.extensions.setdefault(_PLANS, {})
    return kept
