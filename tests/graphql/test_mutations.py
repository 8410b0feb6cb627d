"""Writes through the API: all or nothing, for one source, with expected revisions."""

from pathlib import Path
from typing import Any

import pytest

from graph_api.catalog.merge import SourceOrder
from graph_api.sources.files import read_files
from graph_api.store.protocol import Store
from graph_api.sync import record_failure, sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.sources.folders import descriptor, write

PUT = """mutation Put($entities: [EntityInput!]!, $source: String! = "api", $dryRun: Boolean! = false) {
  putEntities(entities: $entities, source: $source, dryRun: $dryRun) {
    revision changes { ref operation } userErrors { path code message } entity { ref revision owners { ref } }
  }
}"""
SNAPSHOT = """mutation Apply($entities: [EntityInput!]!) {
  applySnapshot(source: "feed", entities: $entities) {
    sync { id status message counts { entitiesRemoved } } userErrors { code }
  }
}"""


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"kind": "Component", "name": name, "spec": {"type": "service", **spec}}


def test_put_states_an_entity_with_its_links(client: Client) -> None:
    answer = client.ask(PUT, entities=[service("shop", owner="web", dependsOn=["resource:db"])])["putEntities"]
    assert answer["userErrors"] == []
    assert {row["ref"]: row["operation"] for row in answer["changes"]} == {
        "component:default/shop": "CREATED",
        "group:default/web": "CREATED",
        "resource:default/db": "CREATED",
    }
    impact = client.ask('{ impact(of: ["resource:db"]) { nodes { ref owners { ref state } } } }')["impact"]
    assert impact["nodes"] == [
        {"ref": "component:default/shop", "owners": [{"ref": "group:default/web", "state": "UNRESOLVED"}]}
    ]
    again = client.ask(PUT, entities=[service("shop")])["putEntities"]
    assert {row["operation"] for row in again["changes"]} == {"UPDATED", "REMOVED"}
    assert client.ask('{ entity(ref: "resource:db") { ref } }')["entity"] is None


def test_the_same_put_again_writes_nothing(client: Client) -> None:
    first = client.ask(PUT, entities=[service("shop", owner="web")])["putEntities"]
    second = client.ask(PUT, entities=[service("shop", owner="web")])["putEntities"]
    assert second["revision"] == first["revision"]
    assert second["changes"] == []


def test_what_is_named_first_is_told_changed_or_not(client: Client) -> None:
    entities = [service("shop", owner="web"), service("api", dependsOn=["component:shop"])]
    for answer in (client.ask(PUT, entities=entities)["putEntities"] for _ in range(2)):
        assert answer["entity"]["ref"] == "component:default/shop"
    dry = client.ask(PUT, entities=[service("new")], dryRun=True)["putEntities"]
    assert (dry["changes"][0]["operation"], dry["entity"]) == ("CREATED", None)
    link = '{from: "component:api", relation: DEPENDS_ON, to: "component:shop"}'
    for mutation in (f"putLinks(links: [{link}])", f"removeLinks(links: [{link}])"):
        answer = client.ask(f"mutation {{ answer: {mutation} {{ userErrors {{ code }} entity {{ ref }} }} }}")["answer"]
        assert answer == {"userErrors": [], "entity": {"ref": "component:default/api"}}


def test_a_change_tells_the_id_of_what_is_gone(client: Client) -> None:
    client.ask(PUT, entities=[service("shop")])
    known = client.ask('{ entity(ref: "component:shop") { entityId: id ref } }')["entity"]
    remove = """mutation { removeEntities(entities: [{ref: "component:shop"}]) {
      changes { entityId ref } entity { ref } } }"""
    assert client.ask(remove)["removeEntities"] == {"changes": [known], "entity": None}
    removed = client.ask("{ changes(since: 1) { nodes { entityId ref operation entity { ref } } } }")["changes"]
    assert removed["nodes"] == [{**known, "operation": "REMOVED", "entity": None}]


def test_nothing_but_an_entity_has_the_id_of_one(client: Client) -> None:
    """Caches of clients such as Relay take two objects of one `id` for one."""
    types = client.ask("{ __schema { types { name fields { name } interfaces { name } } } }")["__schema"]["types"]
    with_id = [row for row in types if any(field["name"] == "id" for field in row["fields"] or ())]
    no_nodes = {row["name"] for row in with_id if {"name": "Node"} not in row["interfaces"]}
    assert no_nodes == {"Node", "Sync"}


