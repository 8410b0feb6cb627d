from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request

from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from graph_api.sources.pagerduty import CONNECTOR
from tests.sources.connectors.loopback import Answer, Tool, fetched

TOKEN = "Token token={token}"
TEAM = {"id": "PTEAM01", "type": "team_reference", "summary": "Buying"}
POLICY = {"id": "PPOL001", "type": "escalation_policy_reference"}
USER = {"id": "PUSER01", "type": "user_reference", "summary": "Mia"}


def service(id_: str) -> dict[str, Any]:
    return {"id": id_, "type": "service", "name": id_, "teams": [TEAM], "escalation_policy": POLICY}


LISTS: Mapping[str, list[dict[str, Any]]] = {
    "teams": [{"id": "PTEAM01", "type": "team", "name": "Buying"}],
    "users": [{"id": "PUSER01", "type": "user", "name": "Mia", "email": "mia@shop.example", "teams": [TEAM]}],
    "escalation_policies": [{"id": "PPOL001", "type": "escalation_policy", "name": "All", "teams": [TEAM]}],
    "services": [service("PCHECK1"), service("PLEDGE1")],
    "business_services": [{"id": "PSELL01", "type": "business_service", "name": "Selling", "team": None}],
    "oncalls": [{"user": USER, "escalation_policy": POLICY, "escalation_level": 1, "start": None, "end": None}],
    "incidents": [],
}


def page(request: Request) -> dict[str, Any]:
    """Pages of one, as the tool's own OpenAPI has them."""
    key, offset = request.url.path.strip("/"), int(request.query_params["offset"])
    if key == "incidents":
        assert request.query_params.getlist("statuses[]") == ["triggered", "acknowledged"]
    rows = LISTS[key]
    more = offset + 1 < len(rows)
    return {key: rows[offset : offset + 1], "limit": 1, "offset": offset, "more": more, "total": None}


def dependencies(request: Request) -> dict[str, Any]:
    kind, id_ = request.url.path.split("/")[-2:]
    supporting = {"id": "PCHECK1", "type": "technical_service_reference"}
    dependent = {"id": "PSELL01", "type": "business_service_reference"}
    row = {"supporting_service": supporting, "dependent_service": dependent, "id": "D1", "type": "service_dependency"}
    assert kind == ("business_services" if id_ == "PSELL01" else "technical_services")
    return {"relationships": [row] if id_ in ("PCHECK1", "PSELL01") else []}


def answers() -> dict[str, Answer]:
    paths = ("technical_services/PCHECK1", "technical_services/PLEDGE1", "business_services/PSELL01")
    return {
        **{f"/{key}": page for key in LISTS},
        **{f"/service_dependencies/{path}": dependencies for path in paths},
    }


def test_everything_is_asked_for_page_by_page() -> None:
    documents = fetched(CONNECTOR, Tool(answers(), authorization=TOKEN))
    findings = Findings(CONNECTOR.name)
    CONNECTOR.read([document for document in documents if CONNECTOR.claims(document)], findings)
    found = findings.snapshot("s")
    assert {f"{key.source} {key.relation} {key.target}".replace("pagerduty/", "") for key in found.links} == {
        "component:psell01 DEPENDS_ON component:pcheck1",
        "component:pcheck1 OWNED_BY group:pteam01",
        "component:pcheck1 OWNED_BY user:puser01",
        "component:pledge1 OWNED_BY group:pteam01",
        "component:pledge1 OWNED_BY user:puser01",
        "user:puser01 MEMBER_OF group:pteam01",
    }
    assert all(said.location.startswith("http://127.0.0.1:") for said in found.entities.values())
    assert not found.problems


@pytest.mark.parametrize("broken", ["/oncalls", "/service_dependencies/business_services/PSELL01"])
def test_one_question_that_fails_ends_the_run(broken: str) -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, Tool(answers(), broken=broken, authorization=TOKEN))


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(CONNECTOR, Tool(answers(), authorization=TOKEN), known=False)


def test_a_service_that_is_deleted_meanwhile_has_no_dependencies() -> None:
    known = answers()
    del known["/service_dependencies/technical_services/PLEDGE1"]
    tool = Tool(known, authorization=TOKEN)
    documents = fetched(CONNECTOR, tool)
    assert tool.asked["/service_dependencies/technical_services/PLEDGE1"] == 1
    assert len([document for document in documents if "service_dependencies" in document.path]) == 2
