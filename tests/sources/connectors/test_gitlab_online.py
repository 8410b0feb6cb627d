from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from graph_api.sources.api import ApiError
from graph_api.sources.gitlab import CONNECTOR
from tests.sources.connectors.answering import Pages, Tool, recorded_answers
from tests.sources.connectors.recorded import FOLDER, read_recorded

ALL = recorded_answers(FOLDER / "gitlab" / "input")
SHOP = {"group": "shop"}


def last_deployment(request: Request) -> list[Any]:
    """The latest one alone, as it is asked for."""
    asked = dict(request.query_params)
    name = asked.pop("environment")
    assert asked == {"status": "success", "order_by": "updated_at", "sort": "desc", "per_page": "1"}
    return [ALL["/projects/11/deployments"][1]] if name == "production" else []


GOOD = {
    **ALL,
    "/groups/shop/descendant_groups": ALL["/groups/shop/descendant_groups"][:1],
    "/groups/shop/projects": Pages([ALL["/groups/shop/projects"][:1], ALL["/groups/shop/projects.2"]]),
    "/projects/11/environments": ALL["/projects/11/environments"][::2],
    "/projects/11/deployments": last_deployment,
    "/projects/12/members": [],
    "/projects/12/environments": [],
}


def test_the_api_tells_what_its_recorded_answers_tell() -> None:
    tool = Tool(CONNECTOR, GOOD)
    online, recorded = tool.read(SHOP), read_recorded("gitlab")
    assert online.entities.keys() == recorded.entities.keys()
    assert online.links.keys() == recorded.links.keys()
    assert not online.problems
    pages = [path for path in tool.asked if path.startswith("/groups/shop/projects")]
    assert pages == [
        "/groups/shop/projects?per_page=100&order_by=id&sort=asc&include_subgroups=true",
        "/groups/shop/projects?per_page=100&order_by=id&sort=asc&include_subgroups=true&page=2",
    ]


def test_a_fault_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        Tool(CONNECTOR, GOOD, "/projects/12/environments").read(SHOP)


def test_a_project_whose_environments_are_disabled_has_none() -> None:
    project = {**ALL["/groups/shop/projects"][0], "environments_access_level": "disabled"}
    tool = Tool(CONNECTOR, {**GOOD, "/groups/shop/projects": [project]})
    snapshot = tool.read(SHOP)
    assert not [path for path in tool.asked if "/environments" in path]
    assert not snapshot.unreadable


def test_of_a_project_that_does_not_tell_its_environments_what_was_read_last_stays() -> None:
    whole = Tool(CONNECTOR, GOOD).read(SHOP)
    path = "/projects/11/environments"
    snapshot = Tool(CONNECTOR, {**GOOD, path: JSONResponse({"message": "403 Forbidden"}, 403)}).read(SHOP)
    assert {urlsplit(path).path for path in snapshot.unreadable} == {path, "/projects/11/deployments"}
    gone = [said.document for ref, said in whole.entities.items() if ref not in snapshot.entities]
    assert gone
    assert {urlsplit(path).path for path in gone} <= {urlsplit(path).path for path in snapshot.unreadable}
    assert {key.relation for key in whole.links.keys() - snapshot.links.keys()} == {"DEPLOYED_TO"}


def test_a_group_below_another_is_asked_for_by_its_whole_path() -> None:
    with pytest.raises(ApiError, match="groups/shop%2Fpay answers 404"):
        Tool(CONNECTOR, GOOD).read({"group": "shop/pay"})


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        Tool(CONNECTOR, GOOD).read(SHOP, known=False)


def test_what_to_ask_for_must_be_said() -> None:
    with pytest.raises(ApiError, match="`group` is missing"):
        Tool(CONNECTOR, ALL).read({})


def test_of_a_project_without_repository_no_file_is_asked() -> None:
    project = {**ALL["/groups/shop/projects"][0], "repository_access_level": "disabled"}
    tool = Tool(CONNECTOR, {**GOOD, "/groups/shop/projects": [project]})
    tool.read(SHOP)
    assert not [path for path in tool.asked if "/repository/" in path]
