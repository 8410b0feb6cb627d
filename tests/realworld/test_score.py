from collections import Counter
from pathlib import Path

import pytest

from graph_api.catalog.ref import kind_of, split_ref
from graph_api.catalog.snapshot import Snapshot
from tests.realworld.folders import REALWORLD, read_all

pytestmark = pytest.mark.parametrize("realworld", REALWORLD)


def calls(snapshot: Snapshot) -> Counter[str]:
    """How many other workloads each one needs."""
    needs = [key for key in snapshot.links if (key.relation, kind_of(key.target)) == ("DEPENDS_ON", "component")]
    assert all(key.target in snapshot.entities for key in needs)
    return Counter(split_ref(key.source).name for key in needs)


def test_every_file_is_a_workload_with_its_resources(realworld: Path) -> None:
    snapshot = read_all("score", realworld / "score")
    workloads = [said for said in snapshot.entities.values() if said.kind == "Component"]
    assert len(workloads) == 24
    assert sum(len(said.spec["containers"]) for said in workloads) == 24
    assert sum(len(said.spec["ports"]) for said in workloads) == 13
    types = Counter(said.labels["type"] for said in snapshot.entities.values() if "type" in said.labels)
    assert types == {"dns": 2, "route": 2, "redis": 2, "amqp": 1, "mysql": 1, "postgres": 1, "volume": 1}
    assert calls(snapshot) == {"checkout": 6, "frontend": 8, "recommendation": 1, "loadgenerator": 1}
    assert not snapshot.problems


def test_the_workloads_of_the_shop_name_their_images(realworld: Path) -> None:
    """They are not those of the Kubernetes manifests in the set: these run images of another registry folder."""
    snapshot = read_all("score", realworld / "score" / "score-spec__examples" / "samples")
    images = [said.identifiers for said in snapshot.entities.values() if said.kind == "Component"]
    assert len(images) == 11
    assert all(names[0].startswith("image:us-central1-docker.pkg.dev/google-samples/") for names in images)


def test_the_files_for_humanitec(realworld: Path) -> None:
    snapshot = read_all("score", realworld / "humanitec")
    folder = "score-score-spec-score-humanitec-examples-03-dependencies"
    assert set(snapshot.entities) == {
        f"component:{folder}/service-a",
        f"resource:{folder}/service-a.db",
        "resource:score/dns-default-dns",
        "resource:image/docker.io-library-busybox",
    }
    assert {key.target for key in snapshot.links} == {*snapshot.entities, "component:score/backend"} - {
        f"component:{folder}/service-a"
    }
