"""A component of Backstage that runs as several workloads: whose they are, and what it is hit by."""

from pathlib import Path

from graph_api.app import source_order
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client

DESCRIPTOR = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: cart, annotations: {backstage.io/kubernetes-id: cart}}
spec: {type: service, lifecycle: production, owner: shop, providesApis: [cart]}
"""
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: PLACE, labels: {backstage.io/kubernetes-id: cart}}
spec: {template: {spec: {containers: [{name: cart, image: example.org/cart, env: [{name: DB, value: "db:5432"}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: PLACE}
spec: {type: ExternalName, externalName: db.PLACE.example.org}
"""
QUESTION = """{
  entity(ref: "component:kubernetes-staging/cart") { ref owners { how entity { ref } } }
  whole: entity(ref: "component:kubernetes/cart") { ref dependencies { nodes { ref } } }
  impact(of: ["resource:kubernetes-staging/service-db"]) { edges { severity node { ref } } }
}"""


def write(folder: Path, *places: str) -> Path:
    folder.mkdir()
    for place in places:
        (folder / f"{place}.yaml").write_text(WORKLOAD.replace("PLACE", place), encoding="utf-8")
    return folder


def load(client: Client, run: Run, folder: Path, *places: str) -> None:
    workloads = write(folder, *places)
    (folder.parent / "catalog-info.yaml").write_text(DESCRIPTOR, encoding="utf-8")
    for paths, source, connector in (
        ([workloads], "kubernetes:shop", "kubernetes"),
        ([folder.parent / "catalog-info.yaml"], "files:shop", "files"),
    ):
        (snapshot,) = read_paths(paths, source=source, only=[connector])
        run(sync(client.store, snapshot, source_order(Settings())))


def test_its_workloads_have_its_owners_and_it_is_hit_by_what_hits_one(client: Client, run: Run, tmp_path: Path) -> None:
    load(client, run, tmp_path / "cluster", "production", "staging")
    data = client.ask(QUESTION)
    assert data["entity"] == {
        "ref": "component:kubernetes-staging/cart",
        "owners": [{"how": "INHERITED", "entity": {"ref": "group:default/shop"}}],
    }
    assert data["whole"] == {
        "ref": "component:default/cart",
        "dependencies": {
            "nodes": [{"ref": "component:kubernetes-production/cart"}, {"ref": "component:kubernetes-staging/cart"}]
        },
    }
    assert [(hit["severity"], hit["node"]["ref"]) for hit in data["impact"]["edges"]] == [
        ("DOWN", "component:kubernetes-staging/cart"),
        ("DEGRADED", "component:default/cart"),
        ("DEGRADED", "api:default/cart"),
    ]


def test_the_only_workload_is_the_component(client: Client, run: Run, tmp_path: Path) -> None:
    load(client, run, tmp_path / "cluster", "staging")
    assert client.ask(QUESTION)["entity"]["ref"] == "component:default/cart"
