"""By the image of which container a workload is known: a sidecar's names the sidecar."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from graph_api.sources.reading import read_paths

CART, PROXY, MIGRATION = (
    "registry.example/shop/cart",
    "registry.example/shop/auth-proxy",
    "registry.example/shop/migrate",
)


def names_of(connector: str, folder: Path) -> set[str]:
    """What the workload is known by, besides its ref."""
    (snapshot,) = read_paths([folder], source="tool", only=[connector])
    [cart] = [said for ref, said in snapshot.entities.items() if ref.startswith("component:")]
    images = [link.key.target for link in snapshot.links.values() if link.key.relation == "RUNS_IMAGE"]
    assert len(images) > 1, "all images are what it runs"
    return {text for text in cart.identifiers if text.startswith(("image:", "service.name:"))}


def container(image: str, **more: Any) -> dict[str, Any]:
    return {"name": image.rpartition("/")[2], "image": f"{image}:1", **more}


def test_in_kubernetes_by_that_of_its_first_container(tmp_path: Path) -> None:
    telemetry = {name: [{"name": "OTEL_SERVICE_NAME", "value": name}] for name in ("cart", "auth-proxy")}
    containers = [container(CART, env=telemetry["cart"]), container(PROXY, env=telemetry["auth-proxy"])]
    pod = {"containers": containers, "initContainers": [container(MIGRATION)]}
    cart = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart"}}
    (tmp_path / "cart.json").write_bytes(orjson.dumps({**cart, "spec": {"template": {"spec": pod}}}))
    assert names_of("kubernetes", tmp_path) == {f"image:{CART}", "service.name:cart"}


def test_in_kubernetes_although_it_is_a_sidecar_elsewhere(tmp_path: Path) -> None:
    for name, images in {"cart": [CART, PROXY], "auth-proxy": [PROXY]}.items():
        said = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
        template = {"spec": {"containers": [container(image) for image in images]}}
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps({**said, "spec": {"template": template}}))
    (snapshot,) = read_paths([tmp_path], source="tool", only=["kubernetes"])
    proxy = next(said for ref, said in snapshot.entities.items() if ref == "component:kubernetes-default/auth-proxy")
    assert f"image:{PROXY}" in proxy.identifiers


MAPS = pytest.mark.parametrize(
    ("images", "known"),
    [
        ({"cart": CART, "proxy": PROXY}, {f"image:{CART}"}),
        ({"proxy": PROXY, "cart": CART}, {f"image:{CART}"}),
        ({"main": CART, "proxy": PROXY}, set()),
    ],
)


@MAPS
def test_in_score_by_that_of_the_container_with_its_name(
    images: Mapping[str, str], known: set[str], tmp_path: Path
) -> None:
    containers = {name: {"image": f"{image}:1"} for name, image in images.items()}
    said = {"apiVersion": "score.dev/v1b1", "metadata": {"name": "cart"}, "containers": containers}
    (tmp_path / "score.json").write_bytes(orjson.dumps(said))
    assert names_of("score", tmp_path) == known


@MAPS
def test_in_humanitec_by_that_of_the_container_with_its_name(
    images: Mapping[str, str], known: set[str], tmp_path: Path
) -> None:
    containers = {name: {"image": f"{image}:1"} for name, image in images.items()}
    path = tmp_path / "orgs" / "shop" / "apps" / "till" / "sets" / "s1.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(orjson.dumps({"modules": {"cart": {"spec": {"containers": containers}}}}))
    assert names_of("humanitec", tmp_path) == known
