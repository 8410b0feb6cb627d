"""Pages: together they are the whole list, whoever turns them; what is too much or forged is refused."""

import base64
import json
from typing import Any

import pytest

from tests.graphql.conftest import Client

ALL = 100
CONNECTIONS = [
    'impact(of: ["resource:default/postgres-core"], walk: {maxDepth: 1}, PAGE)',
    'dependencies(of: ["component:default/identity"], PAGE)',
    'dependents(of: ["resource:default/postgres-core"], PAGE)',
    "services(PAGE)",
    "apis(sort: {field: TITLE, descending: true}, PAGE)",
]
LINKS = {
    "dependents": ("resource:default/postgres-core", "page: dependents(PAGE) { ...Page }"),
    "dependencies": ("component:default/storefront-web", "page: dependencies(PAGE) { ...Page }"),
    "related": (
        "group:default/security",
        "page: related(direction: IN, relations: [OWNED_BY, MEMBER_OF], PAGE) { ...Page }",
    ),
    "some links": (
        "component:default/storefront-web",
        "page: dependencies(linkWhere: {criticality: {eq: HARD}}, PAGE) { ...Page }",
    ),
    "one relation": ("system:default/analytics", "... on System { page: parts(PAGE) { ...Page } }"),
}
LINK_PAGE = """fragment Page on LinkConnection {
  totalCount edges { cursor node { ref } link { relation environment } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}"""
PAGES_OF_PAGES = (
    "{ services(first: SIZE) { nodes { related(direction: OUT, first: SIZE) { nodes { ...Further } } } } } "
    "fragment Further on Entity { related(direction: IN, first: SIZE) { edges { node { ref } } } }"
)
CHANGES = "query($after: String) { changes(first: 1, after: $after) { pageInfo { endCursor } } }"


@pytest.mark.parametrize("field", CONNECTIONS, ids=[text.partition("(")[0] for text in CONNECTIONS])
def test_pages_together_are_the_whole_list(demo: Client, field: str) -> None:
    whole, _ = turn(demo, field, f"first: {ALL}")
    forward: list[str] = []
    backward: list[str] = []
    after = before = ""
    while len(forward) < len(whole):
        refs, (_, end) = turn(demo, field, f"first: 3{after}")
        forward += refs
        after = f', after: "{end}"'
        refs, (start, _) = turn(demo, field, f"last: 3{before}")
        backward = refs + backward
        before = f', before: "{start}"'
    assert len(whole) > 3
    assert forward == backward == whole


@pytest.mark.parametrize("name", LINKS)
def test_pages_of_links_together_are_all_links(demo: Client, name: str) -> None:
    entity, field = LINKS[name]

    def page(arguments: str) -> dict[str, Any]:
        query = f'{{ entity(ref: "{entity}") {{ {field.replace("PAGE", arguments)} }} }} {LINK_PAGE}'
        found: dict[str, Any] = demo.ask(query)["entity"]["page"]
        return found

    whole = page(f"first: {ALL}")
    assert len(whole["edges"]) == whole["totalCount"] > 3
    forward, backward = page("first: 2"), page("last: 2")
    ahead, behind = list(forward["edges"]), list(backward["edges"])
    assert not forward["pageInfo"]["hasPreviousPage"]
    assert not backward["pageInfo"]["hasNextPage"]
    while forward["pageInfo"]["hasNextPage"]:
        forward = page(f'first: 2, after: "{forward["pageInfo"]["endCursor"]}"')
        backward = page(f'last: 2, before: "{backward["pageInfo"]["startCursor"]}"')
        assert forward["pageInfo"]["hasPreviousPage"]
        assert backward["pageInfo"]["hasNextPage"]
        ahead += forward["edges"]
        behind = [*backward["edges"], *behind]
    assert not backward["pageInfo"]["hasPreviousPage"]
    assert ahead == behind == whole["edges"]


def turn(demo: Client, field: str, page: str) -> tuple[list[str], tuple[str, str]]:
    query = f"{{ page: {field.replace('PAGE', page)} {{ nodes {{ ref }} pageInfo {{ startCursor endCursor }} }} }}"
    found = demo.ask(query)["page"]
    return [row["ref"] for row in found["nodes"]], (found["pageInfo"]["startCursor"], found["pageInfo"]["endCursor"])


