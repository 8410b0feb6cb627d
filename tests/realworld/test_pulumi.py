"""One stack in the three versions of its checkpoint; REALWORLD names the folder that holds them."""

import os
from collections import Counter
from pathlib import Path

import pytest

from graph_api.sources.reading import read_paths

FOLDER = Path(os.environ.get("REALWORLD", "")) / "pulumi/pulumi__pulumi/pkg/resource/stack/testdata"
FILES = ["checkpoint-v0.json", "checkpoint-v1.json", "checkpoint-v4.json"]


@pytest.mark.parametrize("paths", [FILES[:1], FILES[1:2], FILES[2:], FILES] if "REALWORLD" in os.environ else [])
def test_every_version_tells_of_the_same_stack(paths: list[str]) -> None:
    snapshot = read_paths([FOLDER / path for path in paths], source="real", only=["pulumi"])[0]
    resources = [said for said in snapshot.entities.values() if said.kind != "Environment"]
    assert Counter(said.spec.get("mode", "custom") for said in resources) == {"custom": 23, "component": 7}
    assert len({said.labels["pulumi-type"] for said in resources}) == 14
    assert Counter(key.relation for key in snapshot.links) == {"DEPLOYED_TO": 30, "PART_OF": 23}
    assert {key.target for key in snapshot.links if key.relation == "DEPLOYED_TO"} == {
        "environment:pulumi-countdown/foo"
    }
    assert not snapshot.problems