@pytest.mark.parametrize(
    "mutation",
    [
        "putEntities(entities",
        "removeEntities(entities",
        "putLinks(links",
        "removeLinks(links",
        "applySnapshot(entities",
    ],
)
def test_an_edit_that_changes_nothing_makes_no_source_known(client: Client, mutation: str) -> None:
    name = mutation.partition("(")[0]
    answer = client.ask(f'mutation {{ {mutation}: [], source: "new") {{ userErrors {{ code }} }} }}')[name]
    assert answer["userErrors"] == []
    left = client.ask(
        "{ sources { name } syncs { nodes { id } } auditLog { nodes { event { action outcome source run } } } }"
    )
    assert (left["sources"], left["syncs"]["nodes"]) == ([], [])
    (record,) = left["auditLog"]["nodes"]
    assert record["event"] == {"action": name, "outcome": "APPLIED", "source": "new", "run": None}


def test_any_error_and_nothing_is_written(client: Client) -> None:
    elsewhere, other = service("fine") | {"namespace": "a/b"}, service("fine") | {"kind": "Comp onent"}
    wrong = [service("bad name"), service("worse", owner="not a ref"), elsewhere, other]
    answer = client.ask(PUT, entities=[service("good"), *wrong])
    errors = answer["putEntities"]["userErrors"]
    assert [(error["path"], error["code"]) for error in errors] == [
        (["entities", "1", "name"], "INVALID"),
        (["entities", "2", "spec", "owner"], "BAD_REF"),
        (["entities", "3", "namespace"], "INVALID"),
        (["entities", "4", "kind"], "INVALID"),
    ]
    assert all("ignored" not in error["message"] for error in errors)
    assert client.ask('{ entity(ref: "component:good") { ref } }')["entity"] is None


def test_a_stale_revision_is_a_conflict(client: Client) -> None:
    new = client.ask(PUT, entities=[service("shop") | {"expectedRevision": 0}])["putEntities"]
    assert new["userErrors"] == []
    revision = new["entity"]["revision"]
    assert (
        client.ask(PUT, entities=[service("shop", tier=1) | {"expectedRevision": revision}])["putEntities"][
            "userErrors"
        ]
        == []
    )
    stale = client.ask(PUT, entities=[service("shop", tier=2) | {"expectedRevision": revision}])["putEntities"]
    assert [error["code"] for error in stale["userErrors"]] == ["CONFLICT"]
    assert client.ask('{ entity(ref: "component:shop") { tier } }')["entity"]["tier"] == 1


def test_what_is_only_pointed_at_is_at_no_revision_or_at_its_own(client: Client) -> None:
    client.ask(PUT, entities=[service("shop", dependsOn=["component:a", "component:b"])])
    found = client.ask('{ entities(refs: ["component:a", "component:b"]) { nodes { name revision } } }')["entities"]
    expected = {"a": 0, "b": found["nodes"][1]["revision"]}
    for name, revision in expected.items():
        (stale,) = client.ask(PUT, entities=[service(name) | {"expectedRevision": 7}])["putEntities"]["userErrors"]
        assert stale["code"] == "CONFLICT"
        put = client.ask(PUT, entities=[service(name) | {"expectedRevision": revision}])["putEntities"]
        assert put["userErrors"] == []


def test_a_dry_run_tells_and_writes_nothing(client: Client) -> None:
    answer = client.ask(PUT, entities=[service("shop")], dryRun=True)["putEntities"]
    assert answer["changes"] == [{"ref": "component:default/shop", "operation": "CREATED"}]
    assert client.ask("{ entities { totalCount revision } }")["entities"] == {"totalCount": 0, "revision": 0}


def test_what_others_state_cannot_be_removed(client: Client) -> None:
    client.ask(PUT, entities=[service("shop")], source="files:other")
    remove = 'mutation { removeEntities(entities: [{ref: "component:shop"}]) { userErrors { code message } } }'
    (error,) = client.ask(remove)["removeEntities"]["userErrors"]
    assert error["code"] == "DECLARED_ELSEWHERE"
    assert "files:other" in error["message"]


