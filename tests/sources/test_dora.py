"""The figures by their definitions, and which files they come from."""

from pathlib import Path

import orjson
import pytest

from graph_api.sources.dora_figures import DAY, HOUR, Deployment, figures_of
from graph_api.sources.reading import read_paths


@pytest.mark.parametrize(
    ("deployments", "expected"),
    [
        ([], {}),
        ([Deployment(10, succeeded=True)], {"deployment_frequency": 1, "change_failure_rate": 0}),
        ([Deployment(10, succeeded=False)], {"deployment_frequency": 0, "change_failure_rate": 1}),
        (
            # Two failures in a row are one time without service; a commit from the future has no age.
            [
                Deployment(4 * HOUR, succeeded=True, age=-5),
                Deployment(HOUR, succeeded=False),
                Deployment(2 * HOUR, succeeded=False, age=HOUR),
                Deployment(DAY, succeeded=True, age=3 * HOUR),
            ],
            {
                "deployment_frequency": 1,
                "lead_time_for_changes": 3,
                "change_failure_rate": 0.5,
                "time_to_restore_service": 3,
            },
        ),
    ],
)
def test_figures_follow_their_definitions(deployments: list[Deployment], expected: dict[str, float]) -> None:
    assert {figure.metric: figure.value for figure in figures_of(deployments)} == expected


def test_only_files_of_dora_are_read(tmp_path: Path) -> None:
    service = {"id": "PCHECK1", "type": "service_reference", "summary": "Checkout"}
    times = {"created_at": "2026-03-01T10:00:00Z", "resolved_at": "2026-03-01T12:00:00Z"}
    incident = {"id": "Q1", "type": "incident", "status": "resolved", "service": service, **times}
    answer = orjson.dumps({"incidents": [incident], "limit": 25, "offset": 0, "more": False})
    (tmp_path / "incidents.json").write_bytes(answer)
    (tmp_path / "dora-incidents.json").write_bytes(answer)
    found = {snapshot.connector: snapshot for snapshot in read_paths([tmp_path])}
    (metric,) = [said for said in found["dora"].entities.values() if said.kind == "Metric"]
    assert (metric.location, metric.spec["value"]) == ("dora-incidents.json:1", 2)
    assert {said.location for said in found["pagerduty"].entities.values()} == {"incidents.json:1"}
    assert found["dora"].links.keys() == {(metric.ref, "DESCRIBES", "component:pagerduty/pcheck1", None)}
