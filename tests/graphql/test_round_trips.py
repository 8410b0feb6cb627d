"""One request never makes a store call per entity."""

import pytest

from graph_api.app import source_order
from graph_api.settings import Settings
from graph_api.sources.files import read_files
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import SEEDS, Client

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


@pytest.mark.usefixtures("neo4j_driver")
@pytest.mark.parametrize("query", [PAGE, IMPACT], ids=["page", "impact"])
def test_round_trips_do_not_grow_with_the_page(
    neo4j_uri: str, neo4j_auth: tuple[str, str] | None, run: Run, query: str
) -> None:
    user, password = neo4j_auth or (None, None)
    store = Neo4jStore(neo4j_uri, user=user, password=password)
    client = Client(store, run, Settings())
    run(client.start())
    run(sync(store, read_files([SEEDS], source="demo"), source_order(Settings())))
    counts = []
    for first in (20, 40):
        before = store.round_trips
        client.ask(query, first=first)
        counts.append(store.round_trips - before)
    run(client.stop())
    assert counts[0] == counts[1]
    assert counts[1] <= 30