def test_pages_of_problems_together_are_all(demo: Client) -> None:
    def turn_problems(page: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        fields = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { code path line message }"
        found = demo.ask(f'{{ problems(source: "demo", {page}) {{ totalCount {fields} }} }}')["problems"]
        assert found["totalCount"] == len(whole or found["nodes"])
        return found["nodes"], found["pageInfo"]

    whole: list[dict[str, Any]] = []
    whole, _ = turn_problems(f"first: {ALL}")
    assert whole == sorted(whole, key=lambda row: (row["path"], row["line"] or 0))
    first, info = turn_problems("first: 1")
    rest, after = turn_problems(f'first: {ALL}, after: "{info["endCursor"]}"')
    assert (first + rest, info["hasNextPage"], after["hasNextPage"]) == (whole, True, False)
    last, info = turn_problems("last: 1")
    rest, before = turn_problems(f'last: {ALL}, before: "{info["startCursor"]}"')
    assert (rest + last, info["hasPreviousPage"], before["hasPreviousPage"]) == (whole, True, False)
    assert demo.ask('{ problems(source: "other") { totalCount nodes { path } } }')["problems"]["nodes"] == []


def test_pages_of_pages_are_bounded(demo: Client) -> None:
    assert demo.code(PAGES_OF_PAGES.replace("SIZE", "100")) == "TOO_LARGE"
    assert demo.ask(PAGES_OF_PAGES.replace("SIZE", "20"))["services"]["nodes"]


def test_a_page_size_in_a_variable_counts(demo: Client) -> None:
    query = "query($n: Int = 100) " + PAGES_OF_PAGES.replace("SIZE", "$n")
    assert demo.code(query) == "TOO_LARGE"
    assert demo.ask(query, n=3)["services"]["nodes"]


@pytest.mark.parametrize("number", [2**63, True])
def test_a_place_that_no_store_can_hold_is_refused(demo: Client, number: int) -> None:
    cursor = demo.ask(CHANGES)["changes"]["pageInfo"]["endCursor"]
    version, digest, _, ref = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps([version, digest, number, ref]).encode()).decode().rstrip("=")
    assert demo.code(CHANGES, after=forged) == "BAD_CURSOR"


def test_a_page_between_two_cursors_holds_what_is_between_them(demo: Client) -> None:
    query = """query($after: String, $before: String, $first: Int, $last: Int) { FIELD(ARGUMENTS
      first: $first, last: $last, after: $after, before: $before) {
      edges { cursor node { ref } } pageInfo { hasNextPage hasPreviousPage } } }"""
    for field, arguments in (("search", 'text: "orders"'), ("services", "filter: null")):
        asked = query.replace("FIELD", field).replace("ARGUMENTS", arguments)
        whole = demo.ask(asked, first=6)[field]["edges"]
        cursors = [edge["cursor"] for edge in whole]
        for size in ({"first": 9}, {"last": 9}):
            page = demo.ask(asked, after=cursors[1], before=cursors[4], **size)[field]
            assert page["edges"] == whole[2:4]
            assert demo.ask(asked, after=cursors[4], before=cursors[1], **size)[field]["edges"] == []
        # What is not said and what is null are one question.
        asked = asked.replace("filter: null", "")
        assert demo.ask(asked, first=2, after=cursors[1])[field]["edges"] == whole[2:4]


def test_a_cursor_of_another_entity_is_refused(demo: Client) -> None:
    query = """query($ref: String!, $after: String) { entity(ref: $ref) {
      related(direction: OUT, first: 1, after: $after) { pageInfo { endCursor } } } }"""
    cursor = demo.ask(query, ref="component:checkout")["entity"]["related"]["pageInfo"]["endCursor"]
    assert demo.ask(query, ref="component:checkout", after=cursor)["entity"]["related"]
    assert demo.code(query, ref="component:identity", after=cursor) == "BAD_CURSOR"


@pytest.mark.parametrize("change", ["version", "fewer", "more", "types"])
def test_a_cursor_of_another_form_is_refused(demo: Client, change: str) -> None:
    cursor = demo.ask(CHANGES)["changes"]["pageInfo"]["endCursor"]
    version, digest, number, ref = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    forged = {
        "version": [version + 1, digest, number, ref],
        "fewer": [version, digest, number],
        "more": [version, digest, number, ref, ref],
        "types": [version, digest, ref, number],
    }[change]
    text = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    assert demo.code(CHANGES, after=text) == "BAD_CURSOR"


def test_the_largest_filter_is_answered(demo: Client) -> None:
    def total(conditions: int) -> str:
        items = '{title: {contains: "e"}} ' * conditions
        return f"{{ entities(filter: {{or: [{items}]}}) {{ totalCount }} }}"

    assert demo.ask(total(200))["entities"]["totalCount"] > 0
    assert demo.code(total(201)) == "TOO_LARGE"
