"""What the annotations of descriptors name is joined with what tools tell of it, however either writes the name."""

from pathlib import Path

import pytest

from graph_api.app import source_order
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.sources.folders import descriptor, write

INVENTORY = "[databases]\ndb.example\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {spec: {containers: [{name: cart, image: "r.example/shop/cart:3"}]}}}
"""


def synced(store: Store, run: Run, folder: Path, files: dict[str, str]) -> None:
    for snapshot in read_paths([write(folder, files)], source="all"):
        run(sync(store, snapshot, source_order(Settings())))


def refs(client: Client, kind: str, type_: str) -> list[str]:
    asked = "query($kind: String!, $type: String!) { entities(filter: {kind: {eq: $kind}, type: {eq: $type}}) "
    found = client.ask(f"{asked} {{ nodes {{ ref }} }} }}", kind=kind, type=type_)["entities"]["nodes"]
    return [row["ref"] for row in found]


def machines(client: Client) -> list[str]:
    return refs(client, "resource", "compute")


def database(name: str, annotation: str, value: str) -> str:
    return descriptor("Resource", name, "{type: compute}", f"{{{annotation}: '{value}'}}")


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("graph-api/host", "db.example:5432"),
        ("graph-api/host", "https://db.example:5432/"),
        ("graph-api/host", "db.example."),
        ("graph-api/identifiers", "host:db.example:5432"),
    ],
)
def test_a_machine_is_one_with_the_descriptor_of_its_host(
    store: Store, run: Run, client: Client, tmp_path: Path, annotation: str, value: str
) -> None:
    synced(store, run, tmp_path, {"hosts.ini": INVENTORY, "db.yaml": database("db", annotation, value)})
    assert machines(client) == ["resource:default/db"]


@pytest.mark.parametrize("value", ["image:r.example/shop/cart:3", "image:r.example/shop/cart"])
def test_a_workload_is_one_with_the_descriptor_of_its_image(
    store: Store, run: Run, client: Client, tmp_path: Path, value: str
) -> None:
    cart = descriptor("Component", "cart", "{type: service}", f"{{graph-api/identifiers: '{value}'}}")
    synced(store, run, tmp_path, {"deploy/cart.yaml": DEPLOYMENT, "cart.yaml": cart})
    assert refs(client, "component", "service") == ["component:default/cart"]


def test_two_things_at_ports_of_one_host_stay_two_and_neither_is_the_machine(
    store: Store, run: Run, client: Client, tmp_path: Path
) -> None:
    two = [database(f"db-{port}", "graph-api/host", f"db.example:{port}") for port in (5432, 5433)]
    synced(store, run, tmp_path, {"hosts.ini": INVENTORY, "db.yaml": "---\n".join(two)})
    apart = {"resource:default/db-5432", "resource:default/db-5433", "resource:ansible/db.example"}
    assert set(machines(client)) == apart
    resolved = client.ask('{ resolve(identifier: "postgres://x@db.example:5432/y") { ref } }')["resolve"]
    assert {row["ref"] for row in resolved} == apart, "whoever asks gets all that may be meant"