def test_sources_agree_by_priority_and_conflicts_are_shown(client: Client) -> None:
    client.ask(PUT, entities=[service("shop") | {"title": "Theirs"}])
    client.ask(PUT, entities=[service("shop") | {"title": "Ours"}], source="files:shop")
    query = '{ entity(ref: "component:shop") { title conflicts { field values { source value } } } }'
    assert client.ask(query)["entity"] == {
        "title": "Ours",
        "conflicts": [
            {
                "field": "title",
                "values": [{"source": "files:shop", "value": "Ours"}, {"source": "api", "value": "Theirs"}],
            }
        ],
    }


def test_annotations_name_the_repository_and_the_folder_there(client: Client) -> None:
    location = "url:https://github.com/acme/mono/tree/main/services/shop/"
    shop = service("shop") | {"annotations": {"backstage.io/source-location": location}}
    mono = {"kind": "Repository", "name": "mono", "annotations": {"github.com/project-slug": "acme/mono"}, "spec": {}}
    query = '{ entity(ref: "component:shop") { repository { ref } } }'
    apply = """mutation M($entities: [EntityInput!]!) {
      applySnapshot(source: "api:all", entities: $entities) { userErrors { message } } }"""
    assert client.ask(PUT, entities=[shop])["putEntities"]["userErrors"] == []
    assert client.ask(query)["entity"]["repository"] == {"ref": "repository:acme/mono"}
    assert client.ask(PUT, entities=[service("shop")])["putEntities"]["userErrors"] == []
    assert client.ask(query)["entity"]["repository"] is None
    assert client.ask(PUT, entities=[shop, mono])["putEntities"]["userErrors"] == []
    for _ in range(2):
        assert client.ask(query)["entity"]["repository"] == {"ref": "repository:default/mono"}
        assert client.ask(PUT, entities=[shop | {"title": "Shop"}])["putEntities"]["userErrors"] == []
    assert client.ask(apply, entities=[shop, mono])["applySnapshot"]["userErrors"] == []
    client.ask('mutation { removeEntities(entities: [{ref: "component:shop"}]) { revision } }')
    assert client.ask(query)["entity"]["repository"] == {"ref": "repository:default/mono"}


def test_who_says_nothing_of_a_field_does_not_disagree(client: Client) -> None:
    query = '{ entity(ref: "component:shop") { conflicts { field values { source value } } } }'
    client.ask(PUT, entities=[service("shop") | {"tags": ["a", "b"]}])
    client.ask(PUT, entities=[service("shop", active=False)], source="files:shop")
    assert client.ask(query)["entity"]["conflicts"] == []
    client.ask(PUT, entities=[service("shop", active=True) | {"tags": ["a"]}])
    client.ask(PUT, entities=[service("shop", active=False) | {"tags": ["b", "c"]}], source="files:shop")
    assert client.ask(query)["entity"]["conflicts"] == [
        {
            "field": "tags",
            "values": [{"source": "files:shop", "value": "b, c"}, {"source": "api", "value": "a"}],
        },
        {
            "field": "active",
            "values": [{"source": "files:shop", "value": "false"}, {"source": "api", "value": "true"}],
        },
    ]


@pytest.mark.parametrize("name", ["shop", "Shop"])
def test_what_has_no_effect_is_a_warning(client: Client, name: str) -> None:
    put = PUT.replace("entity {", "warnings { code message ref path } entity {")
    assert not client.ask(put, entities=[service("shop", owner="web", lifecycle="live") | {"title": "Ours"}])[
        "putEntities"
    ]["warnings"]
    theirs = service("shop", owner="web", tier=2) | {"title": "Theirs"}
    assert not client.ask(put, entities=[theirs], source="files:shop")["putEntities"]["warnings"]
    said = {
        "code": "OUTRANKED",
        "message": "title, tier, owner: without effect as long as files:shop tells of component:default/shop, whose "
        "word comes first; change it there, or the order of sources",
        "ref": "component:default/shop",
        "path": "api:component:default/shop",
    }
    mine = service(name, owner="pay", tier=1) | {"title": "Ours", "labels": {"a": "b"}}
    for dry_run in (True, False, False):
        answer = client.ask(put, entities=[mine], dryRun=dry_run)["putEntities"]
        assert (answer["warnings"], answer["userErrors"]) == ([said], [])
    assert not client.ask(put, entities=[theirs | {"labels": {"c": "d"}}])["putEntities"]["warnings"]
    client.ask('mutation { removeEntities(source: "files:shop", entities: [{ref: "component:shop"}]) { revision } }')
    assert not client.ask(put, entities=[mine])["putEntities"]["warnings"]


