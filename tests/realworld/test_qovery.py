from pathlib import Path

import pytest

from tests.realworld.folders import REALWORLD, read_all


@pytest.mark.parametrize("realworld", REALWORLD)
def test_an_application_its_database_storage_and_router(realworld: Path) -> None:
    snapshot = read_all("qovery", realworld / "qovery")
    named = {said.name: said for said in snapshot.entities.values()}
    application = "simple-example-node-with-postgresql"
    assert {name: said.type for name, said in named.items()} == {
        application: None,
        "my-postgresql-3498225": "database",
        "images": "storage",
        "main": "transit",
    }
    assert named["my-postgresql-3498225"].labels == {"type": "postgresql", "version": "11.5"}
    assert named["main"].identifiers == ("host:mynode.qvy.io",)
    assert {(key.source, key.target) for key in snapshot.links} == {
        (named[application].ref, named["my-postgresql-3498225"].ref),
        (named[application].ref, named["images"].ref),
        (named["main"].ref, named[application].ref),
    }
