"""A store that has been warmed up knows the statements of the usual questions."""

from pathlib import Path

import pytest

from graph_api.catalog.traversal import WalkAnswer, WalkRequest
from graph_api.settings import Settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.neo4j.filters import Predicates
from graph_api.store.neo4j.sight import WHOLE
from graph_api.store.neo4j.walks import statement
from graph_api.store.protocol import Store
from graph_api.warming import warm_up
from graph_api.web.explorer import EXAMPLES
from tests.catalogs import links, with_ends, write
from tests.conftest import Run
from tests.demo import load
from tests.documents import blocks
from tests.graphql.conftest import Client


class Recording(EmbeddedStore):
    """Notes what Neo4j would be asked to walk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.statements: set[str] = set()

    async def walk(self, request: WalkRequest, *, deadline: float) -> WalkAnswer:
        self.statements.add(statement(request, Predicates(WHOLE)))
        return await super().walk(request, deadline=deadline)


async def test_warming_up_changes_nothing(store: Store) -> None:
    await write(store, with_ends(links("a>b")))
    before = await store.revision()
    await warm_up(store)
    assert await store.revision() == before


@pytest.mark.parametrize("query", [EXAMPLES[0][1], blocks("README.md", "graphql")[0]], ids=["printed", "README"])
def test_the_first_questions_of_a_newcomer_are_known(query: str, tmp_path: Path, run: Run) -> None:
    store = Recording(tmp_path / "catalog.db")
    client = Client(store, run, Settings())
    run(client.start())
    run(load(store))
    known = store.statements
    store.statements = set()
    client.ask(query)
    run(client.stop())
    assert store.statements
    assert store.statements <= known
