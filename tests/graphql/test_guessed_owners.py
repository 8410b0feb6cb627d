"""Owners that only follow from something, such as a permission: in force where nobody says who owns a thing."""

from pathlib import Path
from typing import Any

import pytest

from graph_api.app import source_order
from graph_api.catalog.entity import LinkKey, LinkOrigin, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import load_settings
from graph_api.sources.files import read_files
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.sources.folders import descriptor, write

SLUG = "{github.com/project-slug: acme/shop}"
FILES = {
    "org.yaml": descriptor("System", "shop", "{owner: declared}") + "---\n" + descriptor("System", "empty"),
    "repository.yaml": descriptor("Repository", "shop", "{type: git}", SLUG),
    ".github/CODEOWNERS": "/coded/ @acme/coders\n",
    "alone.yaml": descriptor("Component", "alone", "{type: service, system: empty}"),
    "part.yaml": descriptor("Component", "part", "{type: service, system: shop}"),
    "owned.yaml": descriptor("Component", "owned", "{type: service, owner: itself}"),
    "coded/catalog-info.yaml": descriptor("Component", "coded", "{type: service}", SLUG),
}
ANSWER = """{ entities(filter: {kind: {eq: "Component"}}) { nodes {
  name owners { ref how role evidence { source } } conflicts { values { source } } } }
  declared: owned(by: ["guessed"], effective: false) { totalCount }
  effective: owned(by: ["guessed"]) { nodes { name } }
  ownershipCoverage(by: KIND) { value declared effective } }"""


def guesses() -> Snapshot:
    links = {}
    for name in ("alone", "part", "owned", "coded"):
        key = LinkKey(Ref(f"component:default/{name}"), "OWNED_BY", Ref("group:default/guessed"), None)
        links[key] = LinkStatement(
            key=key, document="a", location="a:1", origin=LinkOrigin.INFERRED, properties={"role": "ADMIN"}
        )
    return Snapshot(source="guesses", connector="github", links=links)


@pytest.mark.parametrize("first", ["guesses", "files"])
def test_guessed_owners_come_after_all_that_is_said(store: Store, run: Run, tmp_path: Path, first: str) -> None:
    order = source_order(load_settings(chosen={"sources": (first,)}))
    client = Client(store, run, load_settings(chosen={"sources": (first,)}))
    run(client.start())
    try:
        for snapshot in (guesses(), read_files([write(tmp_path / "files", FILES)], source="files")):
            run(sync(store, snapshot, order))
        answer = client.ask(ANSWER)
    finally:
        run(client.stop())
    owners: dict[str, Any] = {
        row["name"]: [(owner["ref"], owner["how"], owner["role"]) for owner in row["owners"]]
        for row in answer["entities"]["nodes"]
    }
    assert owners == {
        "alone": [("group:default/guessed", "INFERRED", "ADMIN")],
        "coded": [("group:acme/coders", "INFERRED", "CODE_OWNER")],
        "owned": [("group:default/itself", "DECLARED", "OWNER")],
        "part": [("group:default/declared", "INHERITED", "OWNER")],
    }
    (conflicts,) = (row["conflicts"] for row in answer["entities"]["nodes"] if row["name"] == "owned")
    assert [[said["source"] for said in conflict["values"]] for conflict in conflicts] == [["files", "guesses"]]
    assert answer["declared"] == {"totalCount": 0}
    assert answer["effective"] == {"nodes": [{"name": "alone"}]}
    assert {"value": "Component", "declared": 1, "effective": 4} in answer["ownershipCoverage"]


def test_a_guess_goes_as_it_came(client: Client, store: Store, run: Run, tmp_path: Path) -> None:
    order = source_order(load_settings())
    for snapshot in (read_files([write(tmp_path / "files", FILES)], source="files"), guesses()):
        run(sync(store, snapshot, order))
    asked = '{ entity(ref: "component:alone") { owners { how } } group: entity(ref: "group:guessed") { declared } }'
    assert client.ask(asked) == {"entity": {"owners": [{"how": "INFERRED"}]}, "group": {"declared": False}}
    run(sync(store, Snapshot(source="guesses", connector="github"), order))
    (held,) = client.ask("{ syncs(status: HELD) { nodes { id } } }")["syncs"]["nodes"]
    client.ask("mutation($id: ID!) { confirmSync(id: $id) { sync { status } } }", id=held["id"])
    assert client.ask(asked) == {"entity": {"owners": []}, "group": None}
