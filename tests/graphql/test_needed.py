"""A store need not read what an operation does not ask for, and the answers are the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    ExecutableDefinitionNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
)

from graph_api.app import source_order
from graph_api.graphql.needed import NEEDED, what_is_needed
from graph_api.settings import Settings
from graph_api.sources.files import read_files
from graph_api.store.protocol import Needed
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.graphql.selections import ENTITY, ENTITY_TYPES, SCHEMA, field_name
from tests.graphql.test_every_field import ARGUMENTS, FILES, SEEN, WRITES, lasting

Fields = GraphQLObjectType | GraphQLInterfaceType

# The value that a list is sorted by is in its cursors.
WAYS = """{
  some: entities(refs: ["component:checkout", "group:shop", "resource:nowhere"]) { nodes { ASKED } }
  sorted: entities(first: 100, sort: {field: UPDATED_AT}) { edges { cursor node { ASKED } } }
  last: entities(last: 100, sort: {field: TITLE}) { pageInfo { startCursor } nodes { ASKED } }
  search(text: "checkout") { nodes { ASKED } }
  owned(by: ["group:shop"]) { nodes { ASKED } }
  impact(of: ["resource:db"]) { edges { cursor node { ASKED } } }
  counted: impact(of: ["resource:db"]) { totalCount nodes { ASKED } }
  entity(ref: "component:checkout") { dependencies { edges { cursor node { ASKED } } } related(direction: IN) {
    nodes { ASKED }
  } }
}"""
GIVEN = ARGUMENTS | {"HitConnection.groups": "by: OWNER"}


@pytest.fixture
def both(on_both_stores: tuple[Client, Client], run: Run) -> tuple[Client, Client]:
    for client in on_both_stores:
        for snapshot in (read_files([FILES], source="files"), SEEN):
            run(sync(client.store, snapshot, source_order(Settings())))
        client.ask(WRITES, named={"graph-api/identifiers": "pagerduty:P1234"})
    return on_both_stores


def test_each_field_alone_is_answered_as_by_a_store_that_reads_everything(both: tuple[Client, Client]) -> None:
    embedded, neo4j = both
    id_ = embedded.ask('{ entity(ref: "component:checkout") { id } }')["entity"]["id"]
    for asked, text in questions():
        query = text.replace("{id}", id_)
        assert needed(query) is not None, query
        answer = lasting(embedded.ask(query))
        assert lasting(neo4j.ask(query)) == answer, query
        assert "field" in filled(answer), f"{asked} is empty: nothing was compared"


def questions() -> Iterator[tuple[str, str]]:
    """`Type.field` of each field that fields of the table lead to, and a question for it alone, in which it is called
    `field`; those of all entities in several ways.
    """
    known: set[str] = set()
    for type_, way in ways().items():
        for name in listed(type_):
            said = field_name(type_, name)
            if said not in known and (asked := selection(type_, name, "__typename")):
                known.add(said)
                yield said, f"{{ {way} }}".replace("ASKED", f"field: {asked}")
                if type_ is ENTITY:
                    yield said, WAYS.replace("ASKED", f"field: {asked}")


def ways() -> dict[Fields, str]:
    """How each type is come to. Lists of one type of entity are as those of all."""
    every = "entities(first: 100) { nodes { ASKED } }"
    assert SCHEMA.query_type
    found: dict[Fields, str] = {SCHEMA.query_type: "ASKED", entity_type("Entity"): every}
    found |= {entity_type(name): every.replace("ASKED", f"... on {name} {{ ASKED }}") for name in ENTITY_TYPES}
    pending = list(found)
    alike = {f"{name}{of}" for name in ENTITY_TYPES for of in ("Connection", "Edge")}
    for type_ in pending:
        for name in listed(type_):
            inner, asked = get_named_type(type_.fields[name].type), selection(type_, name, "ASKED")
            if asked and isinstance(inner, Fields) and inner not in found and inner.name not in alike:
                found[inner] = found[type_].replace("ASKED", asked)
                pending.append(inner)
    return found


def listed(type_: Fields) -> list[str]:
    return [name for name in type_.fields if name in NEEDED]


def entity_type(name: str) -> Fields:
    type_ = SCHEMA.type_map[name]
    assert isinstance(type_, Fields)
    return type_


def selection(type_: Fields, name: str, inner: str) -> str | None:
    """Of a field, and of what is within; None where the tests have no arguments for it."""
    field = type_.fields[name]
    given = GIVEN.get(f"{type_.name}.{name}") or GIVEN.get(name)
    if not given and any(map(is_required_argument, field.args.values())):
        return None
    asked = f"{name}({given})" if given else name
    return asked if is_leaf_type(get_named_type(field.type)) else f"{asked} {{ {inner} }}"


def filled(answer: Any) -> set[str]:
    """The names that something stands under."""
    if isinstance(answer, list):
        return set[str]().union(*map(filled, answer))
    if not isinstance(answer, dict):
        return set()
    here = {name for name, value in answer.items() if value not in (None, [], {})}
    return here.union(*map(filled, answer.values()))


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
    types = [row for row in SCHEMA.type_map.values() if isinstance(row, Fields)]
    assert NEEDED.keys() - {"__typename"} <= {name for type_ in types for name in type_.fields}
