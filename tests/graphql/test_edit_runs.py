"""Each edit leaves a run of its source that says what it did."""

from typing import Any

from tests.graphql.conftest import Client

PUT = "mutation($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { code } } }"
RUN = """{ syncs(first: 1) { nodes { source status revision problems { code } counts {
  entitiesAdded entitiesChanged entitiesRemoved linksAdded linksChanged linksRemoved } } } }"""


def last_run(client: Client) -> dict[str, Any]:
    """Without the counts that are 0."""
    run: dict[str, Any]
    (run,) = client.ask(RUN)["syncs"]["nodes"]
    return run | {"counts": {name: count for name, count in run["counts"].items() if count}}


def shop(**spec: Any) -> dict[str, Any]:
    return {"kind": "Component", "name": "shop", "spec": {"type": "service", **spec}}


def test_what_is_put_changed_and_removed_is_counted(client: Client) -> None:
    client.ask(PUT, entities=[shop(dependsOn=["component:cart", "component:mail"])])
    done = {"source": "api", "status": "APPLIED", "revision": 1, "problems": []}
    assert last_run(client) == done | {"counts": {"entitiesAdded": 1, "linksAdded": 2}}
    client.ask(PUT, entities=[shop(dependsOn=["component:cart"], tier=1), {"kind": "System", "name": "new"}])
    assert last_run(client) == done | {
        "revision": 2,
        "counts": {"entitiesAdded": 1, "entitiesChanged": 1, "linksChanged": 1, "linksRemoved": 1},
    }
    client.ask('mutation { removeEntities(entities: [{ref: "component:shop"}]) { revision } }')
    assert last_run(client) == done | {"revision": 3, "counts": {"entitiesRemoved": 1, "linksRemoved": 1}}


def test_one_that_changes_nothing_is_unchanged_and_at_the_same_revision(client: Client) -> None:
    for _ in range(2):
        client.ask(PUT, entities=[shop()])
    run = last_run(client)
    assert (run["status"], run["revision"]) == ("UNCHANGED", 1)


def test_its_warnings_are_problems_of_the_source(client: Client) -> None:
    client.ask(PUT, entities=[shop(owner="component:cart")])
    codes = [row["code"] for row in last_run(client)["problems"]]
    assert codes == ["BAD_LINK_END"]
    assert client.ask("{ problems { nodes { code source } } }")["problems"]["nodes"] == [
        {"code": "BAD_LINK_END", "source": "api"}
    ]
