"""How much a run may take away of what its source stated before it waits for somebody to confirm it."""

from typing import Any

import pytest

from tests.graphql.conftest import Client

APPLY = """mutation Apply($entities: [EntityInput!] = [], $links: [LinkInput!] = []) {
  applySnapshot(source: "feed", entities: $entities, links: $links) { sync { status message } }
}"""


def apply(client: Client, **stated: Any) -> Any:
    return client.ask(APPLY, **stated)["applySnapshot"]["sync"]


def systems(count: int) -> list[dict[str, Any]]:
    return [{"kind": "System", "name": f"s{number}"} for number in range(count)]


def links(count: int) -> list[dict[str, Any]]:
    needed = [f"resource:r{number}" for number in range(count)]
    return [{"from": "component:cart", "to": name, "relation": "DEPENDS_ON"} for name in needed]


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        pytest.param(20, 10, "APPLIED", id="half of it, but only 10"),
        pytest.param(20, 9, "HELD", id="11 of 20"),
        pytest.param(55, 44, "APPLIED", id="11, which are 20 % to the dot"),
        pytest.param(54, 43, "HELD", id="11, which are more than 20 %"),
    ],
)
@pytest.mark.parametrize("stated", ["entities", "links"])
def test_more_than_10_and_more_than_a_fifth_are_held(
    client: Client, stated: str, before: int, after: int, status: str
) -> None:
    make = systems if stated == "entities" else links
    assert apply(client, **{stated: make(before)})["status"] == "APPLIED"
    run = apply(client, **{stated: make(after)})
    assert run["status"] == status
    if status == "HELD":
        assert f"11 of the source's {before} {stated}" in run["message"]


@pytest.mark.parametrize("stated", ["entities", "links"])
def test_one_that_says_nothing_any_more_is_held_however_little_it_said(client: Client, stated: str) -> None:
    apply(client, **{stated: (systems if stated == "entities" else links)(1)})
    assert apply(client)["status"] == "HELD"


def test_one_that_turns_from_entities_to_links_says_something(client: Client) -> None:
    apply(client, entities=systems(1))
    assert apply(client, links=links(1))["status"] == "APPLIED"
