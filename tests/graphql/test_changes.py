"""What pollers rely on: the revision of every list, a `since` that cannot be, and what is left of what is removed."""

from typing import Any

import pytest

from graph_api.store.protocol import Store
from tests.graphql.conftest import Client

PUT = """mutation M($source: String!, $entities: [EntityInput!]!) {
  putEntities(source: $source, entities: $entities) { revision userErrors { message } } }"""
LISTS = (
    "entities",
    "services",
    "ownershipGaps",
    "changes",
    "syncs",
    "problems",
    "auditLog",
    "drift",
    'dependents(of: ["component:a"])',
)


def put(client: Client, source: str, name: str, identifier: str) -> int:
    entity = {"kind": "Component", "name": name, "annotations": {"graph-api/identifiers": identifier}}
    answer = client.ask(PUT, source=source, entities=[entity])["putEntities"]
    assert answer["userErrors"] == []
    revision: int = answer["revision"]
    return revision


@pytest.mark.parametrize("asked", LISTS)
def test_every_list_tells_its_revision(client: Client, asked: str) -> None:
    revision = put(client, "api:one", "a", "pagerduty:P1")
    assert client.ask(f"{{ list: {asked} {{ revision }} }}") == {"list": {"revision": revision}}


def test_lists_of_links_tell_their_revision(client: Client) -> None:
    revision = put(client, "api:one", "a", "pagerduty:P1")
    answer = client.ask("{ entities { nodes { dependencies { revision } related(direction: IN) { revision } } } }")
    told = {"revision": revision}
    assert answer["entities"]["nodes"] == [{"dependencies": told, "related": told}]


def test_a_revision_that_has_not_been_is_no_beginning(client: Client) -> None:
    revision = put(client, "api:one", "a", "pagerduty:P1")
    asked = "query Q($since: Int!) { changes(since: $since) { nodes { ref } } }"
    assert client.ask(asked, since=revision)["changes"]["nodes"] == []
    for since in (-1, revision + 1):
        assert client.code(asked, since=since) == "BAD_INPUT"
    assert "read everything again" in client.post(asked, since=revision + 1)["errors"][0]["message"]


def test_of_what_is_removed_no_entity_is_left_whatever_goes_by_its_ref(client: Client) -> None:
    put(client, "api:one", "a", "pagerduty:P1")
    before = put(client, "api:two", "b", "pagerduty:P2")
    put(client, "api:two", "b", "pagerduty:P1")
    assert client.ask('{ entity(ref: "component:b") { ref } }') == {"entity": {"ref": "component:default/a"}}
    changes = client.ask(
        "query Q($since: Int!) { changes(since: $since) { nodes { ref operation entity { ref } } } }", since=before
    )["changes"]["nodes"]
    assert changes == [
        {"ref": "component:default/a", "operation": "UPDATED", "entity": {"ref": "component:default/a"}},
        {"ref": "component:default/b", "operation": "REMOVED", "entity": None},
    ]


def test_what_lies_in_a_whole_that_moves_has_changed(client: Client) -> None:
    """Though nothing else is said of it, nor of who owns it."""

    def tell(kind: str, name: str, **spec: str) -> int:
        answer = client.ask(PUT, source="api:one", entities=[{"kind": kind, "name": name, "spec": spec}])["putEntities"]
        assert answer["userErrors"] == []
        revision: int = answer["revision"]
        return revision

    def cart_since(revision: int) -> tuple[list[str], list[str], bool]:
        """The systems and domains of the cart, and whether it is told as changed."""
        query = """query Q($since: Int!) { changes(since: $since) { nodes { ref operation } }
          entity(ref: "component:cart") { systems { name } domains { name } } }"""
        found = client.ask(query, since=revision)
        systems, domains = ([row["name"] for row in found["entity"][field]] for field in ("systems", "domains"))
        return systems, domains, {"ref": "component:default/cart", "operation": "UPDATED"} in found["changes"]["nodes"]

    for system in ("shop", "mall"):
        tell("System", system, domain="retail")
    tell("Component", "suite", system="shop")
    before = tell("Component", "cart", subcomponentOf="component:suite")
    assert cart_since(before) == (["shop"], ["retail"], False)
    moved = tell("Component", "suite", system="mall")
    assert cart_since(before) == (["mall"], ["retail"], True)
    tell("System", "mall", domain="trade")
    assert cart_since(moved) == (["mall"], ["trade"], True)


