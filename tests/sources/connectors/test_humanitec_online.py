from typing import Any

import pytest
from starlette.requests import Request

from graph_api.sources.api import ApiError
from graph_api.sources.humanitec import CONNECTOR
from tests.sources.connectors.answering import Tool, recorded_answers
from tests.sources.connectors.recorded import FOLDER, read_recorded

V1 = recorded_answers(FOLDER / "humanitec" / "input" / "v1")
V2 = recorded_answers(FOLDER / "humanitec" / "input" / "v2")
SHOP, MALL = {"organization": "shop"}, {"organization": "mall", "version": "v2"}


def last_deployments(request: Request) -> dict[str, Any]:
    """Two pages."""
    assert request.query_params["state_change_only"] == "true"
    if request.query_params.get("page_token") == "second":
        return {"items": [{"id": "d2", "status": "succeeded"}]}
    return {"items": [{"id": "d1", "status": "succeeded"}], "next_page_token": "second"}


GOOD: dict[str, Any] = {
    **V1,
    **V2,
    "/orgs/shop/apps/till/envs": V1["/orgs/shop/apps/till/envs"][:2],
    "/orgs/shop/apps/till/envs/dev/resources": [],
    "/orgs/mall/last-deployments": last_deployments,
}


def test_the_apis_tell_what_their_recorded_answers_tell() -> None:
    first, second = Tool(CONNECTOR, GOOD).read(SHOP), Tool(CONNECTOR, GOOD).read(MALL)
    recorded = read_recorded("humanitec")
    assert first.entities.keys() | second.entities.keys() == recorded.entities.keys()
    assert first.links.keys() | second.links.keys() == recorded.links.keys()
    assert not first.entities.keys() & second.entities.keys()


def deployments_to_prod(request: Request) -> dict[str, Any]:
    """All of the environment, in two pages."""
    assert (request.query_params["project_id"], request.query_params["env_id"]) == ("web", "prod")
    if request.query_params.get("page_token") != "second":
        return {"items": [REDEPLOYED], "next_page_token": "second"}
    rows = [("d0", "2026-01-01", False), ("d1", "2026-03-01", False), ("d8", "2026-03-02", True)]
    return {
        "items": [
            {"id": id_, "status": "succeeded", "created_at": f"{day}T10:00:00Z", "plan_only": plan}
            for id_, day, plan in rows
        ]
    }


REDEPLOYED = {
    "id": "d9",
    "project_id": "web",
    "env_id": "prod",
    "status": "failed",
    "created_at": "2026-03-05T10:00:00Z",
}


@pytest.mark.parametrize("status", ["failed", "executing"])
def test_a_redeployment_that_did_not_succeed_leaves_what_stands(status: str) -> None:
    redeployed = {
        **GOOD,
        "/orgs/mall/last-deployments": {"items": [{**REDEPLOYED, "status": status}]},
        "/orgs/mall/deployments": deployments_to_prod,
    }
    before, after = Tool(CONNECTOR, GOOD).read(MALL), Tool(CONNECTOR, redeployed).read(MALL)
    assert after.entities.keys() == before.entities.keys()
    assert after.links.keys() == before.links.keys()


def test_a_first_deployment_that_failed_deploys_nothing() -> None:
    first = {
        **GOOD,
        "/orgs/mall/last-deployments": {"items": [REDEPLOYED]},
        "/orgs/mall/deployments": {"items": [REDEPLOYED]},
        "/orgs/mall/deployments/d9": {**V2["/orgs/mall/deployments/d1"], **REDEPLOYED},
    }
    found = Tool(CONNECTOR, first).read(MALL)
    assert "component:humanitec-mall-web/front" not in found.entities


@pytest.mark.parametrize(
    ("options", "broken"), [(SHOP, "/orgs/shop/apps/till/sets/s1"), (MALL, "/orgs/mall/active-resources")]
)
def test_a_fault_ends_the_run(options: dict[str, str], broken: str) -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        Tool(CONNECTOR, GOOD, broken).read(options)


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        Tool(CONNECTOR, GOOD).read(SHOP, known=False)


def test_what_to_ask_for_must_be_said() -> None:
    with pytest.raises(ApiError, match="`organization` is missing"):
        Tool(CONNECTOR, GOOD).read({})


def test_a_token_that_comes_again_ends_the_run() -> None:
    tool = Tool(CONNECTOR, {**GOOD, "/orgs/mall/last-deployments": {"items": [], "next_page_token": "second"}})
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        tool.read(MALL)
    assert len([path for path in tool.asked if path.startswith("/orgs/mall/last-deployments")]) == 2


def test_deployments_that_are_not_listed_end_the_run() -> None:
    with pytest.raises(ApiError, match="last-deployments answers something else than an object with the list `items`"):
        Tool(CONNECTOR, {**GOOD, "/orgs/mall/last-deployments": {"error": "login_required"}}).read(MALL)
