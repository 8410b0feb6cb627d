"""What is named by the place of its file, with repositories around the files."""

from pathlib import Path

import pytest

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths
from tests.sources.folders import write

FILES = {
    "schema.graphql": "type Query { me: String }\n",
    "main.tf": 'resource "aws_s3_bucket" "logs" {}\n',
    "compose.yaml": "services: {web: {image: acme/web}}\n",
    "broken.graphql": "type {\n",
}


def checkout(folder: Path, name: str) -> Path:
    remote = f'[remote "origin"]\n\turl = https://github.com/acme/{name}.git\n'
    write(folder / name, {".git/config": remote, **FILES})
    return folder / name


def told(folder: Path) -> dict[str, Snapshot]:
    return {row.connector: row for row in read_paths([folder], source="all") if row.entities or row.problems}


def test_files_of_two_repositories_tell_of_two_things(tmp_path: Path) -> None:
    checkout(tmp_path, "cart")
    checkout(tmp_path, "till")
    snapshots = told(tmp_path)
    assert {ref: said.location for ref, said in snapshots["graphql"].entities.items()} == {
        "api:graphql/acme-cart": "cart/schema.graphql:1",
        "api:graphql/acme-till": "till/schema.graphql:1",
    }
    assert {said.repository for said in snapshots["terraform"].entities.values()} == {
        "repository:acme/cart",
        "repository:acme/till",
    }
    assert len(snapshots["terraform"].entities) == 2
    assert snapshots["graphql"].unreadable == {"cart/broken.graphql", "till/broken.graphql"}
    assert {row.path for row in snapshots["graphql"].problems} == {"cart/broken.graphql", "till/broken.graphql"}
    links = snapshots["compose"].links
    assert {said.location.rpartition(":")[0] for said in links.values()} == {"cart/compose.yaml", "till/compose.yaml"}


@pytest.mark.parametrize("connector", ["graphql", "terraform", "compose"])
def test_a_repository_tells_the_same_from_whatever_folder_it_is_synced(tmp_path: Path, connector: str) -> None:
    folder = checkout(tmp_path, "cart")
    above, itself = told(tmp_path)[connector], told(folder)[connector]
    assert above.entities.keys() == itself.entities.keys()
    assert above.links.keys() == itself.links.keys()


RELEASE = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: cart}
spec:
  source: {repoURL: "https://github.com/acme/charts", path: cart}
  destination: {name: production, namespace: shop}
"""


def test_what_a_file_only_names_is_not_its_repositorys(tmp_path: Path) -> None:
    write(checkout(tmp_path, "cart"), {"app.yaml": RELEASE})
    entities = told(tmp_path)["argocd"].entities
    assert {ref: said.repository for ref, said in entities.items()} == {
        "component:argocd/cart": "repository:acme/cart",
        "repository:acme/charts": None,
        "environment:argocd-production/shop": None,
    }
