"""Inferred owners follow where the CODEOWNERS file lies, and by which names groups are known, whatever else stays."""

from pathlib import Path

import pytest

from graph_api.app import source_order
from graph_api.catalog.ref import MAX_PART
from graph_api.settings import Settings
from graph_api.sources.files import read_files
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.sources.folders import descriptor, write

SLUG = "{github.com/project-slug: acme/orders}"
FILES = {
    "repository.yaml": descriptor("Repository", "orders", "{type: git}", SLUG),
    "orders/catalog-info.yaml": descriptor("Component", "orders", "{type: service}", SLUG),
    ".github/CODEOWNERS": "* @acme/crew\n",
}
PUT = "mutation($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { code } } }"


@pytest.fixture
def folder(store: Store, run: Run, tmp_path: Path) -> Path:
    folder = write(tmp_path / "files", FILES)
    sync_folder(store, run, folder)
    return folder


def sync_folder(store: Store, run: Run, folder: Path) -> None:
    run(sync(store, read_files([folder], source="files"), source_order(Settings())))


def owners(client: Client) -> list[tuple[str, str, str]]:
    asked = '{ entity(ref: "component:orders") { owners { ref state evidence { location } } } }'
    rows = client.ask(asked)["entity"]["owners"]
    return [(row["ref"], row["state"], row["evidence"][0]["location"]) for row in rows]


def put_team(client: Client, name: str, slug: str) -> None:
    team = {"kind": "Group", "name": name, "annotations": {"github.com/team-slug": slug}, "spec": {"type": "team"}}
    assert client.ask(PUT, entities=[team])["putEntities"]["userErrors"] == []


def is_there(client: Client, ref: str) -> bool:
    return client.ask("query($ref: String!) { entity(ref: $ref) { ref } }", ref=ref)["entity"] is not None


def test_a_file_that_moves_is_named_where_it_lies_now(client: Client, folder: Path, store: Store, run: Run) -> None:
    assert owners(client) == [("group:acme/crew", "UNRESOLVED", ".github/CODEOWNERS:1")]
    (folder / ".github/CODEOWNERS").rename(folder / "CODEOWNERS")
    sync_folder(store, run, folder)
    assert owners(client) == [("group:acme/crew", "UNRESOLVED", "CODEOWNERS:1")]


def test_a_group_owns_as_long_as_it_alone_has_the_name(client: Client, folder: Path, store: Store, run: Run) -> None:
    place = ".github/CODEOWNERS:1"
    unresolved = [("group:acme/crew", "UNRESOLVED", place)]
    assert owners(client) == unresolved
    assert is_there(client, "group:acme/crew")
    put_team(client, "sailors", "acme/crew")
    assert owners(client) == [("group:default/sailors", "EMPTY", place)]
    assert not is_there(client, "group:acme/crew"), "nothing names it any more"
    tool = {"kind": "Component", "name": "tool", "annotations": {"graph-api/identifiers": "@acme/crew"}, "spec": {}}
    assert client.ask(PUT, entities=[tool])["putEntities"]["userErrors"] == []
    write(folder, {".github/CODEOWNERS": "* @acme/crew\n/docs @acme/writers\n"})
    sync_folder(store, run, folder)
    assert owners(client) == [("group:default/sailors", "EMPTY", place)], "only groups and users own"
    put_team(client, "rowers", "acme/crew")
    assert owners(client) == unresolved, "which of the two is meant nobody can say"
    put_team(client, "sailors", "acme/others")
    assert owners(client) == [("group:default/rowers", "EMPTY", place)]
    put_team(client, "rowers", "acme/others")
    assert owners(client) == unresolved
    assert is_there(client, "group:acme/crew")


def test_of_two_repositories_with_one_address_neither_is_meant(client: Client) -> None:
    named = {"annotations": {"github.com/project-slug": "acme/orders"}, "spec": {}}
    cart = named | {"kind": "Component", "name": "cart"}
    one, two = (named | {"kind": "Repository", "name": name} for name in ("one", "two"))
    asked = '{ entity(ref: "component:cart") { repository { ref } } }'
    for entities, ref in (([one], "default/one"), ([two], "acme/orders")):
        assert client.ask(PUT, entities=[*entities])["putEntities"]["userErrors"] == []
        assert client.ask(PUT, entities=[cart])["putEntities"]["userErrors"] == []
        assert client.ask(asked)["entity"]["repository"] == {"ref": f"repository:{ref}"}


LONG = "x" * (MAX_PART - 1)


def test_code_owners_that_nobody_declares_have_refs_of_what_they_are_called(
    client: Client, store: Store, run: Run, tmp_path: Path
) -> None:
    slug = "{gitlab.com/project-slug: acme/orders}"
    rules = f"[One]\n* @acme/sub.group/crew @ann @@developers @__ bob@acme.example/x @{LONG}-yz\n[Two]\n* @ann @cy\n"
    files = {"catalog-info.yaml": descriptor("Component", "orders", "{type: service}", slug), "CODEOWNERS": rules}
    sync_folder(store, run, write(tmp_path / "files", files))
    assert owners(client) == [
        ("group:acme-sub-group/crew", "UNRESOLVED", "CODEOWNERS:2"),
        ("user:default/ann", "UNRESOLVED", "CODEOWNERS:2"),
        ("user:default/bob-acme.example-x", "UNRESOLVED", "CODEOWNERS:2"),
        ("user:default/cy", "UNRESOLVED", "CODEOWNERS:4"),
        (f"user:default/{LONG}", "UNRESOLVED", "CODEOWNERS:2"),
    ]
    asked = """{ entity(ref: "component:orders") {
      owners { primary role } repository { ref owners { through { ref } } } } }"""
    entity = client.ask(asked)["entity"]
    assert entity["owners"] == [{"primary": False, "role": "CODE_OWNER"}] * 5
    repository = entity["repository"]
    assert [row["through"] for row in repository["owners"]] == [[{"ref": repository["ref"]}]] * 5
    write(tmp_path / "files", {"CODEOWNERS": "* @ann\n"})
    sync_folder(store, run, tmp_path / "files")
    assert client.ask(asked)["entity"]["owners"] == [{"primary": True, "role": "CODE_OWNER"}]
