"""What still names a former ref means what has it no more, whatever comes first; and goes back to the ref itself."""

from pathlib import Path
from typing import Any

import pytest

from graph_api.catalog.merge import SourceOrder
from graph_api.planning import correlating
from graph_api.sources.files import read_files
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.sources.folders import descriptor, write

PUT = """mutation($entities: [EntityInput!]!, $source: String! = "api") {
  answer: putEntities(entities: $entities, source: $source) {
    changes { ref operation } userErrors { code message } } }"""
REMOVE = """mutation($ref: String!, $source: String! = "api") {
  answer: removeEntities(entities: [{ref: $ref}], source: $source) { userErrors { code } } }"""
IMPACT = """query($of: [String!]!) { impact(of: $of) {
  nodes { ref owners { ref state } } completeness { complete reasons } } }"""
OLD, NEW = "resource:default/legacy-db", "resource:default/orders-db"


def entity(kind: str, name: str, former: str = "", **spec: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": name,
        "annotations": {"graph-api/former-refs": former} if former else {},
        "spec": spec,
    }


APP = entity("Component", "old-app", type="service", owner="old-team", dependsOn=["resource:legacy-db"])
DATABASE = entity("Resource", "orders-db", OLD, type="database")
TEAM = entity("Group", "team", "old-team", type="team")
ANN = entity("User", "ann", memberOf=["old-team"])


def put(client: Client, *entities: dict[str, Any], source: str = "api") -> dict[str, str]:
    answer = client.ask(PUT, entities=list(entities), source=source)["answer"]
    assert answer["userErrors"] == []
    return {row["ref"]: row["operation"] for row in answer["changes"]}


def needs(client: Client) -> list[str]:
    asked = '{ entity(ref: "component:old-app") { dependencies { nodes { ref } } } }'
    return [row["ref"] for row in client.ask(asked)["entity"]["dependencies"]["nodes"]]


def is_there(client: Client, ref: str) -> list[str]:
    """What the ref asks for."""
    found = client.ask("query($ref: String!) { entity(ref: $ref) { ref } }", ref=ref)["entity"]
    return [found["ref"]] if found else []


@pytest.mark.parametrize("order", [(APP, DATABASE, TEAM, ANN), (ANN, TEAM, DATABASE, APP), (TEAM, APP, ANN, DATABASE)])
def test_links_and_owners_follow_a_rename_whatever_comes_first(
    client: Client, order: tuple[dict[str, Any], ...]
) -> None:
    for one in order:
        put(client, one)
    answers = [client.ask(IMPACT, of=[ref])["impact"] for ref in (NEW, OLD)]
    assert (
        answers[0]
        == answers[1]
        == {
            "nodes": [
                {"ref": "component:default/old-app", "owners": [{"ref": "group:default/team", "state": "ACTIVE"}]},
            ],
            "completeness": {"complete": True, "reasons": []},
        }
    )
    assert is_there(client, OLD) == [NEW]
    gaps = client.ask("{ ownershipGaps { nodes { ref } } }")["ownershipGaps"]["nodes"]
    assert gaps == [{"ref": NEW}]
    owned = '{ entities(filter: {ownedBy: {refs: ["group:old-team"]}}) { nodes { ref } } }'
    assert client.ask(owned)["entities"]["nodes"] == [{"ref": "component:default/old-app"}]


def test_all_of_it_may_come_in_one_sync(client: Client, store: Store, run: Run, tmp_path: Path) -> None:
    files = {
        "app.yaml": descriptor("Component", "old-app", "{type: service, dependsOn: [resource:legacy-db]}"),
        "database.yaml": descriptor(
            "Resource", "orders-db", "{type: database}", "{graph-api/former-refs: resource:legacy-db}"
        ),
    }
    folder = write(tmp_path / "files", files)

    def read() -> list[str]:
        run(sync(store, read_files([folder], source="files"), SourceOrder()))
        return needs(client)

    assert read() == [NEW]
    write(folder, {"old.yaml": descriptor("Resource", "legacy-db", "{type: database}")})
    assert read() == [OLD]
    (folder / "old.yaml").rename(folder / "new.yaml")
    (folder / "database.yaml").rename(folder / "database.yml")
    assert read() == [OLD]
    (folder / "new.yaml").unlink()
    assert read() == [NEW]


def test_a_ref_that_is_declared_again_is_itself_again(client: Client) -> None:
    put(client, APP, DATABASE)
    again = {**entity("Resource", "legacy-db", type="database"), "expectedRevision": 0}
    assert put(client, again)[OLD] == "CREATED"
    assert (needs(client), is_there(client, OLD)) == ([OLD], [OLD])
    assert client.ask(REMOVE, ref=OLD)["answer"]["userErrors"] == []
    assert (needs(client), is_there(client, OLD)) == ([NEW], [NEW])
    assert client.ask(REMOVE, ref=OLD)["answer"]["userErrors"] == [{"code": "NOT_FOUND"}], "it is not removed so"


def test_of_two_that_claim_a_former_ref_none_has_it(client: Client) -> None:
    put(client, APP, DATABASE)
    put(client, entity("Resource", "other-db", "legacy-db", type="database"))
    assert (needs(client), is_there(client, OLD)) == ([OLD], [OLD])
    put(client, entity("Component", "old-app", type="service"))
    (error,) = client.post(IMPACT, of=[OLD])["errors"]
    other = "resource:default/other-db"
    assert error["message"] == f"nothing declares or points to {OLD}; {OLD} is another name of {NEW} and {other}"
    put(client, APP)
    put(client, entity("Resource", "orders-db", type="database"))
    assert needs(client) == [other]
    assert client.ask(REMOVE, ref=other)["answer"]["userErrors"] == []
    assert (needs(client), is_there(client, OLD), is_there(client, other)) == ([OLD], [OLD], [])


