"""Compiled readers of the operations that are asked again and again."""

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from graphql import FragmentDefinitionNode, GraphQLOutputType, GraphQLSchema, OperationDefinitionNode

from graph_api.graphql.compiling import Details, compile_value
from graph_api.graphql.limits import MAX_KEPT_CHARACTERS, MAX_KEPT_DOCUMENTS
from graph_api.graphql.readers import Read

if TYPE_CHECKING:
    from graph_api.graphql.execution import CatalogExecutor

_PLANS = "graph-api-plans"
_Readers: TypeAlias = dict[tuple[int, ...], Read | None]
_Key: TypeAlias = tuple[int, tuple[tuple[str, bool], ...]]


class Plan(NamedTuple):
    """The readers of one operation with the same answers to its @skip and @include, by the ids of type and nodes, which
    the operation and its fragments keep alive.
    """

    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    readers: _Readers

    def reader(self, executor: "CatalogExecutor", type_: GraphQLOutputType, details: Details) -> Read | None:
        key = (id(type_), *(id(row.node) for row in details))
        if key not in self.readers:
            self.readers[key] = compile_value(executor, type_, details)
        return self.readers[key]


def plan_of(executor: "CatalogExecutor") -> Plan:
    """Kept for documents that are kept themselves, see ValidDocuments: others are not asked again as the same."""
    operation = executor.operation
    plan = Plan(operation, executor.fragment_definitions, {})
    if operation.loc is None or len(operation.loc.source.body) > MAX_KEPT_CHARACTERS:
        return plan
    kept = _kept(executor.schema)
    # Whatever @skip and @include look at is a Boolean.
    booleans = ((name, value) for name, value in executor.variable_values.coerced.items() if isinstance(value, bool))
    key = id(operation), tuple(booleans)
    if key not in kept and len(kept) >= MAX_KEPT_DOCUMENTS:
        kept.clear()
    return kept.setdefault(key, plan)


def _kept(schema: GraphQLSchema) -> dict[_Key, Plan]:
    kept: dict[_Key, Plan] = schema.extensions.setdefault(_PLANS, {})
    return kept
