"""The queries of docs/portal.md, run as they stand, and what a portal's own code relies on."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.documents import blocks
from tests.graphql.conftest import Client

QUERIES = {found[1]: query for query in blocks("docs/portal.md", "graphql") if (found := re.match(r"\w+ (\w+)", query))}


def test_every_query_of_the_page_is_run_here() -> None:
    assert list(QUERIES) == [
        *("Me", "ServicePage", "ServiceList", "SearchBox", "Pasted", "TeamPage", "ImpactPage"),
        *("SystemImpact", "EnvironmentImpact", "ChangeFeed"),
        "Changes",  # in tests/web/test_live.py, over a socket
        "RetryableWrite",
    ]
    assert len(QUERIES) == len(blocks("docs/portal.md", "graphql"))


def test_who_is_signed_in(demo: Client) -> None:
    everybody = ["VIEWER", "EDITOR", "ADMIN", "INGESTOR", "SECURITY", "AUDITOR"]
    assert demo.ask(QUERIES["Me"])["viewer"] == {
        "name": "anonymous",
        "roles": everybody,
        "seesEverything": True,
        "user": None,
        "groups": [],
    }


def test_a_services_page(demo: Client) -> None:
    page = demo.ask(QUERIES["ServicePage"])
    entity = page["entity"]
    assert (entity["__typename"], entity["primaryOwner"]["ref"]) == ("Service", "group:default/checkout")
    assert entity["dependencies"]["totalCount"] == len(entity["dependencies"]["edges"]) > 3
    assert len(page["dependents"]["nodes"]) == page["dependents"]["totalCount"] == 2
    nothing = demo.post(QUERIES["ServicePage"], ref="component:default/nope")
    assert nothing["data"] == {"entity": None, "dependents": None}
    assert [error["extensions"]["code"] for error in nothing["errors"]] == ["NOT_FOUND"]


def test_the_dependents_of_a_page_are_things_and_those_of_an_entity_are_links(demo: Client) -> None:
    page = demo.ask(QUERIES["ServicePage"], ref="resource:default/postgres-core")
    things = [row["ref"] for row in page["dependents"]["nodes"]]
    assert len(set(things)) == page["dependents"]["totalCount"] == 9
    links = demo.ask('{ entity(ref: "resource:postgres-core") { dependents { totalCount nodes { ref } } } }')["entity"]
    assert links["dependents"]["totalCount"] == 11
    assert {row["ref"] for row in links["dependents"]["nodes"]} == set(things)


def test_a_list_with_facets_and_pages(demo: Client) -> None:
    page = demo.ask(QUERIES["ServiceList"])
    facets = {facet["field"]: facet["buckets"] for facet in page["facets"]}
    total = page["services"]["totalCount"]
    assert total > len(page["services"]["nodes"]) == 10
    assert sum(bucket["count"] for bucket in facets["system"]) == total
    further = demo.ask(QUERIES["ServiceList"], after=page["services"]["pageInfo"]["endCursor"])["services"]
    assert not {row["ref"] for row in page["services"]["nodes"]} & {row["ref"] for row in further["nodes"]}
    assert demo.ask(QUERIES["ServiceList"], filter={"tier": {"eq": 1}})["services"]["totalCount"] < total


@pytest.mark.parametrize(
    ("text", "expected", "among"),
    [
        ("payment", "component:default/payments", 1),
        ("check", "component:default/checkout", 2),
        ("chekout", "component:default/checkout", 2),
        ("order", "component:default/orders", 2),
        ("postgres", "resource:default/postgres-core", 1),
        ("Yara Khalil", "user:default/yara.khalil", 1),
        ("identity api", "api:default/identity-api", 1),
        ("data platform", "group:default/data-platform", 5),
        ("acquirer", "component:external/card-gateway", 5),
    ],
)
def test_the_search_box(demo: Client, text: str, expected: str, among: int) -> None:
    refs = [row["ref"] for row in demo.ask(QUERIES["SearchBox"], text=text)["search"]["nodes"]]
    assert expected in refs[:among]


def test_search_turns_pages(demo: Client) -> None:
    page = demo.ask(QUERIES["SearchBox"], text="order")["search"]
    refs = [row["ref"] for row in page["nodes"]]
    while page["pageInfo"]["hasNextPage"]:
        page = demo.ask(QUERIES["SearchBox"], text="order", after=page["pageInfo"]["endCursor"])["search"]
        refs += [row["ref"] for row in page["nodes"]]
    assert len(set(refs)) == len(refs) == page["totalCount"] > 16
    cursor = page["pageInfo"]["endCursor"]
    assert demo.code(QUERIES["SearchBox"], text="orders", after=cursor) == "BAD_CURSOR"
    assert demo.ask(QUERIES["SearchBox"], text="!?")["search"]["totalCount"] == 0


def test_a_pasted_name(demo: Client) -> None:
    found = demo.ask(QUERIES["Pasted"])["resolve"]
    assert [(row["__typename"], row["ref"]) for row in found] == [
        ("Service", "component:default/checkout"),
        ("Resource", "resource:image/registry.brambleway.example-shop-checkout"),
    ]


def test_a_teams_page(demo: Client) -> None:
    page = demo.ask(QUERIES["TeamPage"])
    team, owned = page["entity"], page["entity"]["owned"]
    asked = demo.ask(
        '{ owned(by: ["group:default/platform"], first: 10, sort: {field: TIER}) { totalCount nodes { ref } } }'
    )
    assert owned["totalCount"] == asked["owned"]["totalCount"] > 10
    assert [row["ref"] for row in owned["nodes"]] == [row["ref"] for row in asked["owned"]["nodes"]]
    further = demo.ask(QUERIES["TeamPage"], after=owned["pageInfo"]["endCursor"])["entity"]["owned"]
    assert not {row["ref"] for row in owned["nodes"]} & {row["ref"] for row in further["nodes"]}
    assert team["children"]["nodes"]
    coverage = page["ownershipCoverage"]
    assert all(0 <= row["declared"] <= row["effective"] == row["total"] for row in coverage)
    assert sum(row["declared"] for row in coverage) > 30
    assert [row["entity"] for row in coverage if row["value"]] == [
        {"title": row["entity"]["title"]} for row in coverage if row["value"]
    ]
    loyalty = demo.ask(QUERIES["TeamPage"], team="group:default/loyalty")
    assert {edge["node"]["ref"] for edge in loyalty["ownershipGaps"]["edges"]} == {
        "api:default/loyalty-api",
        "component:default/loyalty-points",
    }


def test_what_a_group_owns_takes_the_arguments_of_the_question(demo: Client) -> None:
    query = """query($by: [String!]!) { groups(filter: {ref: {in: $by}}) { nodes {
      all: owned { totalCount } own: owned(includeSubgroups: false) { totalCount }
      declared: owned(effective: false) { totalCount } apis: owned(filter: {kind: {eq: "API"}}) { totalCount } } }
      all: owned(by: $by) { totalCount } own: owned(by: $by, includeSubgroups: false) { totalCount }
      declared: owned(by: $by, effective: false) { totalCount }
      apis: owned(by: $by, filter: {kind: {eq: "API"}}) { totalCount } }"""
    answer = demo.ask(query, by=["group:default/platform"])
    (group,) = answer.pop("groups")["nodes"]
    assert group == answer
    assert len({row["totalCount"] for row in group.values()}) == 4


def test_what_is_owned_is_no_question_for_a_whole_list(demo: Client) -> None:
    assert demo.code("{ users(first: 21) { nodes { owned { totalCount } } } }") == "TOO_LARGE"
    assert len(demo.ask("{ users(first: 20) { nodes { owned { totalCount } } } }")["users"]["nodes"]) == 20


def test_before_a_change(demo: Client) -> None:
    impact = demo.ask(QUERIES["ImpactPage"])["impact"]
    assert (impact["totalCount"], len(impact["edges"]), impact["completeness"]["complete"]) == (103, 10, True)

    states = {row["owner"]["ownerState"] for row in impact["notify"]}
    assert states == {"ACTIVE", "EMPTY", "INACTIVE", "UNRESOLVED"}


def test_the_impact_of_a_whole_system(demo: Client) -> None:
    impact = demo.ask(QUERIES["SystemImpact"])["impact"]
    assert (impact["totalCount"], impact["completeness"]["complete"]) == (8, True)
    parts = demo.ask('{ entities(filter: {system: {eq: "payment-processing"}}) { totalCount } }')["entities"]
    assert impact["startCount"] == parts["totalCount"] > 0
    others = ('domain: {eq: "payments"}', 8), ('ownedBy: {refs: ["group:default/payments"]}', 10)
    for where, count in others:
        assert demo.ask(f"{{ impact(where: {{{where}}}) {{ totalCount }} }}")["impact"]["totalCount"] == count
    start = "query Q($of: [String!]!) { impact(of: $of) { totalCount completeness { complete } } }"
    for ref in ("system:default/payment-processing", "domain:default/payments", "group:default/payments"):
        assert demo.ask(start, of=[ref])["impact"] == {"totalCount": 0, "completeness": {"complete": True}}
    assert demo.ask(start, of=["environment:default/production"])["impact"]["totalCount"] > 100


def test_the_impact_in_one_environment(demo: Client) -> None:
    assert demo.ask(QUERIES["EnvironmentImpact"])["impact"]["totalCount"] == 103
    assert demo.ask(QUERIES["EnvironmentImpact"], environment="staging")["impact"]["totalCount"] == 62
    alone = """{ impact(of: ["resource:postgres-core"], walk: {linkWhere: {environment: {eq: "production"}}}) {
      totalCount } }"""
    assert demo.ask(alone)["impact"]["totalCount"] == 9


def test_what_changed(demo: Client) -> None:
    changes = demo.ask(QUERIES["ChangeFeed"])["changes"]["nodes"]
    assert {row["operation"] for row in changes} == {"CREATED"}
    assert {row["ref"].partition(":")[0] for row in changes} <= {"component", "api"}
    now = demo.ask("{ services(first: 1) { revision } }")["services"]["revision"]
    assert demo.ask(QUERIES["ChangeFeed"], since=now)["changes"]["nodes"] == []


def test_runs_by_status(demo: Client) -> None:
    query = (
        "query($status: SyncStatus, $source: String) { syncs(status: $status, source: $source) { nodes { status } } }"
    )
    assert {row["status"] for row in demo.ask(query, status="APPLIED")["syncs"]["nodes"]} == {"APPLIED"}
    assert demo.ask(query, status="APPLIED", source="demo")["syncs"]["nodes"] == [{"status": "APPLIED"}]
    assert demo.ask(query, status="APPLIED") == demo.ask(query)
    assert demo.ask(query, status="HELD")["syncs"]["nodes"] == []
    assert demo.ask(query, status="APPLIED", source="other")["syncs"]["nodes"] == []


LISTS = {
    "services": "Service",
    "applications": "Application",
    "libraries": "Library",
    "apis": "Api",
    "pipelines": "Pipeline",
    "datasets": "Dataset",
    "resources": "Resource",
    "environments": "Environment",
    "systems": "System",
    "domains": "Domain",
    "groups": "Group",
    "users": "User",
    "repositories": "Repository",
    "unresolvedRefs": "UnresolvedEntity",
}


def test_every_list_says_what_it_holds(demo: Client) -> None:
    fields = demo.ask(
        """{ __schema { queryType { fields { name type { name
          fields { name type { ofType { ofType { ofType { name } } } } } } } } } }"""
    )["__schema"]["queryType"]["fields"]
    types = {field["name"]: field["type"] for field in fields}
    for name, type_ in LISTS.items():
        (nodes,) = [field for field in types[name]["fields"] if field["name"] == "nodes"]
        assert types[name]["name"] == f"{type_}Connection"
        assert nodes["type"]["ofType"]["ofType"]["ofType"]["name"] == type_


TIMES = """{ entity(ref: "component:default/checkout") { updatedAt evidence { firstSeen lastSeen } }
  sources { lastAppliedAt lastRun { startedAt finishedAt } } changes(first: 1) { nodes { at } } }"""


def test_times_are_iso_8601_in_utc_and_can_be_asked_back(demo: Client) -> None:
    answer = demo.ask(TIMES)
    times = list(texts(answer))
    assert len(times) >= 7
    for time in times:
        assert datetime.fromisoformat(time).tzinfo == UTC
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    query = 'query($at: DateTime!) { services(filter: {name: {eq: "checkout"}, updatedAt: {eq: $at}}) { totalCount } }'
    assert demo.ask(query, at=answer["entity"]["updatedAt"])["services"]["totalCount"] == 1
    types = demo.ask('{ __type(name: "Service") { fields { name type { ofType { name } } } } }')["__type"]["fields"]
    assert {"name": "updatedAt", "type": {"ofType": {"name": "DateTime"}}} in types


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, dict) else value
    return [text for inner in values for text in texts(inner)]


def test_kinds_are_counted_by_the_names_that_entities_show(demo: Client) -> None:
    (facet,) = demo.ask("{ facets(fields: [KIND]) { buckets { value } } }")["facets"]
    coverage = demo.ask("{ ownershipCoverage(by: KIND) { value entity { ref } } }")["ownershipCoverage"]
    groups = demo.ask('{ impact(of: ["resource:postgres-core"]) { groups(by: KIND) { buckets { value } } } }')["impact"]
    shown = {
        row["kind"]
        for row in demo.ask("{ entities(first: 100, sort: {field: UPDATED_AT}) { nodes { kind } } }")["entities"][
            "nodes"
        ]
    }
    values = {bucket["value"] for bucket in facet["buckets"]}
    assert {"API", "Component"} <= shown <= values
    assert {"API", "Component"} <= {row["value"] for row in coverage} <= values
    assert {"API", "Component"} <= {row["value"] for row in groups["groups"]["buckets"]} <= values
    assert {row["entity"] and row["entity"]["ref"] for row in coverage} == {None}


def test_a_write_that_is_sent_again(client: Client) -> None:
    answers = [client.ask(QUERIES["RetryableWrite"])["putEntities"] for _ in range(2)]
    assert [(row["replayed"], row["revision"], row["entity"]["ref"]) for row in answers] == [
        (False, 1, "component:default/till"),
        (True, 1, "component:default/till"),
    ]
