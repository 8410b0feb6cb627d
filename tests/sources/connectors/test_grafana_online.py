from typing import Any

import pytest
from starlette.requests import Request

from graph_api.sources import grafana
from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from tests.sources.connectors.loopback import Answer, Tool, fetched

UIDS = ["checkout", "stock", "old one"]


def search(request: Request) -> list[dict[str, Any]]:
    assert request.query_params["type"] == "dash-db"
    size, page = int(request.query_params["limit"]), int(request.query_params["page"])
    found = UIDS[(page - 1) * size : page * size]
    return [{"uid": uid, "title": uid, "url": f"/d/{uid}/x", "type": "dash-db", "tags": []} for uid in found]


def dashboard(request: Request) -> dict[str, Any]:
    uid = request.url.path.rpartition("/")[2]
    panel = {"type": "stat", "targets": [{"expr": f'up{{service_name="{uid}"}}'}]}
    model = {"uid": uid, "title": uid, "schemaVersion": 41, "panels": [panel], "tags": []}
    return {"meta": {"url": f"/d/{uid}/x", "folderTitle": "Shop"}, "dashboard": model}


def rules(_: Request) -> list[dict[str, Any]]:
    labels = {"service": "stock"}
    return [{"uid": "low", "title": "StockLow", "ruleGroup": "shop", "folderUID": "f", "data": [], "labels": labels}]


def answers() -> dict[str, Answer]:
    pages: dict[str, Answer] = {f"/api/dashboards/uid/{uid}": dashboard for uid in UIDS}
    return {"/api/search": search, "/api/v1/provisioning/alert-rules": rules, **pages}


def test_every_page_of_dashboards_and_the_rules_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grafana, "PAGE", 2)
    tool = Tool(answers())
    documents = fetched(grafana.CONNECTOR, tool)
    findings = Findings(grafana.CONNECTOR.name, grafana.CONNECTOR.origin)
    grafana.CONNECTOR.read(documents, findings)
    found = findings.snapshot("s")
    assert tool.asked["/api/search"] == 3, "one of them was told to wait"
    assert all(grafana.CONNECTOR.claims(document) for document in documents)
    names = {said.name for said in found.entities.values() if said.kind in ("Document", "Metric")}
    assert names == {*UIDS, "StockLow"}
    said = next(said for said in found.entities.values() if said.ref == "document:grafana/checkout")
    assert said.links[0]["url"].endswith("/d/checkout/x")
    assert said.links[0]["url"].startswith("http://127.0.0.1:")
    assert said.spec["folder"] == "Shop"
    assert {key.target for key in found.links if key.source == said.ref} == {"component:grafana/checkout"}


@pytest.mark.parametrize("broken", ["/api/dashboards/uid/stock", "/api/v1/provisioning/alert-rules"])
def test_one_question_that_fails_ends_the_run(broken: str) -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(grafana.CONNECTOR, Tool(answers(), broken=broken))


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(grafana.CONNECTOR, Tool(answers()), known=False)


def test_a_dashboard_without_panels_is_one() -> None:
    def empty(request: Request) -> dict[str, Any]:
        uid = request.url.path.rpartition("/")[2]
        return {"meta": {"url": f"/d/{uid}/x"}, "dashboard": {"uid": uid, "title": uid, "version": 1}}

    tool = Tool({**answers(), **{path: empty for path in answers() if "/dashboards/" in path}})
    assert len(fetched(grafana.CONNECTOR, tool)) == len(UIDS) + 1
