"""Arguments at the edge of what they may be: the last that is taken, and the first that is refused."""

from typing import Any

import pytest

from tests.graphql.conftest import Client

PUT = "mutation($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { code } } }"


def codes(client: Client, query: str, **variables: Any) -> list[str]:
    return [error["extensions"]["code"] for error in client.post(query, **variables).get("errors", ())]


def nested(how: str, depth: int) -> dict[str, Any]:
    """A filter of so many levels."""
    filter_: dict[str, Any] = {"name": {"eq": "a"}}
    for _ in range(depth - 1):
        if how == "related":
            filter_ = {"related": [{"direction": "OUT", "some": filter_}]}
        else:
            filter_ = {how: filter_ if how == "not" else [filter_]}
    return filter_


@pytest.mark.parametrize("how", ["and", "or", "not", "related"])
def test_filters_nest_ten_deep(client: Client, how: str) -> None:
    query = "query($f: EntityFilter) { entities(filter: $f) { totalCount } }"
    assert codes(client, query, f=nested(how, 10)) == []
    assert codes(client, query, f=nested(how, 11)) == ["TOO_DEEP"]


@pytest.mark.parametrize("how", ["and", "or", "not"])
def test_filters_of_links_nest_ten_deep(client: Client, how: str) -> None:
    client.ask(PUT, entities=[{"kind": "Component", "name": "a", "spec": {}}])
    query = 'query($f: LinkFilter) { impact(of: ["component:a"], walk: {linkWhere: $f}) { totalCount } }'
    link: dict[str, Any] = {"criticality": {"eq": "HARD"}}
    for _ in range(9):
        link = {how: link if how == "not" else [link]}
    assert codes(client, query, f=link) == []
    assert codes(client, query, f={how: link if how == "not" else [link]}) == ["TOO_DEEP"]


@pytest.mark.parametrize(
    ("filter_", "most"),
    [
        ({"text": "a " * 10}, True),
        ({"text": "a " * 11}, False),
        ({"name": {"in": ["a"] * 1_000}}, True),
        ({"name": {"in": ["a"] * 1_001}}, False),
    ],
)
def test_filters_take_ten_words_and_a_thousand_values(client: Client, filter_: dict[str, Any], most: bool) -> None:
    query = "query($f: EntityFilter) { entities(filter: $f) { totalCount } }"
    assert codes(client, query, f=filter_) == ([] if most else ["TOO_LARGE"])


@pytest.mark.parametrize(
    ("walk", "code"),
    [
        ("maxDepth: 1", None),
        ("maxDepth: 50", None),
        ("maxDepth: 0", "BAD_INPUT"),
        ("maxDepth: 51", "TOO_DEEP"),
        ("budget: {entities: 1}", None),
        ("budget: {entities: 1000000}", None),
        ("budget: {entities: 0}", "BAD_INPUT"),
        ("budget: {entities: 1000001}", "BAD_INPUT"),
        ("budget: {seconds: 30}", None),
        ("budget: {seconds: 30.1}", "BAD_INPUT"),
        ("budget: {seconds: 0}", "BAD_INPUT"),
    ],
)
def test_walks_are_bounded(client: Client, walk: str, code: str | None) -> None:
    client.ask(PUT, entities=[{"kind": "Component", "name": "a", "spec": {}}])
    assert (
        codes(client, f'{{ impact(of: ["component:a"], walk: {{{walk}}}) {{ totalCount }} }}') == [code][: bool(code)]
    )


def test_paths_are_at_most_a_hundred_and_have_no_hits_to_keep(client: Client) -> None:
    client.ask(PUT, entities=[{"kind": "Component", "name": "a", "spec": {}}])
    query = '{{ paths(from: "component:a", to: "component:a", {}) {{ more }} }}'
    assert codes(client, query.format("first: 100, walk: {keep: {}}")) == []
    assert codes(client, query.format("first: 101")) == ["BAD_PAGE"]


def test_cycles_are_of_relations_that_carry_impact_unless_others_are_named(client: Client) -> None:
    teams = [{"kind": "Group", "name": name, "spec": {"type": "team", "parent": of}} for name, of in ("ab", "ba")]
    things = [
        {"kind": "Component", "name": name, "spec": {"dependsOn": [f"component:{of}"]}} for name, of in ("cd", "dc")
    ]
    client.ask(PUT, entities=[*teams, *things])
    cycles = client.ask("{ cycles { totalCount nodes { members { ref } } } }")["cycles"]
    members = [{"ref": "component:default/c"}, {"ref": "component:default/d"}]
    assert cycles == {"totalCount": 1, "nodes": [{"members": members}]}
    assert client.ask(
        "{ cycles(relations: [CHILD_OF, DEPENDS_ON], first: 1) { totalCount nodes { path { name } } } }"
    ) == {"cycles": {"totalCount": 2, "nodes": [{"path": [{"name": name} for name in "cdc"]}]}}


@pytest.mark.parametrize(
    "filter_",
    [
        {"namespace": {"eq": "Shop"}},
        {"namespace": {"in": ["SHOP"]}},
        {"kind": {"in": ["COMPONENT"]}},
        {"environment": {"eq": "prod"}},
        {"declaredOwner": {"in": ["web"]}},
        {"owner": {"eq": "Group:Web"}},
    ],
)
def test_names_in_filters_are_read_as_refs_are(client: Client, filter_: dict[str, Any]) -> None:
    spec = {"owner": "group:default/web", "deployedTo": ["environment:default/prod"]}
    things = [
        {"kind": "Component", "name": "cart", "namespace": "shop", "spec": spec},
        {"kind": "Resource", "name": "other", "spec": {}},
    ]
    assert client.ask(PUT, entities=things)["putEntities"]["userErrors"] == []
    found = client.ask("query($f: EntityFilter) { entities(filter: $f) { nodes { name } } }", f=filter_)
    assert found["entities"]["nodes"] == [{"name": "cart"}]
