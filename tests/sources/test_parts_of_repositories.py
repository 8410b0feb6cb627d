"""Several folders of one repository that are synced together, without what else it holds."""

from pathlib import Path

import pytest

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode, Snapshot
from graph_api.sources.reading import read_paths
from tests.sources.folders import descriptor, write

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: frontend}
spec: {template: {spec: {containers: [{name: frontend, image: acme/frontend}]}}}
"""
REMOTE = '[remote "origin"]\n\turl = https://github.com/acme/shop.git\n'
SHOP = Ref("repository:acme/shop")
FRONTEND = Ref("component:kubernetes-default/frontend")
FILES = {"k8s/frontend.yaml": DEPLOYMENT, "services/cart/info.yaml": descriptor("Component", "cart")}


def read(folder: Path, *parts: str, repo: str | None = None) -> dict[str, Snapshot]:
    return {row.connector: row for row in read_paths([folder / part for part in parts], source="s", repo=repo)}


def place(snapshots: dict[str, Snapshot], connector: str, ref: str) -> tuple[str | None, str | None]:
    said = snapshots[connector].entities[Ref(ref)]
    return said.repository, said.folder


@pytest.mark.parametrize(
    ("keeper", "parts"),
    [
        (".github", ("k8s", "services", ".github")),
        (".gitlab", (".gitlab", "services", "k8s")),
        ("docs", ("k8s", "services", "docs")),
        ("docs", ("k8s/frontend.yaml", "services", "docs/CODEOWNERS")),
        ("docs", (".", "docs")),
    ],
)
@pytest.mark.parametrize("repo", ["acme/shop", None])
def test_a_folder_that_keeps_code_owners_is_a_part_of_the_repository_around_it(
    tmp_path: Path, keeper: str, parts: tuple[str, ...], repo: str | None
) -> None:
    write(tmp_path, {**FILES, f"{keeper}/CODEOWNERS": "* @org/team\n"})
    write(tmp_path, {} if repo else {".git/config": REMOTE})
    snapshots = read(tmp_path, *parts, repo=repo)
    said = snapshots["files"].entities[SHOP]
    assert (said.code_owners, said.code_owners_path, said.code_owners_document) == (
        "* @org/team\n",
        f"{keeper}/CODEOWNERS",
        f"{keeper}/CODEOWNERS",
    )
    assert place(snapshots, "kubernetes", FRONTEND) == (SHOP, "k8s")
    assert place(snapshots, "files", "component:default/cart") == (SHOP, "services/cart")
    assert not [row for row in snapshots["files"].problems if row.code is ProblemCode.DUPLICATE]


def test_of_two_folders_that_keep_code_owners_the_one_counts_that_the_host_reads(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "docs/CODEOWNERS": "* @docs\n", ".github/CODEOWNERS": "* @github\n"})
    snapshots = read(tmp_path, "docs", "k8s", ".github", repo="acme/shop")
    assert snapshots["files"].entities[SHOP].code_owners == "* @github\n"
    assert not [row for row in snapshots["files"].problems if row.code is ProblemCode.DUPLICATE]


def test_a_folder_that_keeps_code_owners_is_one_of_a_repository_when_it_is_synced_alone(tmp_path: Path) -> None:
    write(tmp_path, {"docs/CODEOWNERS": "/docs/ @writers\n", "docs/info.yaml": descriptor("Component", "handbook")})
    (snapshot,) = read_paths([tmp_path / "docs"], repo="acme/shop", only=["files"])
    assert snapshot.source == "files:docs"
    handbook = snapshot.entities[Ref("component:default/handbook")]
    assert (handbook.repository, handbook.folder, handbook.location) == (SHOP, "docs", "docs/info.yaml:1")


def test_a_repository_may_be_named_as_the_folder_that_keeps_code_owners(tmp_path: Path) -> None:
    write(tmp_path, {"docs/.git/config": REMOTE, "docs/CODEOWNERS": "* @a\n", "docs/frontend.yaml": DEPLOYMENT})
    snapshots = read(tmp_path, "docs")
    assert snapshots["files"].entities[SHOP].code_owners_path == "CODEOWNERS"
    assert place(snapshots, "kubernetes", FRONTEND) == (SHOP, "")


def test_nothing_is_read_through_a_link_that_leads_out_of_such_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "secret": "* @a\n", ".github/info.yaml": descriptor("Component", "x")})
    (tmp_path / ".github" / "CODEOWNERS").symlink_to("../secret")
    snapshot = read(tmp_path, "k8s", ".github", repo="acme/shop")["files"]
    assert SHOP not in snapshot.entities
    assert snapshot.unreadable == {".github/CODEOWNERS"}


@pytest.mark.parametrize("git", [True, False])
def test_parts_without_code_owners_are_in_their_repository(tmp_path: Path, git: bool) -> None:
    write(tmp_path, {**FILES, ".git/config": REMOTE} if git else FILES)
    snapshots = read(tmp_path, "k8s", "services", repo=None if git else "acme/shop")
    assert place(snapshots, "kubernetes", FRONTEND) == (SHOP, "k8s")


def test_the_repository_that_is_named_counts_before_the_git_remote(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, ".git/config": REMOTE})
    assert place(read(tmp_path, "k8s", "services", repo="acme/fork"), "kubernetes", FRONTEND) == (
        "repository:acme/fork",
        "k8s",
    )


def test_what_is_in_no_nested_repository_is_in_the_one_that_is_named(tmp_path: Path) -> None:
    nested = {
        "services/cart/.git/config": REMOTE.replace("shop", "cart"),
        "services/cart/cart.yaml": DEPLOYMENT.replace("frontend", "cart"),
    }
    write(tmp_path, {**FILES, **nested})
    snapshots = read(tmp_path, "k8s", "services", repo="acme/shop")
    assert place(snapshots, "kubernetes", FRONTEND) == (SHOP, "k8s")
    assert place(snapshots, "kubernetes", "component:kubernetes-default/cart") == ("repository:acme/cart", "")
