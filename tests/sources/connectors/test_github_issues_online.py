from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from graph_api.sources.github_issues import CONNECTOR
from tests.sources.connectors.loopback import Answer, Tool, fetched

PATHS = {"repositories": "/repos/shop/checkout/issues", "organization": "/orgs/shop/issues"}


def issue(number: int) -> dict[str, Any]:
    address = "https://github.com/shop/checkout"
    row = {"number": number, "title": "Slow", "html_url": f"{address}/issues/{number}", "repository_url": "", "id": 1}
    return row if number != 2 else {**row, "pull_request": {"url": f"{address}/pulls/2"}}


def page(request: Request) -> Response:
    """Pages of one, told by the header Link alone."""
    assert (request.query_params["state"], request.query_params["per_page"]) == ("all", "100")
    number = int(request.query_params.get("page", "1"))
    following = request.url.include_query_params(page=number + 1)
    return JSONResponse([issue(number)], headers={"Link": f'<{following}>; rel="next"'} if number < 3 else {})


def answers() -> dict[str, Answer]:
    return dict.fromkeys(PATHS.values(), page)


@pytest.mark.parametrize(
    ("option", "value"),
    [("repositories", "shop/checkout"), ("repositories", "shop/checkout, "), ("organization", "shop")],
)
def test_every_page_is_asked_for(option: str, value: str) -> None:
    documents = fetched(CONNECTOR, Tool(answers()), {option: value, "state": "all"})
    assert len(documents) == 3
    assert all(CONNECTOR.claims(document) for document in documents)
    findings = Findings(CONNECTOR.name)
    CONNECTOR.read(documents, findings)
    found = findings.snapshot("s")
    assert {said.name for said in found.entities.values() if said.kind == "Ticket"} == {"checkout#1", "checkout#3"}
    assert all(PATHS[option] in link.location for link in found.links.values())


def test_a_page_that_fails_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(
            CONNECTOR,
            Tool(answers(), broken=PATHS["organization"]),
            {"repositories": "shop/checkout", "organization": "shop", "state": "all"},
        )


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(CONNECTOR, Tool(answers()), {"organization": "shop"}, known=False)


def test_something_must_be_asked_for() -> None:
    with pytest.raises(ApiError, match="repositories"):
        fetched(CONNECTOR, Tool(answers()))