def test_an_owner_by_another_of_its_refs_has_effect(client: Client) -> None:
    team = {"kind": "Group", "annotations": {"graph-api/identifiers": "pagerduty:T1"}, "spec": {"type": "team"}}
    client.ask(PUT, entities=[team | {"name": "web"}, service("shop", owner="web")], source="files:shop")
    client.ask(PUT, entities=[team | {"name": "squad"}], source="pagerduty:all")
    put = PUT.replace("entity {", "warnings { message } entity {")
    assert not client.ask(put, entities=[service("shop", owner="squad")])["putEntities"]["warnings"]
    assert client.ask(put, entities=[service("shop", owner="others")])["putEntities"]["warnings"]


def test_an_owner_is_outranked_by_the_source_of_the_owners(client: Client) -> None:
    put = PUT.replace("entity {", "warnings { message } entity {")
    client.ask(put, entities=[service("shop", tier=1)], source="files:shop")
    assert not client.ask(put, entities=[service("shop", owner="web")])["putEntities"]["warnings"]
    warnings = client.ask(put, entities=[service("shop", owner="pay", tier=2)], source="api:pay")["putEntities"][
        "warnings"
    ]
    assert [row["message"].partition(" tells")[0] for row in warnings] == [
        "tier: without effect as long as files:shop",
        "owner: without effect as long as api",
    ]


def test_a_mutation_that_fails_leaves_the_answers_of_the_others(client: Client) -> None:
    body = client.post(
        """mutation { first: putEntities(entities: [{kind: "Component", name: "a"}]) { revision }
          confirmSync(id: "nothing") { sync { id } } }"""
    )
    assert body["data"] == {"first": {"revision": 1}, "confirmSync": None}
    assert [error["extensions"]["code"] for error in body["errors"]] == ["NOT_FOUND"]


def test_a_held_sync_is_superseded_whatever_ran_in_between(client: Client, store: Store, run: Run) -> None:
    many = [service(f"s{number}") for number in range(30)]
    assert client.ask(SNAPSHOT, entities=many)["applySnapshot"]["sync"]["status"] == "APPLIED"
    held = client.ask(SNAPSHOT, entities=many[:5])["applySnapshot"]["sync"]
    run(record_failure(store, "feed", "api", "the feed cannot be read"))
    assert client.ask(SNAPSHOT, entities=many)["applySnapshot"]["sync"]["status"] == "UNCHANGED"
    confirm = "mutation($id: ID!) { confirmSync(id: $id) { sync { status } } }"
    assert client.code(confirm, id=held["id"]) == "CONFLICT"


def test_a_sync_held_for_the_same_plan_again_can_still_be_confirmed(client: Client) -> None:
    many = [service(f"s{number}") for number in range(30)]
    assert client.ask(SNAPSHOT, entities=many)["applySnapshot"]["sync"]["status"] == "APPLIED"
    held = client.ask(SNAPSHOT, entities=many[:5])["applySnapshot"]["sync"]
    again = client.ask(SNAPSHOT, entities=many[:5])["applySnapshot"]["sync"]
    assert (again["id"], again["status"]) == (held["id"], "HELD")
    other = client.ask(SNAPSHOT, entities=many[:6])["applySnapshot"]["sync"]
    assert (other["id"] != held["id"], other["status"]) == (True, "HELD")
    confirm = "mutation($id: ID!) { confirmSync(id: $id) { sync { status } } }"
    assert client.code(confirm, id=held["id"]) == "CONFLICT"
    assert client.ask(confirm, id=other["id"])["confirmSync"]["sync"]["status"] == "CONFIRMED"
    statuses = [row["status"] for row in client.ask("{ syncs(first: 9) { nodes { status } } }")["syncs"]["nodes"]]
    assert statuses == ["CONFIRMED", "SUPERSEDED", "APPLIED"]


def test_a_plan_that_removes_much_is_held_until_confirmed(client: Client) -> None:
    many = [service(f"s{number}") for number in range(30)]
    assert client.ask(SNAPSHOT, entities=many)["applySnapshot"]["sync"]["status"] == "APPLIED"
    held = client.ask(SNAPSHOT, entities=many[:5])["applySnapshot"]["sync"]
    assert (held["status"], held["counts"]) == ("HELD", {"entitiesRemoved": 25})
    assert client.ask("{ services { totalCount } }")["services"]["totalCount"] == 30
    assert "25 of the source's 30 entities" in held["message"]
    confirm = "mutation($id: ID!) { confirmSync(id: $id) { sync { status message } } }"
    assert client.ask(confirm, id=held["id"])["confirmSync"]["sync"] == {"status": "CONFIRMED", "message": None}
    assert client.ask("{ services { totalCount } sources { entities } }") == {
        "services": {"totalCount": 5},
        "sources": [{"entities": 5}],
    }
    assert client.code(confirm, id=held["id"]) == "CONFLICT"
    assert client.code(confirm, id="nothing") == "NOT_FOUND"


