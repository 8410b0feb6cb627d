"""Airflow's REST API v2 and v1; the answers' fields are those of its own OpenAPI document."""

from typing import Any

import pytest
from starlette.requests import Request

from graph_api.sources import airflow
from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from tests.sources.connectors.loopback import Answer, Tool, fetched

DAGS = ["load", "daily report", "clean"]


def page(request: Request, part: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    limit, offset = int(request.query_params["limit"]), int(request.query_params["offset"])
    return {part: rows[offset : offset + limit], "total_entries": len(rows)}


def dags(request: Request) -> dict[str, Any]:
    return page(request, "dags", [{"dag_id": name, "owners": ["shop"], "tags": []} for name in DAGS])


def tasks(_: Request) -> dict[str, Any]:
    return {"tasks": [{"task_id": "run", "operator_name": "PythonOperator"}], "total_entries": 1}


def assets(request: Request) -> dict[str, Any]:
    made, read = {"dag_id": "load", "task_id": "run"}, {"dag_id": "daily report"}
    row = {"uri": "s3://lake/day", "producing_tasks": [made], "scheduled_dags": [read], "consuming_dags": [read]}
    return page(request, "datasets" if "/v1/" in request.url.path else "assets", [row])


def answers(version: str, data: str) -> dict[str, Answer]:
    of_dags: dict[str, Answer] = {f"/api/{version}/dags/{name}/tasks": tasks for name in DAGS}
    return {f"/api/{version}/dags": dags, f"/api/{version}/{data}": assets, **of_dags}


@pytest.mark.parametrize(("version", "data"), [("v2", "assets"), ("v1", "datasets")])
def test_every_dag_with_its_tasks_and_every_asset(version: str, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow, "PAGE", 2)
    tool = Tool(answers(version, data))
    documents = fetched(airflow.CONNECTOR, tool, {} if version == "v2" else {"api": version})
    assert tool.asked[f"/api/{version}/dags"] == 3, "one of them was told to wait"
    assert all(airflow.CONNECTOR.claims(document) for document in documents)
    findings = Findings(airflow.CONNECTOR.name, airflow.CONNECTOR.origin)
    airflow.CONNECTOR.read(documents, findings)
    found = findings.snapshot("s")
    pipelines = [said for said in found.entities.values() if said.kind == "Pipeline"]
    assert {said.name for said in pipelines} == set(DAGS)
    assert [said.spec["operators"] for said in pipelines] == [{"PythonOperator": 1}] * 3
    ends = {(key.source, key.relation, key.target) for key in found.links if key.relation != "OWNED_BY"}
    assert ends == {
        ("dataset:airflow/s3-lake-day", "WRITTEN_BY", "pipeline:airflow/load"),
        ("pipeline:airflow/daily-report", "READS_FROM", "dataset:airflow/s3-lake-day"),
    }
    assert not found.problems


@pytest.mark.parametrize("broken", ["/api/v2/dags/clean/tasks", "/api/v2/assets"])
def test_one_question_that_fails_ends_the_run(broken: str) -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(airflow.CONNECTOR, Tool(answers("v2", "assets"), broken=broken))


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(airflow.CONNECTOR, Tool(answers("v2", "assets")), known=False)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_server_that_gives_smaller_pages_than_asked_for_is_read_to_its_end(limit: int) -> None:
    def limited(request: Request) -> dict[str, Any]:
        rows = dags(request)["dags"]
        return {"dags": rows[:limit], "total_entries": len(DAGS)}

    documents = fetched(airflow.CONNECTOR, Tool({**answers("v2", "assets"), "/api/v2/dags": limited}))
    assert [row["dag_id"] for document in documents for row in document.get("dags") or []] == DAGS


def test_a_dag_that_is_deleted_meanwhile_has_no_tasks() -> None:
    known = answers("v2", "assets")
    del known["/api/v2/dags/clean/tasks"]
    documents = fetched(airflow.CONNECTOR, Tool(known))
    assert len([document for document in documents if document.path.endswith("/tasks")]) == len(DAGS) - 1
