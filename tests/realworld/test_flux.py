from pathlib import Path

import pytest

from tests.realworld.folders import REALWORLD, links, read_all

pytestmark = pytest.mark.parametrize("realworld", REALWORLD)


def test_kustomizations_follow_their_order_and_a_patched_release_is_one(realworld: Path) -> None:
    """3 Kustomizations, and 3 HelmReleases of 4 documents."""
    snapshot = read_all("flux", realworld / "flux")
    deployed = [said.ref.rpartition("/")[2] for said in snapshot.entities.values() if said.type == "deployment"]
    assert sorted(deployed) == [
        "helmrelease-cert-manager",
        "helmrelease-envoy-gateway",
        "helmrelease-podinfo",
        "kustomization-apps",
        "kustomization-infra-configs",
        "kustomization-infra-controllers",
    ]
    order = {pair for pair in links(snapshot, "DEPENDS_ON") if pair[1].startswith("kustomization-")}
    assert order == {
        ("kustomization-apps", "kustomization-infra-configs"),
        ("kustomization-infra-configs", "kustomization-infra-controllers"),
    }
    assert links(snapshot, "CONTAINS") == {
        ("helmrelease-podinfo", "podinfo"),
        ("helmrelease-cert-manager", "cert-manager"),
        ("helmrelease-envoy-gateway", "gateway-helm"),
    }
    assert not snapshot.problems