def test_a_cursor_holds_a_long_title(client: Client) -> None:
    put = """mutation($title: String!) { putEntities(entities: [
      {kind: "Component", name: "a", title: $title, spec: {type: "service"}},
      {kind: "Component", name: "b", spec: {type: "service"}}]) { userErrors { message } } }"""
    assert client.ask(put, title="t" * 30_000)["putEntities"]["userErrors"] == []
    page = """query($after: String) { services(sort: {field: TITLE}, first: 1, after: $after) {
      nodes { ref } pageInfo { endCursor } } }"""
    first = client.ask(page)["services"]
    second = client.ask(page, after=first["pageInfo"]["endCursor"])["services"]
    assert first["nodes"] + second["nodes"] == [{"ref": "component:default/a"}, {"ref": "component:default/b"}]


def test_what_a_connector_feeds_is_not_written_for(client: Client, store: Store, run: Run, tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": descriptor("Component", "fed")})
    run(sync(store, read_files([tmp_path], source="feed"), SourceOrder()))
    sources = "{ sources { name connector lastAppliedAt entities } }"
    before = client.ask(sources)
    link = '{from: "component:fed", relation: DEPENDS_ON, to: "component:b"}'
    for field in (
        'putEntities(source: "feed", entities: [{kind: "Component", name: "x"}])',
        'removeEntities(source: "feed", entities: [{ref: "component:fed"}])',
        f'putLinks(source: "feed", links: [{link}])',
        f'removeLinks(source: "feed", links: [{link}])',
        'applySnapshot(source: "feed", entities: [])',
    ):
        (payload,) = client.ask(f"mutation {{ {field} {{ userErrors {{ path code message }} }} }}").values()
        error = payload["userErrors"][0]
        assert (error["path"], error["code"]) == (["source"], "DECLARED_ELSEWHERE")
        assert "fed by the connector files" in error["message"]
    assert client.ask(sources) == before


def test_user_errors_lead_to_the_field(client: Client) -> None:
    entities = [
        service("shop", dependsOn=["resource:db", "db"], tier="high"),
        {"kind": "", "name": "x"},
        {"kind": "Component", "name": "y", "labels": {"a": []}},
    ]
    errors = client.ask(PUT, entities=entities)["putEntities"]["userErrors"]
    assert {(".".join(row["path"]), row["message"]) for row in errors} == {
        ("entities.0.spec.dependsOn.1", "spec.dependsOn[1]: 'db': the kind is missing: write kind:namespace/name"),
        ("entities.0.spec.tier", "spec.tier must be a whole number from 0 to 2,147,483,647, 1 the most critical"),
        ("entities.1.kind", "kind is missing, such as Component"),
        ("entities.2.labels.a", "metadata.labels.a must be text"),
    }


def test_a_near_miss_goes_in_with_a_warning(client: Client) -> None:
    put = """mutation { putEntities(entities: [{kind: "Component", name: "shop", spec: {dependOn: ["resource:db"]}}]) {
      userErrors { code } warnings { code message } changes { ref } } }"""
    answer = client.ask(put)["putEntities"]
    assert (answer["userErrors"], [row["code"] for row in answer["warnings"]]) == ([], ["MISSPELLED"])
    assert answer["changes"] == [{"ref": "component:default/shop"}]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('{ entities(filter: {kind: {eq: ""}}) { totalCount } }', "no kind '';"),
        (
            '{ dependents(of: ["component:a"], walk: {budget: {seconds: 0}}) { totalCount } }',
            "above 0 and at most 30; got 0",
        ),
        ('{ entity(ref: "checkout") { ref } }', "'checkout': the kind is missing"),
    ],
)
def test_messages_name_the_value(client: Client, query: str, said: str) -> None:
    client.ask(PUT, entities=[service("a")])
    assert said in client.post(query)["errors"][0]["message"]
