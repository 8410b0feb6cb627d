"""Catalogs whose rows name each other over and over: what is in force ends somewhere, and so does what is read."""

from typing import Any

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


def test_an_answer_that_multiplies_ends_where_it_began(client: Client) -> None:
    names = [f"e{number}" for number in range(60)]
    spec = {"deployedTo": [f"environment:{name}" for name in names]}
    put(client, *({"kind": "Environment", "name": name, "spec": spec} for name in names))
    within = "environments { title environments { title environments { title } } }"
    (error,) = client.post(f"{{ all: environments(first: 9) {{ nodes {{ {within} }} }} }}")["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("TOO_LARGE", ["all"])
