from pathlib import Path

import pytest

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths
from tests.realworld.folders import REALWORLD

pytestmark = pytest.mark.parametrize("realworld", REALWORLD)


def read_owners(folder: Path, repo: str) -> Snapshot:
    return read_paths([folder], source="realworld", repo=repo, only=["owners"])[0]


def owners(snapshot: Snapshot, ref: Ref) -> set[str]:
    return {key.target for key in snapshot.links if (key.source, key.relation) == (ref, "OWNED_BY")}


def members(snapshot: Snapshot, alias: str) -> int:
    group = f"group:owners-kubernetes-sigs-kubespray/{alias}"
    return sum(key.relation == "MEMBER_OF" and key.target == group for key in snapshot.links)


def test_kubespray(realworld: Path) -> None:
    folder = realworld / "codeowners" / "kubernetes-sigs__kubespray"
    snapshot = read_owners(folder, "kubernetes-sigs/kubespray")
    repository = Ref("repository:kubernetes-sigs/kubespray")
    assert owners(snapshot, repository) == {"group:owners-kubernetes-sigs-kubespray/kubespray-approvers"}
    assert snapshot.entities[repository].spec == {"reviewers": ["kubespray-reviewers"]}
    names = ("kubespray-approvers", "kubespray-reviewers", "kubespray-emeritus_approvers")
    assert [members(snapshot, name) for name in names] == [5, 7, 11]
    builder = Ref("component:owners-kubernetes-sigs-kubespray/test-infra-image-builder")
    assert owners(snapshot, builder) == {"user:owners/ant31", "user:owners/yankay"}
    assert snapshot.entities[builder].spec == {"reviewers": ["yankay", "ant31"]}
    assert not snapshot.problems


def test_opentelemetry_demo(realworld: Path) -> None:
    folder = realworld / "codeowners" / "open-telemetry__opentelemetry-demo"
    snapshot = read_owners(folder, "open-telemetry/opentelemetry-demo")
    component = Ref("component:owners-open-telemetry-opentelemetry-demo/src-ad")
    assert len(owners(snapshot, component)) == 3
    assert {key.source for key in snapshot.links} == {component}
