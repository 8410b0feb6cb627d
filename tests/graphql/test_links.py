"""Links through the API: those that specs tell, those that are put by themselves, and who takes them back."""

from typing import Any

import pytest

from tests.graphql.conftest import Client
from tests.graphql.test_mutations import PUT, SNAPSHOT, service


def test_links_come_and_go(client: Client) -> None:
    put = """mutation { putLinks(links: [{from: "component:a", relation: DEPENDS_ON, to: "component:b",
      criticality: SOFT, environment: "production", confidence: 0.5, properties: {port: 443}}])
      { userErrors { code } } }"""
    assert client.ask(put)["putLinks"]["userErrors"] == []
    query = """{ dependencies(of: ["component:a"], walk: {linkWhere: {properties: [{key: "port", eq: "443"}]}}) {
      edges { severity node { ref } via { steps { links { environment confidence criticality } } } } } }"""
    (edge,) = client.ask(query)["dependencies"]["edges"]
    assert edge["severity"] == "DEGRADED"
    assert edge["via"]["steps"][0]["links"] == [{"environment": "production", "confidence": 0.5, "criticality": "SOFT"}]
    remove = """mutation { removeLinks(links: [{from: "component:a", relation: DEPENDS_ON, to: "component:b",
      environment: "production"}]) { changes { ref operation } userErrors { code } } }"""
    assert {row["operation"] for row in client.ask(remove)["removeLinks"]["changes"]} == {"REMOVED"}


@pytest.mark.parametrize("put", ["production", "environment:production", "Environment:default/Production"])
@pytest.mark.parametrize("asked", ["production", "environment:default/production"])
def test_the_environment_of_a_link_is_told_and_asked_by_name_or_ref(client: Client, put: str, asked: str) -> None:
    needed = [{"ref": "component:b", "environment": put}, {"ref": "component:c", "environment": "environment:eu/p"}]
    written = client.ask(PUT, entities=[service("a", dependsOn=needed)])["putEntities"]
    assert written["userErrors"] == []
    link = {"from": "component:a", "relation": "DEPENDS_ON", "to": "component:d", "environment": put}
    client.ask("mutation M($link: LinkInput!) { putLinks(links: [$link]) { userErrors { code } } }", link=link)
    query = """query Q($where: LinkFilter!) { dependencies(of: ["component:a"], walk: {linkWhere: $where}) {
      edges { node { ref } via { steps { links { environment } } } } } }"""
    for where, found in (
        ({"environment": {"eq": asked}}, ["b", "d"]),
        ({"environment": {"in": ["x", asked]}}, ["b", "d"]),
        ({"environment": {"eq": "eu/p"}}, ["c"]),
        ({"not": {"environment": {"eq": asked}}}, ["c"]),
    ):
        edges = client.ask(query, where=where)["dependencies"]["edges"]
        assert [edge["node"]["ref"] for edge in edges] == [f"component:default/{name}" for name in found]
    remove = "mutation M($link: LinkKeyInput!) { removeLinks(links: [$link]) { changes { operation } } }"
    changes = client.ask(remove, link=link | {"environment": asked})["removeLinks"]["changes"]
    assert {"operation": "REMOVED"} in changes


def test_the_ref_of_a_links_environment_is_in_the_namespace_of_its_entity(client: Client) -> None:
    needed = [{"ref": "component:b", "environment": "environment:staging"}]
    entity = service("a", dependsOn=needed) | {"namespace": "shop"}
    assert client.ask(PUT, entities=[entity])["putEntities"]["userErrors"] == []
    query = """query Q($asked: String!) { dependencies(of: ["component:shop/a"],
      walk: {linkWhere: {environment: {eq: $asked}}}) { totalCount } }"""
    found = {
        asked: client.ask(query, asked=asked)["dependencies"]["totalCount"]
        for asked in ("environment:shop/staging", "shop/staging", "environment:staging", "staging")
    }
    assert found == {"environment:shop/staging": 1, "shop/staging": 1, "environment:staging": 0, "staging": 0}


@pytest.mark.parametrize("text", ["Production", "environment:", "environment:a b", "component:production", "eu/Prod"])
def test_an_environment_that_is_no_ref_is_a_name_as_it_stands(client: Client, text: str) -> None:
    put(client, "a", dependsOn=[{"ref": "component:b", "environment": text}])
    query = (
        """query Q($of: String!) { dependencies(of: [$of]) { edges { via { steps { links { environment } } } } } }"""
    )
    (edge,) = client.ask(query, of="component:a")["dependencies"]["edges"]
    assert edge["via"]["steps"][0]["links"] == [{"environment": text}]


NEEDS = """query($of: String!) { dependencies(of: [$of]) { edges { severity node { ref } } } }"""


def needs(client: Client, of: str) -> dict[str, str]:
    edges = client.ask(NEEDS, of=of)["dependencies"]["edges"]
    return {edge["node"]["ref"].removeprefix("component:default/"): edge["severity"] for edge in edges}


def put(client: Client, name: str, **spec: Any) -> None:
    assert client.ask(PUT, entities=[service(name, **spec)])["putEntities"]["userErrors"] == []


def test_a_link_that_the_other_end_states_stays(client: Client) -> None:
    put(client, "aa", dependsOn=["component:bb"])
    put(client, "bb", dependencyOf=["component:aa"])
    put(client, "bb")
    assert needs(client, "component:aa") == {"bb": "DOWN"}
    remove = 'mutation { removeEntities(entities: [{ref: "component:bb"}]) { userErrors { code } } }'
    assert client.ask(remove)["removeEntities"]["userErrors"] == []
    assert needs(client, "component:aa") == {"bb": "DOWN"}
    put(client, "aa")
    assert needs(client, "component:aa") == {}


