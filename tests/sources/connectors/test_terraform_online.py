"""Terraform's states from HCP Terraform: every page and workspace, signed downloads, and nothing half."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from graph_api.sources.api import ApiError
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.findings import Findings
from graph_api.sources.terraform import CONNECTOR
from tests.sources.connectors.loopback import Tool, answered, fetched

STATE = {
    "version": 4,
    "serial": 1,
    "lineage": "1",
    "resources": [{"mode": "managed", "type": "aws_sqs_queue", "name": "orders", "instances": [{"attributes": {}}]}],
}
PATH = "/api/v2/workspaces/{}/current-state-version"


def workspace(id_: str, name: str, *, has_state: bool = True) -> dict[str, Any]:
    version = {"id": f"sv-{id_}", "type": "state-versions"} if has_state else None
    relationships = {"current-state-version": {"data": version}}
    return {"id": id_, "type": "workspaces", "attributes": {"name": name}, "relationships": relationships}


def workspaces(request: Request) -> dict[str, Any]:
    pages = {
        "1": [workspace("ws-1", "production"), workspace("ws-2", "empty", has_state=False)],
        "2": [workspace("ws-3", "staging")],
    }
    page = request.query_params["page[number]"]
    return {"data": pages[page], "meta": {"pagination": {"next-page": 2 if page == "1" else None}}}


def version(request: Request) -> dict[str, Any]:
    return {"data": {"attributes": {"hosted-state-download-url": f"{request.base_url}hosted_state"}}}


class Archive(Tool):
    """Answers signed URLs, and would not if a token came along."""

    async def answer(self, request: Request) -> Response:
        return JSONResponse({} if "authorization" in request.headers else STATE)


class Service(Tool):
    """Sends those who ask for a state to the archive."""

    def __init__(self, archive: str, *, broken: str | None = None) -> None:
        answers = {PATH.format("ws-1"): version, PATH.format("ws-3"): version}
        super().__init__({"/api/v2/organizations/shop/workspaces": workspaces, **answers}, broken=broken)
        self.archive = archive

    async def answer(self, request: Request) -> Response:
        if request.url.path == "/hosted_state" and "authorization" in request.headers:
            return RedirectResponse(f"{self.archive}/signed?canary-secret")
        return await super().answer(request)


def test_the_states_of_all_workspaces_are_read() -> None:
    with Archive({}).served() as archive:
        documents = fetched(CONNECTOR, Service(archive), {"organization": "shop"})
    assert all(CONNECTOR.claims(document) for document in documents)
    findings = Findings(CONNECTOR.name)
    CONNECTOR.read(documents, findings)
    snapshot = findings.snapshot("terraform")
    assert {ref: said.location.partition("/app/")[2] for ref, said in snapshot.entities.items()} == {
        "resource:terraform-shop-production/aws_sqs_queue.orders": "shop/workspaces/production",
        "resource:terraform-shop-staging/aws_sqs_queue.orders": "shop/workspaces/staging",
    }


def test_an_archive_that_fails_ends_the_run_without_its_signed_url_being_told() -> None:
    with Archive({}).served() as archive:
        pass
    with pytest.raises(ApiError, match="did not answer") as caught:
        fetched(CONNECTOR, Service(archive), {"organization": "shop"})
    assert "canary-secret" not in str(caught.value)


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="is the token set"):
        fetched(CONNECTOR, Service("http://127.0.0.1:9"), {"organization": "shop"}, known=False)


def test_an_api_that_stays_broken_ends_the_run() -> None:
    with Archive({}).served() as archive, pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, Service(archive, broken=PATH.format("ws-3")), {"organization": "shop"})


def test_the_organization_must_be_named() -> None:
    with pytest.raises(ApiError, match="organization"):
        fetched(CONNECTOR, Service("http://127.0.0.1:9"))


def test_a_signed_url_on_the_same_host_is_not_told_either() -> None:
    def signed(request: Request) -> dict[str, Any]:
        return {"data": {"attributes": {"hosted-state-download-url": f"{request.base_url}_archivist/canary-secret"}}}

    service = Service("http://127.0.0.1:9", broken="/_archivist/canary-secret")
    service.answers = {**service.answers, PATH.format("ws-1"): signed}
    with pytest.raises(ApiError, match=f"{PATH.format('ws-1')} names did not answer") as caught:
        fetched(CONNECTOR, service, {"organization": "shop"})
    assert "canary-secret" not in str(caught.value)


def test_of_a_workspace_whose_state_is_not_given_what_was_read_last_stays() -> None:
    with Archive({}).served() as archive:
        service = Service(archive)
        service.answers = {path: answer for path, answer in service.answers.items() if path != PATH.format("ws-1")}
        answers = answered(CONNECTOR, service, {"organization": "shop"})
    paths = {type(answer): urlsplit(answer.path).path for answer in answers}
    assert paths == {
        Unanswered: "/app/shop/workspaces/production",
        Document: "/app/shop/workspaces/staging",
    }


def test_a_next_page_that_was_read_ends_the_run() -> None:
    service = Service("http://127.0.0.1:9")
    page = {"data": [], "meta": {"pagination": {"next-page": 1}}}
    service.answers = {"/api/v2/organizations/shop/workspaces": lambda _: page}
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, service, {"organization": "shop"})


def test_workspaces_that_are_not_listed_end_the_run() -> None:
    service = Service("http://127.0.0.1:9")
    service.answers = {"/api/v2/organizations/shop/workspaces": lambda _: {"errors": []}}
    with pytest.raises(ApiError, match="workspaces answers something else than an object with the list `data`"):
        fetched(CONNECTOR, service, {"organization": "shop"})
