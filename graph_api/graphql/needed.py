"""What an operation needs of entities and links, so that a store need not read more."""

from collections.abc import Iterable, Iterator
from itertools import chain

from graphql import ExecutableDefinitionNode, FieldNode, SelectionSetNode

from graph_api.store.protocol import Needed

_SAME = """
title description lifecycle tier active tags labels annotations identifiers owners systems domains environments
repository revision
"""
_OTHERS = {
    "displayName": "title",
    "ownerState": "owner_state",
    "primaryOwner": "owners",
    "state": "owner_state",
    "system": "systems",
    "updatedAt": "updated_at",
}
# Any that are not here may read everything, so that a new one is right before it is fast.
_NONE = """
__typename id ref kind name namespace declared type
entity entities services applications libraries apis pipelines datasets resources groups users repositories
unresolvedRefs node nodes search owned dependencies dependents impact
related providesApis consumesApis readsFrom writesTo runsOn deployedTo builtFrom partOf subcomponents providedBy
consumedBy writtenBy readBy runs deployed parts declaresOwnershipOf parent children members memberOf builds pointedAtBy
edges cursor pageInfo hasNextPage hasPreviousPage startCursor endCursor totalCount
role primary how through
link relation from to environment criticality confidence properties origin origins observedAt
distance severity completeness complete reasons unexplored field buckets value count notify affected owner unownedCount
unowned
"""
NEEDED: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in _SAME.split()},
    **{name: (field,) for name, field in _OTHERS.items()},
    **dict.fromkeys(_NONE.split(), ()),
}
"""By the name of a field of the schema, whatever type has it: what it reads of entities that a store gives."""


def what_is_needed(definitions: Iterable[ExecutableDefinitionNode]) -> Needed | None:
    """Return what an operation and its fragments need; None where that may be everything."""
    names = set(chain.from_iterable(_names(row.selection_set) for row in definitions))
    if not names <= NEEDED.keys():
        return None
    return Needed(frozenset(chain.from_iterable(NEEDED[name] for name in names)), links="link" in names)


def _names(selected: SelectionSetNode) -> Iterator[str]:
    for node in selected.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        # A fragment that is spread is a definition of its own.
        inner: SelectionSetNode | None = getattr(node, "selection_set", None)
        if inner:
            yield from _names(inner)