def test_a_link_that_the_other_end_states_stays_also_where_that_has_another_sources_ref(client: Client) -> None:
    named = {"annotations": {"graph-api/identifiers": "pagerduty:P1"}}
    assert client.ask(PUT, source="first", entities=[service("cc") | named])["putEntities"]["userErrors"] == []
    both = [service("bb", dependencyOf=["component:aa"]) | named, service("aa", dependsOn=["component:bb"])]
    assert client.ask(PUT, entities=both)["putEntities"]["userErrors"] == []
    put(client, "aa")
    assert needs(client, "component:aa") == {"cc": "DOWN"}
    for needed in (["component:cc", "component:dd"], []):
        entities = [service("bb", dependsOn=needed) | named]
        assert client.ask(PUT, entities=entities)["putEntities"]["userErrors"] == []
    assert needs(client, "component:cc") == {}


def test_what_a_spec_in_a_snapshot_told_goes_with_the_spec(client: Client) -> None:
    told = [service("aa", owner="web", dependsOn=["component:bb"]), service("bb")]
    client.ask(SNAPSHOT, entities=told)
    answer = client.ask(PUT, source="feed", entities=[service("aa", owner="data")])["putEntities"]
    assert [row["ref"] for row in answer["entity"]["owners"]] == ["group:default/data"]
    assert needs(client, "component:aa") == {}
    client.ask(SNAPSHOT, entities=told)
    remove = 'mutation { removeEntities(source: "feed", entities: [{ref: "component:aa"}]) { userErrors { code } } }'
    assert client.ask(remove)["removeEntities"]["userErrors"] == []
    assert client.ask('{ entity(ref: "component:aa") { ref } }')["entity"] is None


def test_a_link_put_by_itself_stands_whatever_the_ends_state(client: Client) -> None:
    put(client, "aa", dependsOn=["component:bb"])
    soft = """mutation { putLinks(links: [{from: "component:aa", relation: DEPENDS_ON, to: "component:bb",
      criticality: SOFT}]) { userErrors { code } } }"""
    assert client.ask(soft)["putLinks"]["userErrors"] == []
    put(client, "aa", dependsOn=["component:bb"])
    assert needs(client, "component:aa") == {"bb": "DEGRADED"}


@pytest.mark.parametrize("names", [["aa", "bb"], ["bb", "aa"]])
@pytest.mark.parametrize("mutation", [PUT, SNAPSHOT], ids=["putEntities", "applySnapshot"])
def test_both_ends_state_one_link(client: Client, mutation: str, names: list[str]) -> None:
    specs: dict[str, dict[str, Any]] = {
        "aa": {"dependsOn": [{"ref": "component:bb", "criticality": "SOFT"}]},
        "bb": {"dependencyOf": ["component:aa"]},
    }
    client.ask(mutation, entities=[service(name, **specs[name]) for name in names])
    assert needs(client, "component:aa") == {"bb": "DEGRADED"}


@pytest.mark.parametrize(
    "text", ["properties: {n: 99999999999999999999999}", "properties: {a: {b: 1}}", 'environment: ""']
)
def test_a_link_that_cannot_be_stored_is_refused(client: Client, text: str) -> None:
    link = f'{{from: "component:a", relation: DEPENDS_ON, to: "component:b", {text}}}'
    answer = client.ask(f"mutation {{ putLinks(links: [{link}]) {{ userErrors {{ path code }} }} }}")
    assert [row["code"] for row in answer["putLinks"]["userErrors"]] == ["INVALID"]
    assert client.ask("{ changes { nodes { ref } } }")["changes"]["nodes"] == []


@pytest.mark.parametrize(
    "mutation", ["putLinks(links: $links)", 'applySnapshot(source: "api:a", entities: [], links: $links)']
)
def test_a_link_is_given_once(client: Client, mutation: str) -> None:
    link = {"from": "component:a", "relation": "DEPENDS_ON", "to": "component:b"}
    links = [link | {"environment": "x" * 1_024}, link, link | {"criticality": "SOFT"}]
    query = f"mutation($links: [LinkInput!]!) {{ answer: {mutation} {{ userErrors {{ path code message }} }} }}"
    assert client.ask(query, links=links)["answer"]["userErrors"] == [
        {"path": ["links", "2"], "code": "INVALID", "message": "the link is given twice"}
    ]
    assert client.ask("{ entities { totalCount } }") == {"entities": {"totalCount": 0}}
    assert client.ask(query, links=links[:2])["answer"]["userErrors"] == []


def test_a_link_between_unusual_kinds_is_stored_with_a_warning(client: Client) -> None:
    links = [
        {"from": "component:a", "relation": "DEPLOYED_TO", "to": "user:u"},
        {"from": "component:a", "relation": "DEPENDS_ON", "to": "component:b"},
    ]
    warnings = "warnings { code severity ref message }"
    put = f"mutation($links: [LinkInput!]!) {{ putLinks(links: $links) {{ {warnings} userErrors {{ code }} }} }}"
    answer = client.ask(put, links=links)["putLinks"]
    assert answer["userErrors"] == []
    (warning,) = answer["warnings"]
    assert (warning["code"], warning["severity"]) == ("BAD_LINK_END", "WARNING")
    assert warning["ref"] == "component:default/a"
    assert "DEPLOYED_TO from component:default/a to user:default/u" in warning["message"]
    apply = """mutation($links: [LinkInput!]!) { applySnapshot(source: "feed", entities: [], links: $links) {
      sync { problems { code ref } } userErrors { code } } }"""
    problems = client.ask(apply, links=links)["applySnapshot"]["sync"]["problems"]
    assert problems == [{"code": "BAD_LINK_END", "ref": "component:default/a"}]
    assert set(needs(client, "component:a")) == {"user:default/u", "b"}
