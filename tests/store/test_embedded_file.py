"""The catalog's file on the disk."""

from pathlib import Path

from graph_api.catalog.changes import ChangeSet
from graph_api.store.embedded.store import EmbeddedStore
from tests.catalogs import entity, write


async def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "catalog.db")
    await store.open()
    try:
        await write(store, ChangeSet(entities=[entity("a")]))
        modes = modes_in(tmp_path)
    finally:
        await store.close()
    assert modes["catalog.db"] == modes["catalog.db-wal"] == 0o600


def modes_in(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
