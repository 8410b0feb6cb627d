"""The demo organization in a store, with all that its tools tell."""

from functools import cache

from graph_api.app import source_order
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.store.protocol import Store
from graph_api.sync import sync_all
from tests.documents import ROOT


@cache
def snapshots() -> list[Snapshot]:
    return read_paths([ROOT / "seeds"], source="demo")


async def load(store: Store) -> None:
    async for _ in sync_all(store, snapshots(), source_order(Settings())):
        pass
