from typing import Any

import pytest
from starlette.requests import Request

from graph_api.sources.api import ApiError
from graph_api.sources.argocd import CONNECTOR
from graph_api.sources.findings import Findings
from tests.sources.connectors.loopback import Answer, Tool, fetched

SPEC = {
    "project": "storefront",
    "source": {"repoURL": "https://github.com/shop/deployments", "path": "shop"},
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
}


def applications(request: Request) -> dict[str, Any]:
    """As ApplicationList in the tool's own OpenAPI: neither the list nor its items name their kind."""
    assert request.query_params.getlist("projects") == ["storefront", "data"]
    return {"metadata": {}, "items": [{"metadata": {"name": "shop", "namespace": "argocd"}, "spec": SPEC}]}


def answers() -> dict[str, Answer]:
    project = {"metadata": {"name": "storefront"}, "spec": {"description": "What customers see"}}
    return {
        "/api/v1/applications": applications,
        "/api/v1/applicationsets": lambda _: {"metadata": {}, "items": None},
        "/api/v1/projects": lambda _: {"metadata": {}, "items": [project]},
    }


def test_applications_sets_and_projects_are_asked_for() -> None:
    documents = fetched(CONNECTOR, Tool(answers()), {"projects": "storefront, data"})
    findings = Findings(CONNECTOR.name)
    CONNECTOR.read(documents, findings)
    found = findings.snapshot("s")
    assert found.entities[next(ref for ref in found.entities if ref.startswith("system:"))].description
    assert {key.relation for key in found.links} == {"BUILT_FROM", "DEPLOYED_TO", "PART_OF"}
    assert {said.location.rpartition("/api/v1/")[2] for said in found.entities.values()} == {
        "applications/shop",
        "projects/storefront",
    }
    assert all(CONNECTOR.claims(document) for document in documents)


def test_one_list_that_fails_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, Tool(answers(), broken="/api/v1/projects"), {"projects": "storefront,data"})


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(CONNECTOR, Tool(answers()), known=False)
