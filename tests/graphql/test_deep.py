"""Catalogs whose rows name each other over and over: what is in force ends somewhere, and so does what is read."""

from typing import Any

import pytest

from tests.graphql.conftest import Client

LEVELS = 50
PUT = """mutation($entities: [EntityInput!]!) {
  putEntities(entities: $entities) { userErrors { code message } }
}"""
OWNERS = "{ services(first: 100) { nodes { name owners { ref through { ref } } } } }"


def put(client: Client, *entities: dict[str, Any]) -> None:
    assert client.ask(PUT, entities=entities)["putEntities"]["userErrors"] == []


def part(number: int, **spec: Any) -> dict[str, Any]:
    whole = {"subcomponentOf": f"component:c{number + 1}"}
    return {"kind": "Component", "name": f"c{number}", "spec": {"type": "service", **whole, **spec}}


def owners(client: Client) -> dict[str, list[str]]:
    return {row["name"]: [owner["ref"] for owner in row["owners"]] for row in client.ask(OWNERS)["services"]["nodes"]}


def test_owners_come_from_as_far_as_a_walk_goes(client: Client) -> None:
    put(
        client,
        *map(part, range(70)),
        {"kind": "Component", "name": "c70", "spec": {"type": "service", "owner": "group:top"}},
    )
    heirs = range(70 - LEVELS, 71)
    assert owners(client) == {f"c{number}": ["group:default/top"] if number in heirs else [] for number in range(71)}
    rows = client.ask(OWNERS)["services"]["nodes"]
    (farthest,) = [row["owners"][0]["through"] for row in rows if row["name"] == f"c{70 - LEVELS}"]
    assert [row["ref"] for row in farthest] == [f"component:default/c{number}" for number in heirs]

    put(client, part(20, owner="group:middle"))
    expected = [*["middle"] * 21, *["top"] * 50]
    assert owners(client) == {f"c{number}": [f"group:default/{owner}"] for number, owner in enumerate(expected)}


WITHIN = "environments { title environments { title environments { title } } }"


def environments(number: int) -> list[dict[str, Any]]:
    """Each deployed to all of them."""
    names = [f"e{turn}" for turn in range(number)]
    spec = {"deployedTo": [f"environment:{name}" for name in names], "system": "shop"}
    return [{"kind": "Environment", "name": name, "spec": spec} for name in names]


@pytest.mark.parametrize("failing", ["", 'dependencies(after: "x") { totalCount }'], ids=["alone", "beside an error"])
def test_an_answer_that_multiplies_ends_where_it_began(client: Client, failing: str) -> None:
    put(client, {"kind": "System", "name": "shop"}, *environments(60))
    first = f"system {{ {failing} }}" if failing else ""
    (error,) = client.post(f"{{ all: environments(first: 9) {{ nodes {{ {first} {WITHIN} }} }} }}")["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("TOO_LARGE", ["all"])


def test_of_a_write_it_is_told_that_it_is_done(client: Client) -> None:
    mutation = PUT.replace("userErrors { code message }", f"revision userErrors {{ code }} entity {{ ref {WITHIN} }}")
    body = client.post(mutation, entities=environments(60))
    assert body["data"] == {"putEntities": {"revision": 1, "userErrors": [], "entity": None}}
    assert {error["extensions"]["code"] for error in body["errors"]} == {"TOO_LARGE"}
