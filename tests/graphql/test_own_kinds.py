"""Kinds that a deployment adds by its settings are registered like the built-in ones."""

from collections.abc import Iterator
from typing import Any

import pytest

from graph_api.catalog.kinds import register_kinds
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from tests.conftest import Run
from tests.graphql.conftest import Client

KINDS: Any = [
    {"name": "Stream", "description": "A river of data.", "like": "Dataset"},
    {"name": "Badge", "ownable": False},
]
PUT = """mutation { putEntities(entities: [
  {kind: "stream", name: "orders", spec: {owner: "crew"}}, {kind: "Stream", name: "alone"}, {kind: "Badge", name: "b"},
  {kind: "Pipeline", name: "p", spec: {readsFrom: ["stream:orders", "badge:b"]}}]) {
  userErrors { message } warnings { code message } } }"""


@pytest.fixture
def extended(store: Store, run: Run) -> Iterator[Client]:
    """A server whose settings add kinds."""
    client = Client(store, run, Settings(kinds=KINDS))
    run(client.start())
    yield client
    run(client.stop())
    register_kinds(())


def test_they_are_listed_filtered_and_counted(extended: Client) -> None:
    assert extended.ask('{ entities(filter: {kind: {eq: "badge"}}) { totalCount } }')["entities"]["totalCount"] == 0
    assert extended.ask(PUT)["putEntities"]["userErrors"] == []
    kinds = extended.ask("{ catalogSchema { kinds { name description ownable like } } }")["catalogSchema"]["kinds"]
    assert kinds[-2:] == [
        {"name": "Stream", "description": "A river of data.", "ownable": True, "like": "Dataset"},
        {"name": "Badge", "description": "", "ownable": False, "like": None},
    ]
    assert extended.code('{ entities(filter: {kind: {eq: "bagde"}}) { totalCount } }') == "UNKNOWN_KIND"
    coverage = extended.ask("{ ownershipCoverage(by: KIND) { value total declared none } }")["ownershipCoverage"]
    assert coverage == [
        {"value": "Stream", "total": 2, "declared": 1, "none": 1},
        {"value": "Pipeline", "total": 1, "declared": 0, "none": 1},
    ]
    gaps = extended.ask("{ ownershipGaps(reasons: [NONE]) { nodes { ref } } }")["ownershipGaps"]["nodes"]
    assert [row["ref"] for row in gaps] == ["stream:default/alone", "pipeline:default/p"]


def test_they_are_read_resolved_and_linked_as_their_kind_may_be(extended: Client) -> None:
    warnings = extended.ask(PUT)["putEntities"]["warnings"]
    assert [row["code"] for row in warnings] == ["BAD_LINK_END"]
    assert "badge:default/b" in warnings[0]["message"]
    found = extended.ask('{ entity(ref: "stream:orders") { __typename kind } }')["entity"]
    assert found == {"__typename": "OtherEntity", "kind": "Stream"}


def test_without_the_setting_they_are_unknown(client: Client) -> None:
    assert client.code('{ entities(filter: {kind: {eq: "badge"}}) { totalCount } }') == "UNKNOWN_KIND"
    assert [row["code"] for row in client.ask(PUT)["putEntities"]["warnings"]] == ["BAD_LINK_END"] * 2


def test_a_kind_that_only_the_catalog_knows_is_no_error(client: Client) -> None:
    put = 'mutation { putEntities(entities: [{kind: "Robot", name: "r"}]) { userErrors { code } } }'
    assert client.ask(put)["putEntities"]["userErrors"] == []
    found = client.ask('{ entities(filter: {not: {kind: {in: ["robot", "API"]}}}) { totalCount } }')
    assert found["entities"]["totalCount"] == 0
