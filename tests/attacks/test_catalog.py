"""Rows 33 to 41: cursors, ids, keys, searches, names, numbers, links, walks and batches."""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.attacks.conftest import Target
from tests.attacks.table import FINE, Attack, Send, ask, check

PAGE = "query($after: String) { entities(first: 5, after: $after) { nodes { ref } } }"
PUT = """mutation($entities: [EntityInput!]!) {
  putEntities(entities: $entities, source: "attacks") { revision userErrors { code } }
}"""
INVALID, BAD_INPUT = "GRAPHQL_INVALID", "BAD_INPUT"


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


CURSORS = {
    "no base64": "$$$",
    "empty": "",
    "no JSON": base64.b64encode(b"hello").decode(),
    "an object": base64.b64encode(b'{"a": {"$gt": ""}}').decode(),
    "another version": cursor(99, "x", "a", "b"),
    "of another question": cursor(1, "0" * 18, "component:default/a"),
    "5,000 levels": base64.b64encode(b"[" * 5_000).decode(),
    "400 kB": "A" * 400_000,
    "NUL": "\0",
}
IDS = (
    "component:default/x'}) DETACH DELETE n //",
    "component:default/`",
    "component:default/\\u0060",
    "component:default/$ref",
    "component:default/\\",
    'component:default/x" OR 1=1 --',
)
TERMS = (
    "*:*",
    "~~~",
    '"unbalanced',
    "(a+)+$",
    "a AND (",
    "[* TO *]",
    "name:/.*/",
    "\\",
    "!!! ^2",
    "NEAR(a b)",
    "a" * 10_000,
)


def put(*entities: dict[str, Any]) -> Send:
    return ask(PUT, entities=[{"kind": "Component", **entity} for entity in entities])


ATTACKS = [
    *(Attack(33, f"cursor: {name}", ask(PAGE, after=text), 200, "BAD_CURSOR") for name, text in CURSORS.items()),
    Attack(33, "a cursor that is a number", ask(PAGE, after=1), 200, BAD_INPUT),
    *(
        Attack(34, f"ref {ref}", ask("query($r: String!) { entity(ref: $r) { ref } }", r=ref), 200, "BAD_REF")
        for ref in IDS
    ),
    *(
        Attack(
            34, f"start {ref}", ask("query($r: [String!]!) { impact(of: $r) { totalCount } }", r=[ref]), 200, "BAD_REF"
        )
        for ref in IDS
    ),
    *(
        Attack(34, f"id {ref}", ask("query($i: ID!) { node(id: $i) { id } }", i=ref), 200)
        for ref in (*IDS, base64.b64encode(b"Entity:component:default/x'}) DETACH DELETE n //").decode())
    ),
    *(
        Attack(
            34,
            f"filter {ref}",
            ask("query($r: String!) { entities(filter: {name: {eq: $r}}) { totalCount } }", r=ref),
            200,
            FINE,
        )
        for ref in IDS
    ),
    *(
        Attack(35, query, ask(query), 200, INVALID)
        for query in (
            '{ entities(sort: {field: "name`) RETURN 1 //"}) { totalCount } }',
            "{ entities(sort: {field: NAME_X}) { totalCount } }",
            '{ impact(of: ["component:default/checkout"], relations: ["A`|B"]) { totalCount } }',
            '{ entities(filter: {bogus: {eq: "x"}}) { totalCount } }',
            '{ facets(fields: ["n`"]) { field } }',
        )
    ),
    Attack(
        35,
        "keys of labels are values",
        ask('{ entities(filter: {labels: {key: "a`}) DETACH DELETE n //", value: {eq: "x"}}}) { totalCount } }'),
        200,
    ),
    *(
        Attack(36, term[:20], ask("query($t: String!) { search(text: $t) { totalCount } }", t=term), 200)
        for term in TERMS
    ),
    *(
        Attack(
            36,
            f"filter {term[:20]}",
            ask("query($t: String!) { entities(filter: {text: $t}) { totalCount } }", t=term),
            200,
        )
        for term in TERMS
    ),
    *(
        Attack(37, f"the name {name[:10]!r}", put({"name": name}), 200)
        for name in ("n" * 33_000, "a\0b", "a\u202eb", "\uff2b", "", " a", "a/b", "e\u0301", "\u00e9")
    ),
    Attack(37, "half a surrogate pair", put({"name": "\ud800"}), 400, "BAD_REQUEST"),
    Attack(37, "a NUL in a title", put({"name": "nul", "title": "a\0b"}), 200),
    Attack(37, "a title of 900 kB", put({"name": "long", "title": "t" * 900_000}), 200),
    Attack(38, "2^63", put({"name": "big", "spec": {"type": "service", "n": 2**63}}), 200),
    Attack(38, "2^64 in JSON", put({"name": "big", "spec": {"n": 2**64}}), (200, 400)),
    Attack(38, "a mixed list", put({"name": "mixed", "spec": {"n": [1, "a", {"b": []}, None]}}), 200),
    Attack(38, "null as a name", ask(PUT, entities=[{"kind": "Component", "name": None}]), 200, BAD_INPUT),
    Attack(
        41,
        "10,001 items",
        ask(
            "mutation($r: [EntityRemovalInput!]!) { removeEntities(entities: $r) { revision } }",
            r=[{"ref": f"a:b{n}"} for n in range(10_001)],
        ),
        200,
        "TOO_LARGE",
    ),
]

