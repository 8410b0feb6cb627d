from typing import Any

import pytest
from starlette.requests import Request

from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from graph_api.sources.prometheus import CONNECTOR
from tests.sources.connectors.loopback import Answer, Tool, fetched


def targets(request: Request) -> dict[str, Any]:
    assert request.query_params["state"] == "active"
    row = {
        "discoveredLabels": {"__address__": "checkout.example:9090", "job": "shop"},
        "labels": {"instance": "checkout.example:9090", "job": "shop"},
        "scrapePool": "shop",
        "scrapeUrl": "http://checkout.example:9090/metrics",
        "health": "up",
    }
    return {"status": "success", "data": {"activeTargets": [row], "droppedTargets": []}}


def rules(_: Request) -> dict[str, Any]:
    rule = {"type": "alerting", "name": "ShopDown", "query": "up == 0", "labels": {"job": "shop"}, "annotations": {}}
    return {"status": "success", "data": {"groups": [{"name": "shop", "file": "/etc/shop.yml", "rules": [rule]}]}}


def alerts(_: Request) -> dict[str, Any]:
    labels = {"alertname": "ShopDown", "service": "checkout"}
    row = {"labels": labels, "annotations": {}, "state": "firing", "activeAt": "2026-01-02T13:37:00Z", "value": "1e+00"}
    return {"status": "success", "data": {"alerts": [row]}}


def answers() -> dict[str, Answer]:
    return {"/api/v1/rules": rules, "/api/v1/targets": targets, "/api/v1/alerts": alerts}


def test_rules_targets_and_alerts_are_asked_for() -> None:
    documents = fetched(CONNECTOR, Tool(answers()))
    findings = Findings(CONNECTOR.name, CONNECTOR.origin)
    CONNECTOR.read(documents, findings)
    found = findings.snapshot("s")
    assert all(CONNECTOR.claims(document) for document in documents)
    assert {(said.type, said.name) for said in found.entities.values() if said.kind == "Metric"} == {
        ("alert", "ShopDown"),
        ("scrape-job", "shop"),
    }
    about = {(key.source.rpartition("/")[2], key.target.rpartition("/")[2]) for key in found.links}
    assert about == {("shop", "checkout.example"), ("shopdown", "checkout.example"), ("shopdown", "checkout")}
    (seen,) = [link.observed_at for link in found.links.values() if link.observed_at]
    assert seen == "2026-01-02T13:37:00Z"


def test_one_question_that_fails_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, Tool(answers(), broken="/api/v1/alerts"))


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(CONNECTOR, Tool(answers()), known=False)
