"""What the connectors of calls ask online: each tool's own answers, in the shape of its documentation."""

from typing import Any

import pytest
from starlette.requests import Request

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources import jaeger, kiali, servicegraph, zipkin
from graph_api.sources.api import ApiError
from graph_api.sources.connector import Connector
from graph_api.sources.findings import Findings
from tests.sources.connectors.loopback import Answer, Tool, fetched

HOUR = 3_600_000


def dependencies(request: Request) -> dict[str, Any]:
    assert int(request.query_params["endTs"]) > 1_700_000_000_000
    assert request.query_params["lookback"] == str(2 * HOUR)
    rows = [{"parent": "storefront", "child": "checkout", "callCount": 4}]
    return {"data": rows, "total": 0, "limit": 0, "offset": 0, "errors": None}


def increase(request: Request) -> dict[str, Any]:
    query = request.query_params["query"]
    assert query.count("traces_service_graph_request_total[2h]") == 1
    assert query.count("traces_service_graph_request_failed_total[2h]") == 1
    ends = {"client": "storefront", "server": "checkout"}
    result = [
        {"metric": {**ends, "measure": "total"}, "value": [1767225600.781, "3.96"]},
        {"metric": {**ends, "measure": "failed_total"}, "value": [1767225600.781, "1.02"]},
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def graph(request: Request) -> dict[str, Any]:
    assert request.query_params["namespaces"] == "shop,bank"
    assert request.query_params["duration"] == "2h"
    nodes = [
        {"data": {"id": name, "nodeType": "workload", "namespace": "shop", "workload": name}}
        for name in ("storefront", "checkout")
    ]
    traffic = {"protocol": "http", "rates": {"http": "0.40"}}
    edges = [{"data": {"id": "e", "source": "storefront", "target": "checkout", "traffic": traffic}}]
    elements = {"nodes": nodes, "edges": edges}
    return {"timestamp": 1767225600, "duration": 10, "graphType": "workload", "elements": elements}


TOOLS: list[tuple[Connector, dict[str, Answer], dict[str, str]]] = [
    (
        jaeger.CONNECTOR,
        {
            "/api/dependencies": dependencies,
            "/api/services": lambda _: {"data": ["storefront"], "total": 1, "limit": 0, "offset": 0, "errors": None},
        },
        {"hours": "2"},
    ),
    (
        zipkin.CONNECTOR,
        {
            "/api/v2/dependencies": lambda request: dependencies(request)["data"],
            "/api/v2/services": lambda _: ["checkout"],
        },
        {"hours": "2"},
    ),
    (servicegraph.CONNECTOR, {"/api/v1/query": increase}, {"hours": "2"}),
    (
        kiali.CONNECTOR,
        {
            "/api/namespaces": lambda _: [{"name": "shop", "cluster": "Kubernetes"}, {"name": "bank"}],
            "/api/namespaces/graph": graph,
        },
        {"duration": "2h"},
    ),
]
every_tool = pytest.mark.parametrize(
    ("connector", "answers", "options"), TOOLS, ids=lambda row: getattr(row, "name", "")
)


def read(connector: Connector, tool: Tool, options: dict[str, str]) -> Snapshot:
    documents, findings = fetched(connector, tool, options), Findings(connector.name, connector.origin)
    connector.read(documents, findings)
    return findings.snapshot("s")


@every_tool
def test_calls_come_from_the_api(connector: Connector, answers: dict[str, Answer], options: dict[str, str]) -> None:
    found = read(connector, Tool(answers), options)
    (link,) = found.links.values()
    assert [key.rpartition("/")[2] for key in (link.key.source, link.key.target)] == ["storefront", "checkout"]
    assert link.properties["calls"] == 4
    assert link.origin == "OBSERVED"
    assert link.location.startswith("http://127.0.0.1:")
    assert {said.name for said in found.entities.values()} == {"storefront", "checkout"}


@every_tool
def test_a_question_that_fails_ends_the_run(
    connector: Connector, answers: dict[str, Answer], options: dict[str, str]
) -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(connector, Tool(answers, broken=list(answers)[-1]), options)


@every_tool
def test_a_wrong_token_is_told(connector: Connector, answers: dict[str, Answer], options: dict[str, str]) -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(connector, Tool(answers), options, known=False)


@pytest.mark.parametrize(
    "connector", [jaeger.CONNECTOR, zipkin.CONNECTOR, servicegraph.CONNECTOR], ids=lambda row: row.name
)
@pytest.mark.parametrize("hours", ["0", "-1", "long"])
def test_hours_that_are_none_are_told_before_anything_is_asked(connector: Connector, hours: str) -> None:
    tool = Tool({})
    with pytest.raises(ApiError, match="hours"):
        fetched(connector, tool, {"hours": hours})
    assert not tool.asked


def test_named_namespaces_are_not_looked_up() -> None:
    tool = Tool({"/api/namespaces/graph": graph})
    assert fetched(kiali.CONNECTOR, tool, {"namespaces": "shop,bank", "duration": "2h"})
    assert set(tool.asked) == {"/api/namespaces/graph"}
