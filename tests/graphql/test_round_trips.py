"""One request never makes a store call per entity."""

from collections.abc import Callable, Iterator
from typing import Any

import neo4j
import pytest

from graph_api.settings import Settings
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.web import health
from tests.conftest import Run, wipe
from tests.demo import load
from tests.graphql.conftest import Client

PAGE = """query Page($first: Int) { services(first: $first) { nodes {
  ref system { ref owners { ref } } owners { role entity { ref title } state contacts { url } }
  dependencies(first: 10) { totalCount edges {
    link { criticality evidence { lastSeen } } node { ref owners { ref } } } }
} } }"""
IMPACT = """query Impact($first: Int) { impact(of: ["resource:default/postgres-core"], first: $first) {
  totalCount completeness { complete } owners: groups(by: OWNER) { buckets { value count } }
  tiers: groups(by: TIER) { buckets { value } } notify { owner { ref } contacts { url } } unownedCount
  edges { severity node { ref system { ref } owners { entity { ref } } } }
} }"""


LINKS = """query Links($after: String) { entity(ref: "resource:default/postgres-core") {
  dependents(first: 2, after: $after, linkWhere: {criticality: {eq: HARD}}) { totalCount pageInfo { endCursor } }
} }"""


DRIFT = """query Drift($first: Int) { drift(first: $first) {
  nodes { kind sources remedy entity { ref owners { ref } } link { to origin } } pageInfo { hasNextPage }
} }"""


@pytest.fixture
def counted(
    neo4j_uri: str,
    neo4j_driver: neo4j.Driver,
    neo4j_auth: tuple[str, str] | None,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., tuple[dict[str, Any], int]]]:
    """Asks, and counts the round trips."""
    monkeypatch.setattr(health, "WATCH", 3600.0)
    wipe(neo4j_driver)
    user, password = neo4j_auth or (None, None)
    store = Neo4jStore(neo4j_uri, user=user, password=password)
    client = Client(store, run, Settings())
    run(client.start())
    run(load(store))

    def ask(query: str, **variables: Any) -> tuple[dict[str, Any], int]:
        before = store.round_trips
        return client.ask(query, **variables), store.round_trips - before

    yield ask
    run(client.stop())


@pytest.mark.parametrize("query", [PAGE, IMPACT], ids=["page", "impact"])
def test_round_trips_do_not_grow_with_the_page(counted: Callable[..., tuple[dict[str, Any], int]], query: str) -> None:
    counts = [counted(query, first=first)[1] for first in (20, 40)]
    assert counts[0] == counts[1]
    assert counts[1] <= 30


def test_a_page_of_drift_takes_three_statements_at_most(
    counted: Callable[..., tuple[dict[str, Any], int]],
) -> None:
    nothing = counted("{ catalogSchema { kinds { name } } }")[1]
    gates, sources = 2, 3
    for first in (1, 100):
        assert counted(DRIFT, first=first)[1] - nothing <= gates + 2 + sources


def test_every_page_of_links_costs_the_same(counted: Callable[..., tuple[dict[str, Any], int]]) -> None:
    found, first = counted(LINKS)
    _, second = counted(LINKS, after=found["entity"]["dependents"]["pageInfo"]["endCursor"])
    assert first == second
