from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from graph_api.sources.api import ApiError
from graph_api.sources.dora import CONNECTOR
from tests.sources.connectors.answering import Pages, Tool


def ago(days: float) -> str:
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def deployment(number: int, days: float, environment: str = "production") -> dict[str, Any]:
    url = f"https://api.github.com/repos/shop/checkout/deployments/{number}"
    return {
        "id": number,
        "url": url,
        "sha": f"a{number}",
        "environment": environment,
        "statuses_url": f"{url}/statuses",
        "repository_url": "https://api.github.com/repos/shop/checkout",
        "created_at": ago(days),
    }


def status(number: int, days: float, state: str) -> list[dict[str, str]]:
    url = f"https://api.github.com/repos/shop/checkout/deployments/{number}"
    return [{"state": state, "deployment_url": url, "created_at": ago(days)}]


GITHUB = {
    "/repos/shop/checkout/deployments": Pages(
        [[deployment(3, 1), deployment(2, 2, "staging")], [deployment(1, 3), deployment(0, 99)], ["never asked for"]]
    ),
    "/repos/shop/checkout/deployments/3/statuses": status(3, 1, "success"),
    "/repos/shop/checkout/deployments/1/statuses": status(1, 3, "failure"),
    "/repos/shop/checkout/commits/a3": {"sha": "a3", "commit": {"committer": {"date": ago(2)}}},
    "/repos/shop/checkout/commits/a1": {"sha": "a1", "commit": {"committer": {"date": ago(3)}}},
}


def metrics(request: Request) -> list[dict[str, Any]]:
    assert request.query_params["interval"] == "daily"
    hours = request.query_params["metric"] == "lead_time_for_changes"
    return [{"date": ago(1)[:10], "value": 7200 if hours else 0.5}]


GITLAB = {
    "/projects/shop%2Fcart/deployments": [
        {"id": 51, "sha": "c1", "status": "success", "updated_at": ago(1), "environment": {"name": "production"}}
    ],
    "/projects/shop%2Fcart/dora/metrics": metrics,
}


def figures(tool: Tool, options: dict[str, str]) -> dict[str, Any]:
    snapshot = tool.read(options)
    assert not snapshot.problems
    return {said.name: said.spec["value"] for said in snapshot.entities.values() if said.type == "dora"}


def test_deployments_to_production_on_github_of_late() -> None:
    tool = Tool(CONNECTOR, GITHUB)
    found = figures(tool, {"repositories": "shop/checkout"})
    assert found.keys() == {
        "deployment_frequency",
        "lead_time_for_changes",
        "change_failure_rate",
        "time_to_restore_service",
    }
    assert (found["change_failure_rate"], round(found["time_to_restore_service"])) == (0.5, 48)
    assert not [path for path in tool.asked if "/2/statuses" in path or "/0/statuses" in path or "page=3" in path]


def test_projects_on_gitlab_with_its_own_figures_or_without() -> None:
    options = {"projects": "shop/cart", "days": "7"}
    assert figures(Tool(CONNECTOR, GITLAB), options)["lead_time_for_changes"] == 2
    without = {path: answer for path, answer in GITLAB.items() if "metrics" not in path}
    assert figures(Tool(CONNECTOR, without), options).keys() == {"deployment_frequency", "change_failure_rate"}


def evidence(answers: dict[str, Any], options: dict[str, str]) -> set[tuple[str, str]]:
    """Where each thing is read of, without the server's port, which is another one each time."""
    found = Tool(CONNECTOR, answers).read(options).entities.values()
    return {(said.name, urlsplit(said.location)._replace(scheme="", netloc="").geturl()) for said in found}


def test_evidence_tells_neither_the_moment_of_the_sync_nor_the_page() -> None:
    gitlab = evidence(GITLAB, {"projects": "shop/cart", "days": "7"})
    assert gitlab == evidence(GITLAB, {"projects": "shop/cart", "days": "8"})
    pages = GITHUB["/repos/shop/checkout/deployments"]
    moved = {**GITHUB, "/repos/shop/checkout/deployments": Pages([[deployment(4, 0.5, "staging")], *pages])}
    github = {"repositories": "shop/checkout"}
    assert evidence(GITHUB, github) == evidence(moved, github)


@pytest.mark.parametrize("broken", ["/repos/shop/checkout/commits/a1", "/repos/shop/checkout/deployments/1/statuses"])
def test_a_fault_ends_the_run(broken: str) -> None:
    with pytest.raises(ApiError):
        Tool(CONNECTOR, GITHUB, broken).read({"repositories": "shop/checkout"})


@pytest.mark.parametrize("options", [{}, {"repositories": "shop/checkout", "days": "many"}])
def test_what_must_be_said_is_told(options: dict[str, str]) -> None:
    with pytest.raises(ApiError, match=r"options?"):
        Tool(CONNECTOR, GITHUB).read(options)


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        Tool(CONNECTOR, GITHUB).read({"repositories": "shop/checkout"}, known=False)


def test_a_deployment_whose_commit_is_gone_has_no_lead_time() -> None:
    gone = JSONResponse({"message": "No commit found for SHA: a3"}, 422)
    found = figures(
        Tool(CONNECTOR, {**GITHUB, "/repos/shop/checkout/commits/a3": gone}), {"repositories": "shop/checkout"}
    )
    assert "lead_time_for_changes" not in found
    assert found["change_failure_rate"] == 0.5


def test_where_deployments_are_found_does_not_change_with_the_time_that_is_asked_for() -> None:
    def paths(days: str) -> set[str]:
        found = Tool(CONNECTOR, GITLAB).read({"projects": "shop/cart", "days": days})
        return {f"{parts.path}?{parts.query}" for said in found.links.values() if (parts := urlsplit(said.document))}

    assert paths("7") == paths("8")
