"""The same questions over HTTP have the same answers on both stores: on the demo organization, and on the folders of
real organizations below the folder that the variable REALWORLD names."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph_api.app import source_order
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.store.protocol import Store
from graph_api.sync import sync_all
from tests.conftest import Run
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


def all_pages(client: Client, query: str) -> Iterator[dict[str, Any]]:
    """Without the cursors, which name the place and the question."""
    after = None
    while True:
        page = client.ask(query, after=after)["entities"]
        after = page["pageInfo"].pop("endCursor")
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
