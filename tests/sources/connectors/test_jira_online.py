from typing import Any

import pytest
from starlette.requests import Request

from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from graph_api.sources.jira import CONNECTOR
from tests.sources.connectors.loopback import Answer, Tool, fetched

BASIC = "Basic {token}"
COMPONENT = {"id": "1", "name": "Cart", "assigneeType": "PROJECT_LEAD", "project": "SHOP", "projectId": 10000}


def projects(request: Request) -> dict[str, Any]:
    """As PageBeanProject in the tool's own OpenAPI; pages of one."""
    assert request.query_params["expand"] == "description,lead"
    known = request.query_params.getlist("keys") or ["SHOP", "PAY"]
    start = int(request.query_params["startAt"])
    row = {"id": str(start), "key": known[start], "name": known[start], "projectTypeKey": "software"}
    return {"startAt": start, "maxResults": 1, "isLast": start + 1 == len(known), "values": [row]}


def issues(request: Request) -> dict[str, Any]:
    """As SearchAndReconcileResults: the last page has no token."""
    assert "description" not in request.query_params["fields"]
    second = request.query_params.get("nextPageToken") == "more"
    query = request.query_params["jql"]
    row = {"id": "1", "key": "SHOP-2" if second else "SHOP-1", "fields": {"summary": query}}
    return {"issues": [row], "isLast": True} if second else {"issues": [row], "nextPageToken": "more", "isLast": False}


def answers() -> dict[str, Answer]:
    return {
        "/rest/api/3/project/search": projects,
        "/rest/api/3/project/SHOP/components": lambda _: [COMPONENT],
        "/rest/api/3/project/PAY/components": lambda _: [],
        "/rest/api/3/search/jql": issues,
    }


@pytest.mark.parametrize(
    ("options", "query", "keys"),
    [
        ({}, "statusCategory != Done ORDER BY key", {"jira/shop", "jira/pay"}),
        ({"project": "SHOP"}, 'project in ("SHOP") AND statusCategory != Done ORDER BY key', {"jira/shop"}),
        ({"project": "SHOP", "jql": "type = Bug"}, "type = Bug", {"jira/shop"}),
    ],
)
def test_projects_components_and_issues_are_asked_for(options: dict[str, str], query: str, keys: set[str]) -> None:
    documents = fetched(CONNECTOR, Tool(answers(), authorization=BASIC), options)
    findings = Findings(CONNECTOR.name)
    CONNECTOR.read([document for document in documents if CONNECTOR.claims(document)], findings)
    found = findings.snapshot("s").entities
    assert {said.name: said.title for said in found.values() if said.kind == "Ticket"} == {
        "SHOP-1": query,
        "SHOP-2": query,
    }
    components = {ref.removeprefix("component:") for ref in found if ref.startswith("component:")}
    assert components == {*keys, "jira-shop/cart"}
    assert all("/rest/api/3/" in said.location for said in found.values())


def test_one_question_that_fails_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, Tool(answers(), broken="/rest/api/3/search/jql", authorization=BASIC))


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(CONNECTOR, Tool(answers(), authorization=BASIC), known=False)


def test_a_token_that_comes_again_ends_the_run() -> None:
    def again(_: Request) -> dict[str, Any]:
        return {"issues": [], "nextPageToken": "more", "isLast": False}

    tool = Tool({**answers(), "/rest/api/3/search/jql": again}, authorization=BASIC)
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, tool)
    assert tool.asked["/rest/api/3/search/jql"] == 2
