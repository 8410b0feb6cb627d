from pathlib import Path

import pytest

from graph_api.catalog.entity import LinkOrigin
from graph_api.cli.report import needs_mending
from tests.realworld.folders import REALWORLD, dependents, links, read_all

BOUTIQUE = "kubernetes/GoogleCloudPlatform__microservices-demo"
ARGO_APPS = "kubernetes/argoproj__argocd-example-apps"
WORKLOADS = {"component:kubernetes-default", "resource:kubernetes-default"}

pytestmark = pytest.mark.parametrize("realworld", REALWORLD)


@pytest.mark.parametrize("parts", [("release",), ("kustomize",), ("release", "kustomize")])
def test_the_boutique_has_12_workloads_from_either_folder_or_both(realworld: Path, parts: tuple[str, ...]) -> None:
    snapshot = read_all("kubernetes", *(realworld / BOUTIQUE / part for part in parts))
    workloads = [said for said in snapshot.entities.values() if "workload" in said.spec]
    assert len(workloads) == 12
    assert {ref.partition("/")[0] for ref in (said.ref for said in workloads)} == WORKLOADS
    assert len([ref for ref in snapshot.entities if ref.startswith("resource:image/")]) == 13
    named = {name for said in workloads for name in said.identifiers if name.startswith("kubernetes:")}
    assert len(named) == 13, "12 Services, 11 of them named as their workloads, and loadgenerator without one"
    assert not needs_mending(snapshot.problems)


def test_addresses_make_16_dependencies_and_the_impact_that_follows(realworld: Path) -> None:
    snapshot = read_all("kubernetes", realworld / BOUTIQUE / "release" / "kubernetes-manifests.yaml")
    stated = [link for link in snapshot.links.values() if link.key.relation == "DEPENDS_ON"]
    pairs = links(snapshot, "DEPENDS_ON")
    assert len(pairs) == 16
    assert {(link.origin, link.confidence) for link in stated} == {(LinkOrigin.INFERRED, 0.8)}
    assert dependents(pairs, "redis-cart") == {"cartservice", "checkoutservice", "frontend", "loadgenerator"}
    assert dependents(pairs, "paymentservice") == {"checkoutservice", "frontend", "loadgenerator"}
    assert dependents(pairs, "currencyservice") == {"checkoutservice", "frontend", "loadgenerator"}
    assert dependents(pairs, "productcatalogservice") == {
        "checkoutservice",
        "frontend",
        "loadgenerator",
        "recommendationservice",
    }


def test_objects_of_one_kind_and_name_are_one_workload(realworld: Path) -> None:
    """18 objects of 10 files: 1 Deployment, 2 ReplicaSets and 5 Jobs by name, a file with tabs among them."""
    snapshot = read_all("kubernetes", realworld / ARGO_APPS)
    workloads = [str(said.spec["workload"]) for said in snapshot.entities.values() if "workload" in said.spec]
    assert sorted(workloads) == ["Deployment", *["Job"] * 5, *["ReplicaSet"] * 2]
    assert not needs_mending(snapshot.problems)