def test_two_that_claim_it_and_are_one_thing_have_it(client: Client) -> None:
    named = {"graph-api/former-refs": OLD, "graph-api/identifiers": "arn:aws:rds:x"}
    put(client, APP, {**DATABASE, "annotations": named})
    put(client, {**entity("Resource", "seen"), "annotations": named}, source="a-cloud")
    assert (needs(client), is_there(client, OLD)) == (["resource:default/seen"], ["resource:default/seen"])
    assert client.ask(REMOVE, ref="resource:seen", source="a-cloud")["answer"]["userErrors"] == []
    assert needs(client) == [NEW]


def test_a_link_is_changed_by_the_ref_that_its_source_gave_it(client: Client) -> None:
    put(client, APP, DATABASE)
    put(client, APP)
    put(client, {**APP, "spec": {**APP["spec"], "dependsOn": [{"ref": OLD, "criticality": "SOFT"}]}})
    asked = '{ impact(of: ["resource:orders-db"]) { edges { severity node { ref } } } }'
    found = client.ask(asked)["impact"]["edges"]
    assert found == [{"severity": "DEGRADED", "node": {"ref": "component:default/old-app"}}]
    put(client, {**APP, "spec": {"type": "service"}})
    assert needs(client) == []


def test_a_link_is_removed_by_the_ref_that_its_source_gave_it(client: Client) -> None:
    link = '{from: "component:user-app", relation: DEPENDS_ON, to: "resource:legacy-db"}'
    put(client, entity("Component", "user-app"))
    client.ask(f"mutation {{ putLinks(links: [{link}]) {{ revision }} }}")
    put(client, DATABASE)
    impact = '{ impact(of: ["resource:orders-db"]) { nodes { ref } } }'
    assert client.ask(impact)["impact"]["nodes"] == [{"ref": "component:default/user-app"}]
    removed = client.ask(f"mutation {{ removeLinks(links: [{link}]) {{ userErrors {{ message }} }} }}")
    assert removed["removeLinks"]["userErrors"] == []
    assert client.ask(impact)["impact"]["nodes"] == []


def test_changes_of_a_former_ref_tell_that_it_is_removed(client: Client) -> None:
    put(client, entity("Resource", "legacy-db"))
    query = """query($since: Int!) { changes(since: $since, filter: {ref: {eq: "resource:legacy-db"}}) {
      nodes { ref operation } } }"""
    since = client.ask("{ entities { revision } }")["entities"]["revision"]
    put(client, DATABASE)
    assert client.ask(REMOVE, ref="resource:legacy-db")["answer"]["userErrors"] == []
    told = [(row["ref"], row["operation"]) for row in client.ask(query, since=since)["changes"]["nodes"]]
    assert told == [("resource:default/orders-db", "CREATED"), ("resource:default/legacy-db", "REMOVED")]


def test_a_ref_put_anew_leaves_the_links_of_what_had_it(client: Client) -> None:
    database = {**DATABASE, "spec": {"type": "database", "owner": "team"}}
    put(client, database, TEAM)
    put(client, entity("Resource", "legacy-db", type="queue"))
    owners = '{ entity(ref: "resource:orders-db") { type owners { ref } } }'
    assert client.ask(owners)["entity"] == {"type": "database", "owners": [{"ref": "group:default/team"}]}


def test_what_an_earlier_version_wrote_follows_when_what_was_renamed_is_written(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(correlating, "former_places", lambda *_: {})
        put(client, APP, DATABASE)
        assert needs(client) == [OLD]
    put(client, {**DATABASE, "title": "Orders"})
    assert (needs(client), is_there(client, OLD)) == ([NEW], [NEW])


def test_a_code_owner_is_found_by_a_former_ref(client: Client, store: Store, run: Run, tmp_path: Path) -> None:
    slug = "{github.com/project-slug: acme/orders}"
    files = {
        "repository.yaml": descriptor("Repository", "orders", "{type: git}", slug),
        ".github/CODEOWNERS": "* @old-ann\n",
    }
    run(sync(store, read_files([write(tmp_path / "files", files)], source="files"), SourceOrder()))

    def owners() -> list[tuple[str, str]]:
        rows = client.ask('{ entity(ref: "repository:orders") { owners { ref state } } }')["entity"]["owners"]
        return [(row["ref"], row["state"]) for row in rows]

    unresolved, found = [("user:default/old-ann", "UNRESOLVED")], [("user:default/ann", "ACTIVE")]
    assert owners() == unresolved
    put(client, {**ANN, "annotations": {"graph-api/former-refs": "old-ann"}})
    assert (owners(), is_there(client, "user:old-ann")) == (found, ["user:default/ann"])
    put(client, entity("User", "old-ann"))
    assert owners() == [("user:default/old-ann", "ACTIVE")]
    assert client.ask(REMOVE, ref="user:old-ann")["answer"]["userErrors"] == []
    assert owners() == found
    put(client, entity("User", "eve", "old-ann"))
    assert owners() == unresolved
    assert client.ask(REMOVE, ref="user:eve")["answer"]["userErrors"] == []
    put(client, ANN)
    assert owners() == unresolved
