from typing import Any

import orjson
import pytest
from starlette.requests import Request

from graph_api.sources.api import ApiError
from graph_api.sources.documents import Document
from graph_api.sources.findings import Findings
from graph_api.sources.github import CONNECTOR
from tests.sources.connectors.answering import Pages, Tool, recorded_answers
from tests.sources.connectors.recorded import FOLDER, read_recorded

SHOP = {"organization": "shop"}
ALL = recorded_answers(FOLDER / "github" / "input")


def last_deployment(request: Request) -> list[Any]:
    """The latest one alone, as it is asked for."""
    assert request.query_params["per_page"] == "1"
    return ALL["/repos/shop/web/deployments"][2:] if request.query_params["environment"] == "production" else []


GOOD = {
    **ALL,
    "/orgs/shop/repos": Pages([ALL["/orgs/shop/repos"][:1], ALL["/orgs/shop/repos.2"]]),
    "/orgs/shop/teams": ALL["/orgs/shop/teams"][:2],
    "/users/shop-bot%5Bbot%5D": {
        "login": "shop-bot[bot]",
        "type": "Bot",
        "html_url": "https://github.com/apps/shop-bot",
    },
    "/orgs/shop/teams/ops/members": [],
    "/repos/shop/web/deployments": last_deployment,
}


def test_the_api_tells_what_its_recorded_answers_tell() -> None:
    tool = Tool(CONNECTOR, GOOD)
    online, recorded = tool.read(SHOP), read_recorded("github")
    assert online.entities.keys() == recorded.entities.keys()
    assert online.links.keys() == recorded.links.keys()
    assert "/orgs/shop/repos?per_page=100&page=2" in tool.asked
    assert all(said.location.startswith("http://127.0.0.1:") for said in online.links.values())
    assert not online.problems


def test_what_github_does_not_have_is_left_out() -> None:
    without = {path: answer for path, answer in GOOD.items() if not path.endswith("/sbom")}
    snapshot = Tool(CONNECTOR, without).read(SHOP)
    assert {key.relation for key in snapshot.links} == {"CHILD_OF", "MEMBER_OF", "OWNED_BY", "DEPLOYED_TO"}


@pytest.mark.parametrize(("answers", "broken"), [(GOOD, "/orgs/shop/teams/pay/repos"), ({}, None)])
def test_a_fault_ends_the_run(answers: dict[str, Any], broken: str | None) -> None:
    with pytest.raises(ApiError):
        Tool(CONNECTOR, answers, broken).read(SHOP)


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        Tool(CONNECTOR, GOOD).read(SHOP, known=False)


def test_what_to_ask_for_must_be_said() -> None:
    with pytest.raises(ApiError, match="`organization` is missing"):
        Tool(CONNECTOR, GOOD).read({})


def test_a_server_of_ones_own_shares_no_repository_and_no_environment_with_github_com() -> None:
    text = orjson.dumps(ALL).decode().replace("https://github.com", "https://github.shop.example")
    findings = Findings()
    CONNECTOR.read([Document(f"{path[1:]}.json", value) for path, value in orjson.loads(text).items()], findings)
    own = findings.snapshot("own", "github")
    found = {said.ref for said in own.entities.values() if said.kind in ("Repository", "Environment")}
    assert "repository:github-shop-example-shop/web" in found
    assert found.isdisjoint(read_recorded("github").entities)
    assert {key.source for key in own.links if key.relation == "DEPLOYED_TO"} <= found
