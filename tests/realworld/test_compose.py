import shutil
from pathlib import Path

import pytest

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.snapshot import Snapshot
from tests.realworld.folders import REALWORLD, dependents, read_all

DEMO = "compose/open-telemetry__opentelemetry-demo"

pytestmark = pytest.mark.parametrize("realworld", REALWORLD)


def read_files(folder: Path, *names: str, into: Path) -> Snapshot:
    for name in names:
        shutil.copy(folder / name, into)
    return read_all("compose", into)


def declared(snapshot: Snapshot) -> set[tuple[str, str]]:
    keys = [link.key for link in snapshot.links.values() if link.origin is LinkOrigin.DECLARED]
    pairs = [(key.source, key.target) for key in keys if key.relation == "DEPENDS_ON"]
    return {(source.rpartition("/")[2], target.rpartition("/")[2]) for source, target in pairs}


def services(snapshot: Snapshot) -> list[str]:
    return [said.name for said in snapshot.entities.values() if said.identifiers and "compose-default" in said.ref]


@pytest.mark.parametrize(
    ("variants", "count", "edges"),
    [
        ([], 20, 46),
        (["full"], 23, 51),
        (["full", "observability", "extras"], 28, 58),
        (["full", "observability", "extras", "agent", "profiling", "tests"], 34, 67),
    ],
)
def test_files_of_a_folder_are_one_project(
    realworld: Path, tmp_path: Path, variants: list[str], count: int, edges: int
) -> None:
    names = ["compose.yaml", *(f"compose.{variant}.yaml" for variant in variants)]
    snapshot = read_files(realworld / DEMO, *names, into=tmp_path)
    assert len(services(snapshot)) == count
    assert len(declared(snapshot)) == edges
    assert not snapshot.problems


def test_what_another_file_states_is_told(realworld: Path, tmp_path: Path) -> None:
    snapshot = read_files(realworld / DEMO, "compose.agent.yaml", into=tmp_path)
    assert len(services(snapshot)) == 4
    assert len(declared(snapshot)) == 7
    assert len(snapshot.problems) == 4


def test_the_impact_that_follows(realworld: Path, tmp_path: Path) -> None:
    pairs = declared(read_files(realworld / DEMO, "compose.yaml", into=tmp_path))
    assert len(dependents(pairs, "flagd")) == 11
    assert len(dependents(pairs, "otel-collector")) == 15
    assert dependents(pairs, "valkey-cart") == {"cart", "checkout", "frontend", "frontend-proxy", "load-generator"}
    assert [len(dependents(pairs, name)) for name in ("cart", "currency", "product-catalog")] == [4, 4, 5]
    needed = {(target, source) for source, target in pairs}
    assert len(dependents(needed, "frontend-proxy")) == 18
