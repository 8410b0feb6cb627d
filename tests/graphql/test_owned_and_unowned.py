"""Who owns what: by which of somebody's groups, why nobody answers, and how much of a kind is covered."""

from typing import Any

import pytest

from tests.graphql.conftest import Client

PUT = "mutation($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { code } } }"
TEAMS = [
    {"kind": "Group", "name": "web", "spec": {"type": "team", "children": ["infra"]}},
    {"kind": "Group", "name": "infra", "spec": {"type": "team"}},
    {"kind": "Group", "name": "data", "spec": {"type": "team"}},
    {"kind": "Group", "name": "empty", "spec": {"type": "team"}},
    {"kind": "Group", "name": "gone", "spec": {"type": "team", "active": False}},
    {"kind": "User", "name": "ann", "spec": {"memberOf": ["web"]}},
    {"kind": "User", "name": "bob", "spec": {"memberOf": ["data", "gone", "infra"]}},
]


def component(name: str, owner: str | None = None, **spec: Any) -> dict[str, Any]:
    owned = {"owner": owner} if owner else {}
    return {"kind": "Component", "name": name, "spec": {"type": "service", **owned, **spec}}


@pytest.fixture
def owned(client: Client) -> Client:
    things = [
        {"kind": "System", "name": "shop", "spec": {"owner": "group:web"}},
        component("of-ann", "user:ann"),
        component("of-web", "group:web"),
        component("of-infra", "group:infra"),
        component("of-data", "group:data"),
        component("in-shop", system="shop"),
        component("of-empty", "group:empty"),
        component("of-gone", "group:gone"),
        component("of-nothing", "group:nothing"),
        component("of-nobody", dependsOn=["component:of-web"]),
        component("left-alone", dependsOn=["component:of-nobody"]),
    ]
    assert client.ask(PUT, entities=[*TEAMS, *things])["putEntities"]["userErrors"] == []
    return client


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("", "of-ann"),
        ("viaGroups: true", "in-shop of-ann of-infra of-web shop"),
        ("viaGroups: true, includeSubgroups: false", "in-shop of-ann of-web shop"),
        ("viaGroups: true, effective: false", "of-ann of-infra of-web shop"),
    ],
)
def test_what_a_user_owns_alone_and_by_its_groups(owned: Client, arguments: str, names: str) -> None:
    asked = owned.ask(f'{{ owned(by: ["user:ann"], {arguments}) {{ nodes {{ name }} }} }}')
    assert [row["name"] for row in asked["owned"]["nodes"]] == names.split()
    field = f"({arguments})" if arguments else ""
    asked = owned.ask(f'{{ entity(ref: "user:ann") {{ ... on User {{ owned{field} {{ nodes {{ name }} }} }} }} }}')
    assert [row["name"] for row in asked["entity"]["owned"]["nodes"]] == names.split()


@pytest.mark.parametrize(
    ("reasons", "names"),
    [
        ("NONE", "left-alone of-nobody"),
        ("EMPTY", "of-empty"),
        ("INACTIVE", "of-gone"),
        ("UNRESOLVED", "of-nothing"),
        ("EMPTY, NONE", "left-alone of-empty of-nobody"),
        ("", ""),
    ],
)
def test_gaps_are_those_of_the_reasons_that_are_asked_for(owned: Client, reasons: str, names: str) -> None:
    gaps = owned.ask(f"{{ ownershipGaps(reasons: [{reasons}]) {{ nodes {{ name }} totalCount }} }}")["ownershipGaps"]
    assert [row["name"] for row in gaps["nodes"]] == names.split()
    assert gaps["totalCount"] == len(names.split())


def test_an_owner_who_can_answer_is_no_reason(owned: Client) -> None:
    both = component("of-two", owners=["group:web", "group:empty"])
    assert owned.ask(PUT, entities=[both])["putEntities"]["userErrors"] == []
    gaps = owned.ask('{ ownershipGaps(filter: {name: {eq: "of-two"}}) { edges { reasons } } }')["ownershipGaps"]
    assert gaps["edges"] == [{"reasons": ["EMPTY"]}]


def test_what_is_only_inherited_is_effective_and_not_declared(owned: Client) -> None:
    counts = owned.ask("{ ownershipCoverage(by: KIND) { value total declared effective none } }")["ownershipCoverage"]
    assert {row.pop("value"): row for row in counts} == {
        "Component": {"total": 10, "declared": 7, "effective": 8, "none": 2},
        "System": {"total": 1, "declared": 1, "effective": 1, "none": 0},
    }


def test_hits_that_nobody_owns_are_kept_as_the_others_are(owned: Client) -> None:
    def unowned(keep: str) -> list[str]:
        asked = f'{{ impact(of: ["component:of-web"], walk: {{{keep}}}) {{ unownedCount unowned {{ name }} }} }}'
        found = owned.ask(asked)["impact"]
        assert found["unownedCount"] == len(found["unowned"])
        return [row["name"] for row in found["unowned"]]

    assert unowned("") == ["of-nobody", "left-alone"]
    assert unowned('keep: {name: {eq: "left-alone"}}') == ["left-alone"]


def test_of_two_wholes_at_one_distance_both_hand_down_their_owners_each_once(owned: Client) -> None:
    things = [
        {"kind": "System", "name": "b", "spec": {"owners": ["group:web", "group:data"], "domain": "far"}},
        {"kind": "System", "name": "a", "spec": {"owner": "group:web", "domain": "far"}},
        {"kind": "Domain", "name": "far", "spec": {"owner": "group:infra"}},
        component("heir", system="b", partOf=["system:a"]),
        {"kind": "System", "name": "c", "spec": {"domain": "far"}},
        component("far-heir", system="d", partOf=["system:c"]),
        {"kind": "System", "name": "d", "spec": {"domain": "far"}},
    ]
    assert owned.ask(PUT, entities=things)["putEntities"]["userErrors"] == []
    asked = """{ entities(refs: ["component:heir", "component:far-heir"]) {
      nodes { owners { ref how primary through { ref } } } } }"""
    heir, far = owned.ask(asked)["entities"]["nodes"]
    assert [(row["ref"], row["primary"]) for row in heir["owners"]] == [
        ("group:default/data", False),
        ("group:default/web", True),
    ]
    through = [[step["ref"].rpartition("/")[2] for step in row["through"]] for row in heir["owners"] + far["owners"]]
    assert through == [["heir", "b"], ["heir", "a"], ["far-heir", "c", "far"]]
    assert {row["how"] for row in heir["owners"] + far["owners"]} == {"INHERITED"}
