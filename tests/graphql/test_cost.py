"""What an answer costs: told with every answer, and never less than what is in it."""

import random

import pytest
from graphql import parse

from graph_api.graphql.cost import estimate
from graph_api.graphql.schema import schema
from reliability.queries import objects_in, random_query
from tests.graphql.conftest import Client
from tests.graphql.selections import SCHEMA

DOCUMENTS = {
    "{ __typename }": 0,
    '{ entity(ref: "component:checkout") { ref } }': 1,
    "{ entities { nodes { ref } } }": 1 + 20,
    "{ entities(first: 7) { edges { cursor node { ref } } } }": 1 + 7 * 2,
    "{ entities(last: 7) { nodes { ref owners { role } } pageInfo { hasNextPage } } }": 1 + 7 * (1 + 5) + 1,
    "query($n: Int = 3) { entities(first: $n) { nodes { ref } } }": 1 + 3,
    "{ entities(first: 2) { nodes { ...F } } } fragment F on Entity { systems { ...G } } fragment G on Entity { domains"
    " { ref } }": 1 + 2 * (1 + 5 * (1 + 5)),
    "{ entities(first: 2) { ...C } services(first: 3) { ...S } } fragment C on EntityConnection { nodes { ref } }"
    " fragment S on ServiceConnection { nodes { ref } }": 1 + 2 + 1 + 3,
    '{ paths(from: "a:b", to: "a:c", first: 4) { paths { refs } more } }': 1 + 4,
    "{ facets(fields: [KIND, OWNER]) { buckets { value } } }": 2 * (1 + 100),
    "{ sources { name } ownershipCoverage(by: KIND) { value } }": 100 + 100,
    "{ catalogSchema { kinds { name } relations { name } } }": 1 + 50 + 50,
    "{ cycles(first: 2) { nodes { members { ref } path { ref } } } }": 1 + 2 * (1 + 100 + 20),
    '{ impact(of: ["a:b"], first: 1) { notify { affected } } }': 1 + 100,
    '{ nodes(ids: ["a", "b", "c"]) { id } }': 3,
    "{ __schema { types { name } } }": 0,
}
"""And how many objects each may hold."""


@pytest.mark.parametrize(("document", "objects"), DOCUMENTS.items(), ids=range(len(DOCUMENTS)))
def test_the_formula(document: str, objects: int) -> None:
    assert estimate(schema._schema, parse(document), None, {}) == objects


def test_an_answer_tells_what_its_own_variables_cost(client: Client) -> None:
    """Though the document is known, with others."""
    query = "query($n: Int, $ids: [ID!]!) { entities(first: $n) { nodes { id } } nodes(ids: $ids) { id } }"
    for n, ids in ((2, 1), (3, 1), (3, 2), (None, 2), (2, 1)):
        answer = client.post(query, n=n, ids=["ZW50aXR5fGE6Yi9j"] * ids)
        assert answer["extensions"]["cost"]["estimated"] == 1 + (n or 20) + ids


def test_variables_count_as_what_they_hold() -> None:
    document = parse(
        "query($n: Int, $ids: [ID!]!) { entities(first: $n) { totalCount nodes { id } } nodes(ids: $ids) { id } }"
    )
    assert estimate(schema._schema, document, None, {"n": 50, "ids": ["a"] * 9}) == 1 + 50 + 9
    with_default = parse("query($n: Int = 3) { entities(first: $n) { nodes { id } } }")
    assert estimate(schema._schema, with_default, None, {"n": 50}) == 1 + 50


@pytest.mark.parametrize("seed", range(60))
def test_no_answer_holds_more_than_was_estimated(demo: Client, seed: int) -> None:
    document = random_query(SCHEMA, random.Random(seed))
    answer = demo.post(document)
    assert not {error["extensions"]["code"] for error in answer.get("errors", ())} & {"INTERNAL", "GRAPHQL_INVALID"}
    assert objects_in(answer.get("data")) - 1 <= answer["extensions"]["cost"]["estimated"], document


def test_a_refusal_tells_the_cost_too(demo: Client) -> None:
    inner = "{ nodes { ref } }"
    for _ in range(3):
        inner = "{ nodes { ... on Service { dependencies(first: 100) " + inner + " } } }"
    answer = demo.post("{ entities(first: 100) " + inner + " }")
    assert answer["errors"][0]["extensions"]["code"] == "TOO_LARGE"
    assert answer["extensions"]["cost"]["limit"] == 200_000
    assert answer["extensions"]["cost"]["estimated"] > 200_000
