"""Namespaces that objects of Flux have from what leads to their files."""

from pathlib import Path

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths
from tests.sources.folders import write

KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}}}
spec: {{path: ./apps/{name}/app, {more}}}
"""
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: NAME}\nspec: {chartRef: CHART}\n"


def release(name: str) -> str:
    return RELEASE.replace("NAME", name).replace("CHART", f"{{kind: OCIRepository, name: {name}}}")


def read(root: Path, files: dict[str, str], repo: str | None = None) -> Snapshot:
    found = read_paths([write(root, files)], source="it", repo=repo)
    return next(snapshot for snapshot in found if snapshot.connector == "flux")


def test_the_target_namespace_of_what_applies_the_folder_is_that_of_its_objects(tmp_path: Path) -> None:
    shop = {
        "cluster/shop.yaml": KUSTOMIZATION.format(name="shop", more="targetNamespace: shop"),
        "apps/shop/app/release.yaml": release("cart"),
        "apps/shop/release.yaml": release("beside"),
    }
    for repo in (None, "acme/fleet"):
        flux = read(tmp_path, shop, repo)
        cart = flux.entities[Ref("component:flux-shop/helmrelease-cart")]
        assert "flux:shop/helmrelease/cart" in cart.identifiers
        assert "component:flux-default/helmrelease-beside" in flux.entities
        links = {(key.source, key.relation, key.target) for key in flux.links}
        assert ("component:flux-shop/helmrelease-cart", "DEPLOYED_TO", "environment:kubernetes/shop") in links
        assert not flux.problems


def test_two_that_apply_one_folder_leave_its_objects_where_they_are(tmp_path: Path) -> None:
    both = [KUSTOMIZATION.format(name="shop", more=f"targetNamespace: {name}") for name in ("test", "production")]
    flux = read(tmp_path, {"cluster/shop.yaml": "---\n".join(both), "apps/shop/app/release.yaml": release("cart")})
    assert "component:flux-default/helmrelease-cart" in flux.entities


def test_another_cluster_s_namespace_is_none_of_this_one(tmp_path: Path) -> None:
    more = "targetNamespace: shop, kubeConfig: {secretRef: {name: other}}"
    shop = {"shop.yaml": KUSTOMIZATION.format(name="shop", more=more), "apps/shop/app/release.yaml": release("cart")}
    assert "component:flux-default/helmrelease-cart" in read(tmp_path, shop).entities


def test_a_kustomization_yaml_gives_its_namespace_to_what_it_names(tmp_path: Path) -> None:
    needs = "dependsOn: [{name: base, namespace: system}]"
    flux = read(
        tmp_path,
        {
            "apps/kustomization.yaml": "namespace: system\nresources: [base.yaml]\n",
            "apps/base.yaml": KUSTOMIZATION.format(name="base", more="prune: true"),
            "apps/shop.yaml": KUSTOMIZATION.format(name="shop", more=needs),
        },
    )
    assert "component:flux-system/kustomization-base" in flux.entities
    assert {key.target for key in flux.links} == {"component:flux-system/kustomization-base"}
    assert not flux.problems
