"""What lists hold, and what people, teams and owners show, in catalogs that the tests write."""

from graph_api.store.protocol import Store
from tests.conftest import Run
from tests.demo import load
from tests.graphql.conftest import Client
from tests.graphql.test_portal import LISTS


def test_a_list_holds_its_type_only(client: Client, store: Store, run: Run) -> None:
    run(load(store))
    put = """mutation { putEntities(entities: [
      {kind: "Component", name: "loud", spec: {type: "SERVICE"}},
      {kind: "Component", name: "old", spec: {type: "\u017fervice"}},
      {kind: "Component", name: "job", spec: {type: "job"}},
      {kind: "System", name: "s", spec: {owner: "group:nobody-knows", domain: "domain:unknown"}}
    ]) { userErrors { message } } }"""
    assert client.ask(put)["putEntities"]["userErrors"] == []
    for name, type_ in LISTS.items():
        if type_ != "Entity":
            page = client.ask(
                f"{{ {name}(first: 100) {{ totalCount nodes {{ __typename declared }} edges {{ node {{ ref }} }} }} }}"
            )[name]
            assert page["nodes"] == [{"__typename": type_, "declared": type_ != "UnresolvedEntity"}] * len(
                page["edges"]
            )
            assert page["edges"]
    services = [row["ref"] for row in client.ask("{ services(first: 100) { nodes { ref } } }")["services"]["nodes"]]
    assert {"component:default/loud", "component:default/old"} < set(services)
    everything = "{ entities(sort: {field: KIND}, first: 100) { nodes { __typename } } }"
    assert {"Api", "Component", "Service"} <= {row["__typename"] for row in client.ask(everything)["entities"]["nodes"]}


def test_people_and_teams_have_names_to_show(client: Client) -> None:
    put = """mutation { putEntities(entities: [
      {kind: "User", name: "ana", spec: {profile: {displayName: "Ana Ruiz", email: "ana@example.org"}}},
      {kind: "User", name: "bo", title: "Bo", spec: {profile: {displayName: "Bo Li"}}},
      {kind: "Group", name: "team", spec: {type: "team", profile: "none"}},
      {kind: "Component", name: "tool", spec: {type: "tool", profile: {displayName: "No person"}}}
    ]) { userErrors { message } } }"""
    assert client.ask(put)["putEntities"]["userErrors"] == []
    rows = client.ask(
        """{ entities(refs: ["user:ana", "user:bo", "group:team", "component:tool"]) { nodes {
          title ... on Accountable { displayName email contacts { url } } } } }"""
    )["entities"]["nodes"]
    assert rows == [
        {
            "title": "Ana Ruiz",
            "displayName": "Ana Ruiz",
            "email": "ana@example.org",
            "contacts": [{"url": "mailto:ana@example.org"}],
        },
        {"title": "Bo", "displayName": "Bo", "email": None, "contacts": []},
        {"title": None, "displayName": "team", "email": None, "contacts": []},
        {"title": None},
    ]


def test_the_owner_to_ask_first_is_the_primary_one(client: Client) -> None:
    put = """mutation { putEntities(entities: [
      {kind: "Component", name: "tool", spec: {type: "tool", owners: [
        {ref: "group:a", role: "SECURITY"}, {ref: "group:b"}, {ref: "group:z", primary: true}]}},
      {kind: "Component", name: "orphan", spec: {type: "tool"}}
    ]) { userErrors { message } } }"""
    assert client.ask(put)["putEntities"]["userErrors"] == []
    tool, orphan = client.ask(
        """{ entities(refs: ["component:tool", "component:orphan"]) {
          nodes { owners { ref } primaryOwner { ref role } } } }"""
    )["entities"]["nodes"]
    assert [row["ref"].split("/")[1] for row in tool["owners"]] == ["a", "b", "z"]
    assert tool["primaryOwner"] == {"ref": "group:default/z", "role": "OWNER"}
    assert orphan["primaryOwner"] is None


def test_of_owners_that_links_name_the_first_is_the_one_to_ask_unless_one_is_flagged(client: Client) -> None:
    put = """mutation($primary: JSON!) { putLinks(links: [
      {from: "component:tool", relation: OWNED_BY, to: "group:b", properties: {role: "", primary: false}},
      {from: "component:tool", relation: OWNED_BY, to: "group:a"},
      {from: "component:tool", relation: OWNED_BY, to: "group:z", properties: {role: "SECURITY", primary: $primary}}
    ]) { userErrors { message } } }"""
    asked = '{ entity(ref: "component:tool") { owners { role primary } primaryOwner { ref } } }'
    for primary, first in (("yes", "a"), (True, "z")):
        assert client.ask(put, primary=primary)["putLinks"]["userErrors"] == []
        entity = client.ask(asked)["entity"]
        assert entity["primaryOwner"] == {"ref": f"group:default/{first}"}
        assert [row["role"] for row in entity["owners"]] == ["OWNER", "OWNER", "SECURITY"]
        assert [row["primary"] for row in entity["owners"]] == [name == first for name in "abz"]
