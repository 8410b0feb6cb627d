from typing import Any

import pytest
from starlette.requests import Request

from graph_api.sources.ansible import CONNECTOR
from graph_api.sources.api import ApiError
from tests.sources.connectors import recorded
from tests.sources.connectors.answering import Tool

ROOT = "/api/v2/inventories/"


def inventories(request: Request) -> dict[str, Any]:
    if request.query_params["page"] == "1":
        return {"next": f"{ROOT}?page=2", "results": [{"id": 5, "name": "shop"}]}
    return {"next": None, "results": [{"id": 6, "name": "office"}, {"name": "no id"}]}


def listing(request: Request) -> dict[str, Any]:
    """As AWX answers if it is asked for variables, which hold secrets."""
    assert request.query_params["hostvars"] == "1"
    return {
        "_meta": {"hostvars": {"web01.shop.example": {"ansible_password": "canary-secret"}}},
        "all": {"children": ["web"]},
        "web": {"hosts": ["web01.shop.example"], "children": [], "vars": {}},
    }


GOOD = {
    ROOT: inventories,
    f"{ROOT}5/script/": listing,
    f"{ROOT}6/script/": {"_meta": {"hostvars": {"printer.office.example": {}}}, "all": {"children": []}},
}


def test_every_inventory_of_awx_is_read() -> None:
    snapshot = Tool(CONNECTOR, GOOD).read({})
    hosts = {said.name: said for said in snapshot.entities.values() if said.type == "compute"}
    assert hosts.keys() == {"web01.shop.example", "printer.office.example"}
    assert hosts["web01.shop.example"].identifiers == ("host:web01.shop.example",)
    assert hosts["web01.shop.example"].location.endswith(f"{ROOT}5/script/")
    (link,) = snapshot.links
    assert (link.relation, link.target.rpartition("/")[2]) == ("PART_OF", "web")
    assert "canary-secret" not in repr(recorded.told(snapshot))


def test_those_that_are_named() -> None:
    tool = Tool(CONNECTOR, GOOD)
    assert {said.name for said in tool.read({"inventories": "office"}).entities.values()} == {"printer.office.example"}
    assert not [path for path in tool.asked if path.startswith(f"{ROOT}5")]


@pytest.mark.parametrize(("broken", "known"), [(f"{ROOT}6/script/", True), (None, False)])
def test_a_fault_and_a_wrong_token_end_the_run(broken: str | None, known: bool) -> None:
    with pytest.raises(ApiError):
        Tool(CONNECTOR, GOOD, broken).read({}, known=known)