WALKS = [
    Attack(
        40, "a dependency on itself", ask('{ impact(of: ["component:default/loop-1"]) { totalCount } }'), 200, FINE, 5
    ),
    Attack(
        40,
        "the largest hub, all the way",
        ask('{ impact(of: ["resource:default/hub"]) { totalCount completeness { complete } } }'),
        200,
        FINE,
        5,
    ),
    Attack(
        40,
        "ten links far",
        ask('{ dependencies(of: ["component:default/loop-1"], walk: {maxDepth: 10}) { totalCount } }'),
        200,
        FINE,
        5,
    ),
    Attack(
        40,
        "51 links far",
        ask('{ dependencies(of: ["component:default/loop-1"], walk: {maxDepth: 51}) { totalCount } }'),
        200,
        "TOO_DEEP",
    ),
]


@pytest.fixture(scope="module")
def hub(target: Target) -> Target:
    """1,000 entities that need one, and three in a circle of which each also needs itself."""
    for start in range(0, 1_000, 250):
        names = [f"leaf-{start + n}" for n in range(250)]
        needy = [{"name": name, "spec": {"dependsOn": ["resource:default/hub"]}} for name in names]
        check(Attack(40, "set up", put(*needy), 200, FINE, 10), target.url)
    names = [f"component:default/loop-{n}" for n in range(3)]
    circle = [{"name": f"loop-{n}", "spec": {"dependsOn": [names[n], names[(n + 1) % 3]]}} for n in range(3)]
    check(Attack(40, "set up", put(*circle), 200, FINE, 10), target.url)
    return target


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attack(target: Target, attack: Attack) -> None:
    check(attack, target.url)


@pytest.mark.parametrize("attack", WALKS, ids=str)
def test_walk(hub: Target, attack: Attack) -> None:
    check(attack, hub.url)


def question(target: Target, query: str, **variables: Any) -> Any:
    answer = httpx.post(f"{target.url}/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in answer
    return answer["data"]


def test_33_a_cursor_of_another_type_leads_nowhere(target: Target) -> None:
    page = question(target, "{ services(first: 1) { pageInfo { endCursor } } }")["services"]
    check(Attack(33, "", ask(PAGE, after=page["pageInfo"]["endCursor"]), 200, "BAD_CURSOR"), target.url)


def test_34_nothing_was_deleted(hub: Target) -> None:
    assert question(hub, "{ entities { totalCount } }")["entities"]["totalCount"] > 1_300


def test_37_twins_in_other_forms_are_refused_or_kept_as_they_are(target: Target) -> None:
    for name in ("\uff2b", "e\u0301", "a\u202eb", "a\0b", ""):
        answer = question(target, PUT, entities=[{"kind": "Component", "name": name}])["putEntities"]
        assert [error["code"] for error in answer["userErrors"]] == ["INVALID"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,<script>", "JaVaScRiPt:alert(1)", "vbscript:x"])
def test_39_a_link_that_runs_a_script_is_not_shown(target: Target, url: str) -> None:
    entity = {"kind": "Component", "name": "scripted", "links": [{"url": url, "title": "Click"}]}
    question(target, PUT, entities=[entity])
    found = question(target, '{ entity(ref: "component:scripted") { links { url } } }')["entity"]
    assert url not in json.dumps(found)


def test_40_circles_end(hub: Target) -> None:
    found = question(hub, '{ impact(of: ["component:default/loop-0"]) { totalCount completeness { complete } } }')
    assert found["impact"] == {"totalCount": 2, "completeness": {"complete": True}}


def test_41_a_batch_with_one_thing_twice_is_refused_as_a_whole(target: Target) -> None:
    twice = [{"kind": "Component", "name": "twice", "title": title} for title in ("one", "other")]
    answer = question(target, PUT, entities=twice)["putEntities"]
    assert answer["userErrors"]
    assert question(target, '{ entity(ref: "component:twice") { ref } }')["entity"] is None
