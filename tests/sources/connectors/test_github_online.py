from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.api import ApiError
from graph_api.sources.code_owner_files import GITHUB_PLACES
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
    assert "/orgs/shop/repos?per_page=100&sort=created&direction=asc&page=2" in tool.asked
    assert all(said.location.startswith("http://127.0.0.1:") for said in online.links.values())
    assert not online.problems


def test_what_github_does_not_have_is_left_out() -> None:
    without = {path: answer for path, answer in GOOD.items() if not path.endswith("/sbom")}
    snapshot = Tool(CONNECTOR, without).read(SHOP)
    assert {key.relation for key in snapshot.links} == {"CHILD_OF", "MEMBER_OF", "OWNED_BY", "DEPLOYED_TO"}


def test_pages_may_go_on_at_another_path() -> None:
    """As GitHub's do: by numbers instead of names, with the words of the path itself changed."""
    first, second = GOOD["/orgs/shop/repos"]
    members = GOOD["/orgs/shop/teams/pay/members"]
    elsewhere = {
        "/orgs/shop/repos": linked(first, "/organizations/42/repos?per_page=100&page=2"),
        "/organizations/42/repos": second,
        "/orgs/shop/teams/pay/members": linked([], "/organizations/42/team/7/members?per_page=100&page=2"),
        "/organizations/42/team/7/members": members,
    }
    online, whole = Tool(CONNECTOR, {**GOOD, **elsewhere}).read(SHOP), Tool(CONNECTOR, GOOD).read(SHOP)
    assert online.entities.keys() == whole.entities.keys()
    assert online.links.keys() == whole.links.keys()
    paths = {urlsplit(said.location)[2:4] for said in online.entities.values() if said.kind == "Repository"}
    assert ("/orgs/shop/repos", "") in paths
    assert not [path for path, _ in paths if path.startswith("/organizations/")]


def linked(rows: list[Any], following: str) -> Callable[[Request], JSONResponse]:
    return lambda _: JSONResponse(rows, headers={"Link": f'<{following}>; rel="next"'})


def refused(status: int) -> JSONResponse:
    return JSONResponse({"message": "no"}, status_code=status)


@pytest.mark.parametrize("path", ["/orgs/shop/repos", "/orgs/shop/teams", "/orgs/shop/members"])
def test_a_list_that_is_not_found_ends_the_run(path: str) -> None:
    with pytest.raises(ApiError, match=f"{path} answers 404"):
        Tool(CONNECTOR, {**GOOD, path: refused(404)}).read(SHOP)


def test_a_later_page_that_is_not_found_ends_the_run() -> None:
    path = "/repos/shop/web/environments"
    broken = {path: linked(GOOD[path], "/repositories/7/environments?page=2")}
    with pytest.raises(ApiError, match=f"{path} answers 404"):
        Tool(CONNECTOR, {**GOOD, **broken}).read(SHOP)


def test_a_member_that_is_gone_meanwhile_is_a_member_without_a_name() -> None:
    login = GOOD["/orgs/shop/members"][0]["login"]
    tool = Tool(CONNECTOR, {path: answer for path, answer in GOOD.items() if path != f"/users/{login}"})
    snapshot = tool.read(SHOP)
    assert f"/users/{login}?per_page=100" in tool.asked
    assert {said.title for said in snapshot.entities.values() if said.name == login} == {None}
    assert not snapshot.problems


@pytest.mark.parametrize("status", [403, 451])
def test_of_a_repository_that_is_refused_what_was_read_last_stays(status: int) -> None:
    whole = Tool(CONNECTOR, GOOD).read(SHOP)
    parts = ("environments", "dependency-graph/sbom", *(f"contents/{place}" for place in GITHUB_PLACES))
    snapshot = Tool(CONNECTOR, {**GOOD, **{f"/repos/shop/web/{part}": refused(status) for part in parts}}).read(SHOP)
    assert {urlsplit(path).path for path in snapshot.unreadable} == {
        f"/repos/shop/web/{part}" for part in (*parts, "deployments")
    }
    assert {problem.code for problem in snapshot.problems} == {ProblemCode.UNREADABLE}
    assert snapshot.entities.keys() < whole.entities.keys()
    gone = [said.document for key, said in whole.links.items() if key not in snapshot.links]
    assert gone
    assert {urlsplit(path).path for path in gone} <= {urlsplit(path).path for path in snapshot.unreadable}


