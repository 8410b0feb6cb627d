"""The same questions over HTTP have the same answers on both stores: on the demo organization, and on the folders of
real organizations below the folder that the variable REALWORLD names."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import neo4j
import pytest

from graph_api.app import source_order
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.store.mirror.store import MirroredStore
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import Store
from graph_api.sync import sync_all
from tests.conftest import Run, until_current, wipe
from tests.graphql.conftest import Client

FOLDERS = [Path(__file__).parents[2] / "seeds"]
if realworld := os.environ.get("REALWORLD"):
    FOLDERS += sorted(path for kind in ("backstage", "codeowners") for path in (Path(realworld) / kind).iterdir())

ENTITY = """
  ref name title description tags labels declared ownerState
  owners { ref how role primary state through { ref } } system { ref }
  ... on Repository { codeOwners(path: "src/main.py") { text pattern line section entity { ref } } }
"""
LISTS = [
    f"query($after: String) {{ entities(first: 50, after: $after, sort: {{field: {field}}}) "
    f"{{ pageInfo {{ hasNextPage endCursor }} totalCount nodes {{ {ENTITY} }} }} }}"
    for field in ("NAME", "KIND")
]
WHOLE = [
    "{ ownershipGaps(first: 100) { totalCount edges { node { ref } reasons } } }",
    "{ ownershipCoverage(by: KIND) { value total declared effective none } }",
    "{ ownershipCoverage(by: GROUP) { value total declared effective none } }",
    "{ facets(fields: [KIND, TYPE, OWNER, TAGS, SYSTEM, LIFECYCLE]) { field buckets { value count } } }",
    "{ drift(first: 100, days: 3650) { totalCount nodes { kind entity { ref } link { to } remedy } } }",
    "{ unresolvedRefs(first: 100) { totalCount nodes { ref } } }",
]
SEARCH = '{ search(text: "service", first: 100) { totalCount nodes { ref } } }'
WALKS = """query($ref: String!) {
  impact(of: [$ref], first: 50) {
    totalCount edges { distance severity node { ref } } completeness { complete reasons unexplored }
    groups(by: OWNER) { buckets { value count } } notify { affected owner { ref } } unownedCount
  }
  dependencies(of: [$ref], first: 50) { totalCount edges { distance node { ref } } }
}"""


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def both(request: pytest.FixtureRequest, run: Run, on_both_stores: tuple[Client, Client]) -> tuple[Client, Client]:
    repo = request.param.name.replace("__", "/", 1) if request.param.parent.name == "codeowners" else None
    for client in on_both_stores:
        run(load(client.store, request.param, repo))
    return on_both_stores


async def load(store: Store, folder: Path, repo: str | None) -> None:
    async for _ in sync_all(store, read_paths([folder], source="files", repo=repo), source_order(Settings())):
        pass


def test_both_stores_answer_alike(both: tuple[Client, Client]) -> None:
    embedded, neo4j = both
    refs: list[str] = []
    for query in LISTS:
        pages = list(all_pages(embedded, query))
        assert list(all_pages(neo4j, query)) == pages
        refs = [node["ref"] for page in pages for node in page["nodes"]]
        assert len(refs) == pages[0]["totalCount"]
    for query in WHOLE:
        assert neo4j.ask(query) == embedded.ask(query), query
    # The two rank by their own statistics of words, but find the same.
    found, also = [{row["ref"] for row in client.ask(SEARCH)["search"]["nodes"]} for client in both]
    assert found == also
    for ref in refs[:: 1 + len(refs) // 50]:
        assert neo4j.ask(WALKS, ref=ref) == embedded.ask(WALKS, ref=ref), ref


@pytest.fixture
def unmirrored_and_mirrored(
    run: Run, neo4j_uri: str, neo4j_driver: neo4j.Driver, neo4j_auth: tuple[str, str] | None
) -> Iterator[tuple[Client, Client]]:
    """The demo organization in one Neo4j."""
    wipe(neo4j_driver)
    user, password = neo4j_auth or (None, None)
    plain, mirrored = (Neo4jStore(neo4j_uri, user=user, password=password) for _ in range(2))
    clients = tuple(Client(store, run, Settings(rate=100_000)) for store in (plain, MirroredStore(mirrored)))
    for client in clients:
        run(client.start())
    run(load(plain, FOLDERS[0], None))
    yield clients[0], clients[1]
    for client in clients:
        run(client.stop())


def test_a_mirror_answers_as_its_neo4j(unmirrored_and_mirrored: tuple[Client, Client], run: Run) -> None:
    plain, mirrored = unmirrored_and_mirrored
    assert isinstance(mirrored.store, MirroredStore)
    run(until_current(mirrored.store))
    pages = list(all_pages(plain, LISTS[0]))
    assert list(all_pages(mirrored, LISTS[0])) == pages
    for query in WHOLE:
        assert json.dumps(mirrored.ask(query)) == json.dumps(plain.ask(query)), query
    refs = [node["ref"] for page in pages for node in page["nodes"]]
    for ref in refs[:: 1 + len(refs) // 30]:
        assert json.dumps(mirrored.ask(WALKS, ref=ref)) == json.dumps(plain.ask(WALKS, ref=ref)), ref


def all_pages(client: Client, query: str) -> Iterator[dict[str, Any]]:
    """Without the cursors, which name the place and the question."""
    after = None
    while True:
        page = client.ask(query, after=after)["entities"]
        after = page["pageInfo"].pop("endCursor")
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