@pytest.mark.parametrize("asked", ["revision", "...F"])
def test_what_is_written_while_a_list_is_read_is_not_passed_by(
    client: Client, store: Store, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    revision = put(client, "api:one", "a", "pagerduty:P1")
    inner = type(store).changes
    waiting = ["api:two"]

    async def slow(self: Store, *arguments: Any) -> Any:
        found = await inner(self, *arguments)
        if waiting:
            await client.send(PUT, source=waiting.pop(), entities=[{"kind": "Component", "name": "meanwhile"}])
        return found

    monkeypatch.setattr(type(store), "changes", slow)
    query = f"query Q($since: Int!) {{ changes(since: $since) {{ nodes {{ ref }} {asked} }} }}"
    query += " fragment F on ChangeConnection { revision }" if asked == "...F" else ""
    found = client.ask(query, since=revision)["changes"]
    assert found == {"nodes": [], "revision": revision}
    assert client.ask(query, since=found["revision"])["changes"] == {
        "nodes": [{"ref": "component:default/meanwhile"}],
        "revision": revision + 1,
    }


MINE = """query Q(
  $since: Int! = 0, $filter: EntityFilter = {lifecycle: {eq: "production"}}, $first: Int, $after: String
) {
  changes(since: $since, filter: $filter, first: $first, after: $after) {
    nodes { ref operation } pageInfo { hasNextPage endCursor } } }"""


def put_stages(client: Client, stages: str) -> None:
    """One component for each letter, alphabetically named: p is in production, the others are experiments."""
    for place, stage in enumerate(stages):
        spec = {"lifecycle": "production" if stage == "p" else "experimental"}
        entity = {"kind": "Component", "name": f"{place}-{stage}", "spec": spec}
        assert client.ask(PUT, source="api", entities=[entity])["putEntities"]["userErrors"] == []


def read_pages(client: Client, **asked: Any) -> list[list[str]]:
    """The refs of each page, to the last one."""
    pages, after, more = [], None, True
    while more:
        found = client.ask(MINE, after=after, **asked)["changes"]
        pages.append([row["ref"].removeprefix("component:default/") for row in found["nodes"]])
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    return pages


def test_changes_of_what_matches_and_every_removal(client: Client) -> None:
    put_stages(client, "pxpx")
    removal = 'mutation { removeEntities(entities: [{ref: "component:1-x"}]) { userErrors { message } } }'
    assert client.ask(removal) == {"removeEntities": {"userErrors": []}}
    nodes = client.ask(MINE)["changes"]["nodes"]
    assert nodes == [
        {"ref": "component:default/0-p", "operation": "CREATED"},
        {"ref": "component:default/2-p", "operation": "CREATED"},
        {"ref": "component:default/1-x", "operation": "REMOVED"},
    ]
    assert client.ask(MINE, since=4)["changes"]["nodes"] == nodes[2:]


@pytest.mark.parametrize(
    ("filter_", "told"),
    [
        ({"ref": {"eq": "component:1-x"}}, True),
        ({"ref": {"eq": "component:0-p"}}, False),
        ({"ref": {"in": ["component:0-p", "component:1-x"]}}, True),
        ({"not": {"ref": {"eq": "component:1-x"}}}, False),
        ({"not": {"ref": {"eq": "component:0-p"}}}, True),
        ({"kind": {"eq": "Component"}}, True),
        ({"kind": {"in": ["API", "System"]}}, False),
        ({"namespace": {"eq": "other"}}, False),
        ({"namespace": {"contains": "other"}}, True),
        ({"kind": {"eq": "API"}, "tier": {"eq": 1}}, False),
        ({"tier": {"eq": 1}}, True),
        ({"not": {"tier": {"eq": 1}}}, True),
        ({"or": [{"kind": {"eq": "API"}}, {"ref": {"eq": "component:0-p"}}]}, False),
        ({"or": [{"kind": {"eq": "API"}}, {"tier": {"eq": 1}}]}, True),
        ({"or": []}, False),
    ],
)
def test_removals_of_what_cannot_have_matched_are_left_out(client: Client, filter_: Any, told: bool) -> None:
    put_stages(client, "pxp")
    client.ask('mutation { removeEntities(entities: [{ref: "component:1-x"}]) { userErrors { message } } }')
    query = "query($filter: EntityFilter) { changes(since: 3, filter: $filter) { nodes { ref operation } } }"
    removal = [{"ref": "component:default/1-x", "operation": "REMOVED"}]
    assert client.ask(query, filter=filter_)["changes"]["nodes"] == (removal if told else [])


def test_matching_changes_page_by_page(client: Client) -> None:
    put_stages(client, "pxppxp")
    assert read_pages(client, first=2) == [["0-p", "2-p"], ["3-p", "5-p"]]
    assert read_pages(client, first=3) == [["0-p", "2-p", "3-p"], ["5-p"]]
    of_another = client.ask(MINE, first=1, since=1)["changes"]["pageInfo"]["endCursor"]
    assert client.code(MINE, first=2, after=of_another) == "BAD_CURSOR"


def test_a_page_of_a_filter_that_few_match_ends_where_enough_was_looked_through(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_stages(client, "pxxxxxxpx")
    monkeypatch.setattr("graph_api.graphql.changes.AT_ONCE", 2)
    monkeypatch.setattr("graph_api.graphql.changes.MOST", 4)
    assert read_pages(client, first=5) == [["0-p"], ["7-p"], []]


def test_a_filter_of_changes_is_checked(client: Client) -> None:
    assert client.code(MINE, filter={"ownedBy": {"refs": ["no ref!"]}}) == "BAD_REF"
    assert client.code(MINE, since=7) == "BAD_INPUT"
