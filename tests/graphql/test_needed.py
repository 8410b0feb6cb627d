"""A store need not read what an operation does not ask for, and the answers are the same."""

from collections.abc import Iterator

import pytest
from graphql import ExecutableDefinitionNode, GraphQLInterfaceType, GraphQLObjectType, parse

from graph_api.app import source_order
from graph_api.graphql.needed import NEEDED, what_is_needed
from graph_api.settings import Settings
from graph_api.sources.files import read_files
from graph_api.store.protocol import Needed
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.graphql.selections import ENTITY_TYPES, SCHEMA, every_field
from tests.graphql.test_every_field import ARGUMENTS, FILES, SEEN, lasting

# The value that a list is sorted by is in its cursors.
LIST = (
    "entities(first: 100) { nodes { ASKED } } sorted: entities(first: 100, sort: {field: TITLE}) { edges { cursor } }"
)
WAYS = """
  some: entities(refs: ["component:checkout", "group:shop", "resource:nowhere"]) { nodes { ASKED } }
  search(text: "checkout") { nodes { ASKED } }
  owned(by: ["group:shop"]) { nodes { ASKED } }
  impact(of: ["resource:db"]) { edges { cursor node { ASKED } } }
  counted: impact(of: ["resource:db"]) { totalCount nodes { ASKED } }
  entity(ref: "component:checkout") { dependencies { edges { cursor node { ASKED } } } related(direction: IN) {
    nodes { ASKED }
  } }
"""


@pytest.fixture
def both(on_both_stores: tuple[Client, Client], run: Run) -> tuple[Client, Client]:
    for client in on_both_stores:
        for snapshot in (read_files([FILES], source="files"), SEEN):
            run(sync(client.store, snapshot, source_order(Settings())))
    return on_both_stores


def test_each_field_alone_is_answered_as_with_all_others(both: tuple[Client, Client]) -> None:
    """The embedded store reads whole entities."""
    embedded, neo4j = both
    for type_, field in each_field():
        query = f"{{ {LIST} {WAYS if type_ == 'Entity' else ''} }}".replace("ASKED", field)
        assert lasting(neo4j.ask(query)) == lasting(embedded.ask(query)), field


def each_field() -> Iterator[tuple[str, str]]:
    """Of each field that entities have: one type that has it, and a selection."""
    asked: set[str] = set()
    for name in ("Entity", *ENTITY_TYPES):
        type_ = SCHEMA.type_map[name]
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for field in type_.fields:
            if field in asked:
                continue
            yield name, f"... on {name} {{ {every_field(type_, ARGUMENTS, only=field)} }}"
        asked |= type_.fields.keys()


def needed(query: str) -> Needed | None:
    return what_is_needed([row for row in parse(query).definitions if isinstance(row, ExecutableDefinitionNode)])


def test_what_is_needed_is_what_is_selected() -> None:
    owners = "fragment Owners on Entity { owners { entity { name } } }"
    assert needed("{ services { nodes { name } } }") == Needed(frozenset(), links=False)
    assert needed(f"{{ services {{ nodes {{ title ...Owners }} }} }} {owners}") == Needed(
        frozenset({"title", "owners"}), links=False
    )
    linked = "{ services { nodes { dependents { edges { node { ... on Service { tier } } link { ASKED } } } } } }"
    assert needed(linked.replace("ASKED", "origin")) == Needed(frozenset({"tier"}), links=True)
    assert needed(linked.replace("ASKED", "evidence { source }")) is None, "it may be that of an entity"


def test_every_name_is_one_of_the_schema() -> None:
    types = [row for row in SCHEMA.type_map.values() if isinstance(row, GraphQLObjectType | GraphQLInterfaceType)]
    assert NEEDED.keys() - {"__typename"} <= {name for type_ in types for name in type_.fields}
