"""Figures of real states and plans; REALWORLD names the folder that holds them.

Resources are counted without instances, which `spec.instances` sums up. Edges to data sources that only compute are
seen through, so there are fewer where a state has such.
"""

import os
from pathlib import Path

import pytest

from graph_api.catalog.snapshot import Severity, Snapshot
from graph_api.cli.report import needs_mending
from graph_api.sources.reading import read_paths

FOLDER = Path(os.environ.get("REALWORLD", "")) / "terraform"
JSON = "hashicorp__terraform-json/testdata/"
INFRAMAP = "cycloidio__inframap/generate/testdata/"
FIGURES = [
    # file, managed resources, instances, edges, resources that change
    (f"{JSON}013_module_depends_on/plan.json", 2, 2, 1, 2),
    (f"{JSON}110_sensitive_values/plan.json", 5, 7, 2, 5),
    (f"{JSON}110_sensitive_values/state.json", 5, 7, 2, 0),
    (f"{JSON}110_sensitive_values/terraform.tfstate", 5, 7, 2, 0),
    (f"{JSON}action_reason/plan.json", 1, 1, 0, 1),
    (f"{JSON}basic/plan-0.15.json", 1, 1, 0, 1),
    (f"{JSON}basic/plan.json", 5, 7, 2, 5),
    (f"{JSON}config_resource_depends_on/plan.json", 2, 2, 1, 1),
    (f"{JSON}config_resource_depends_on/terraform.tfstate", 2, 2, 1, 0),
    (f"{JSON}deep_module/plan.json", 1, 1, 0, 1),
    (f"{JSON}identity/plan.json", 1, 1, 0, 1),
    (f"{JSON}identity/state.json", 2, 2, 0, 0),
    (f"{JSON}moved_block/plan.json", 1, 1, 0, 0),
    (f"{JSON}no_changes/plan.json", 4, 6, 2, 0),
    (f"{JSON}no_changes/state.json", 4, 6, 0, 0),
    (f"{JSON}no_changes/terraform.tfstate", 4, 6, 2, 0),  # 4 with those to and from the data source
    (f"{INFRAMAP}aws_state_cyclic.json", 19, 19, 20, 0),
    (f"{INFRAMAP}aws_state_sg.json", 7, 7, 5, 0),
    (f"{INFRAMAP}aws_state_with_count.json", 2, 3, 1, 0),
    (f"{INFRAMAP}empty.json", 0, 0, 0, 0),
    (f"{INFRAMAP}error_missing_id.json", 1, 1, 0, 0),
    (f"{INFRAMAP}flexibleengine_state.json", 8, 9, 8, 0),
    (f"{INFRAMAP}google_state.json", 4, 4, 0, 0),
    (f"{INFRAMAP}multi_module_state.json", 3, 3, 2, 0),
    (f"{INFRAMAP}openstack_state_lb.json", 12, 12, 11, 0),
    (f"{INFRAMAP}version_3_state.json", 12, 12, 13, 0),
    # 3 managed ones, and the bucket of a data source that one of them needs
    ("aquasecurity__trivy/pkg/iac/scanners/terraformplan/tfjson/testdata/plan.json", 4, 3, 2, 3),
]


def snapshot_of(file: Path) -> Snapshot:
    return read_paths([file], source="real", only=["terraform"])[0]


@pytest.mark.parametrize("figures", FIGURES if "REALWORLD" in os.environ else [], ids=lambda row: row[0])
def test_real_states_and_plans_have_their_figures(figures: tuple[str, int, int, int, int]) -> None:
    file, *expected = figures
    snapshot = snapshot_of(FOLDER / file)
    found = list(snapshot.entities.values())
    edges = sum(key.relation == "DEPENDS_ON" for key in snapshot.links)
    changes = sum("change" in said.spec for said in found)
    assert [len(found), sum(said.spec.get("instances", 0) for said in found), edges, changes] == expected
    assert not needs_mending(snapshot.problems)


@pytest.mark.parametrize("folder", [FOLDER] if "REALWORLD" in os.environ else [])
def test_a_state_of_version_2_is_refused(folder: Path) -> None:
    (problem,) = snapshot_of(folder / INFRAMAP / "invalid_version_state.json").problems
    assert problem.severity is Severity.REFUSED