@pytest.mark.parametrize("status", [403, 404, 451])
@pytest.mark.parametrize("part", ["members", "repos"])
def test_of_a_team_that_is_refused_or_gone_meanwhile_what_was_read_last_stays(part: str, status: int) -> None:
    path = f"/orgs/shop/teams/pay/{part}"
    snapshot = Tool(CONNECTOR, {**GOOD, path: refused(status)}).read(SHOP)
    assert [urlsplit(told).path for told in snapshot.unreadable] == [path]
    assert [problem.message for problem in snapshot.problems] == [
        f"GitHub answers {status}; what it answered last stays"
    ]
    whole = Tool(CONNECTOR, GOOD).read(SHOP)
    assert {urlsplit(said.document).path for key, said in whole.links.items() if key not in snapshot.links} == {path}


@pytest.mark.parametrize("status", [403, 404, 451])
def test_of_environments_whose_deployments_are_refused_what_was_read_last_stays(status: int) -> None:
    """Else a link without the commit would take the place of the one with it."""
    snapshot = Tool(CONNECTOR, {**GOOD, "/repos/shop/web/deployments": refused(status)}).read(SHOP)
    unread = {"/repos/shop/web/environments", "/repos/shop/web/deployments"}
    assert {urlsplit(path).path for path in snapshot.unreadable} == unread
    whole = Tool(CONNECTOR, GOOD).read(SHOP)
    assert {urlsplit(said.document).path for key, said in whole.links.items() if key not in snapshot.links} <= unread
    assert not [key for key in snapshot.links if key.relation == "DEPLOYED_TO" and key.source.endswith("/web")]


def test_without_custom_properties_the_rest_is_read() -> None:
    path = "/orgs/shop/properties/values"
    snapshot, whole = (Tool(CONNECTOR, answers).read(SHOP) for answers in ({**GOOD, path: refused(404)}, GOOD))
    assert (snapshot.entities.keys(), snapshot.links.keys()) == (whole.entities.keys(), whole.links.keys())
    assert not snapshot.problems


def test_custom_properties_that_are_refused_end_the_run() -> None:
    with pytest.raises(ApiError, match="/orgs/shop/properties/values answers 403"):
        Tool(CONNECTOR, {**GOOD, "/orgs/shop/properties/values": refused(403)}).read(SHOP)


@pytest.mark.parametrize(
    "content",
    [
        [{"name": "a", "path": "CODEOWNERS/a", "type": "file"}],
        {"name": "CODEOWNERS", "path": GITHUB_PLACES[0], "type": "symlink", "target": "/nowhere"},
        {"name": "CODEOWNERS", "path": GITHUB_PLACES[0], "type": "submodule", "submodule_git_url": "git://a/b"},
    ],
)
def test_a_folder_or_link_named_codeowners_is_none(content: Any) -> None:
    tool = Tool(CONNECTOR, {**GOOD, f"/repos/shop/web/contents/{GITHUB_PLACES[0]}": content})
    assert not tool.read(SHOP).problems
    assert f"/repos/shop/web/contents/{GITHUB_PLACES[1]}?per_page=100" in tool.asked


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
    findings = Findings(CONNECTOR.name)
    CONNECTOR.read([Document(f"{path[1:]}.json", value) for path, value in orjson.loads(text).items()], findings)
    own = findings.snapshot("own")
    found = {said.ref for said in own.entities.values() if said.kind in ("Repository", "Environment")}
    assert "repository:github-shop-example-shop/web" in found
    assert found.isdisjoint(read_recorded("github").entities)
    assert {key.source for key in own.links if key.relation == "DEPLOYED_TO"} <= found
