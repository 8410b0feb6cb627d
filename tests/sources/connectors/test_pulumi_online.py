"""Pulumi's stacks from its API: every page, one organization, its own headers, and nothing half."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from graph_api.sources.api import Api, ApiError
from graph_api.sources.documents import Document
from graph_api.sources.findings import Findings
from graph_api.sources.pulumi import CONNECTOR
from tests.sources.connectors.loopback import TOKEN, Tool


def stacks(request: Request) -> dict[str, Any]:
    names = ["production", "staging"] if request.query_params.get("organization") else ["production", "staging", "mine"]
    rows = [{"id": name, "orgName": "shop", "projectName": "web", "stackName": name} for name in names]
    if "continuationToken" in request.query_params:
        assert request.query_params["continuationToken"] == "more"
        return {"stacks": rows[1:]}
    return {"stacks": rows[:1], "continuationToken": "more"}


def export(request: Request) -> dict[str, Any]:
    stack = request.url.path.split("/")[-2]
    urn = f"urn:pulumi:{stack}::web::aws:sqs/queue:Queue::orders"
    resources = [{"urn": urn, "custom": True, "type": "aws:sqs/queue:Queue"}]
    return {"version": 3, "deployment": {"manifest": {"time": "2026-11-01T12:00:00Z"}, "resources": resources}}


class Service(Tool):
    """Wants the API's own way to authorize, and its version."""

    def __init__(self, *, broken: str | None = None) -> None:
        exports = {f"/api/stacks/shop/web/{stack}/export": export for stack in ("production", "staging", "mine")}
        super().__init__({"/api/user/stacks": stacks, **exports}, broken=broken)

    async def answer(self, request: Request) -> Response:
        if (
            request.headers["accept"] != "application/vnd.pulumi+8"
            or request.headers["authorization"] != f"token {TOKEN}"
        ):
            return JSONResponse({"code": 401, "message": "Unauthorized"}, 401)
        request.scope["headers"] = [(b"authorization", f"Bearer {TOKEN}".encode())]
        return await super().answer(Request(request.scope))


def fetched(service: Service, options: Mapping[str, str], token: str = TOKEN) -> list[Document]:
    async def fetch(url: str) -> list[Document]:
        online = CONNECTOR.online
        assert online
        headers = {"Authorization": online.authorization.format(token=token), **online.headers}
        async with Api(url, headers, first_pause=0.001) as api:
            return [answer async for answer in online.fetch(api, options) if isinstance(answer, Document)]

    with service.served() as url:
        return asyncio.run(fetch(url))


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, {"production", "staging", "mine"}), ({"organization": "shop"}, {"production", "staging"})],
)
def test_all_stacks_are_exported(options: dict[str, str], expected: set[str]) -> None:
    documents = fetched(Service(), options)
    assert all(CONNECTOR.claims(document) for document in documents)
    findings = Findings(CONNECTOR.name)
    CONNECTOR.read(documents, findings)
    found = findings.snapshot("pulumi").entities
    assert {ref for ref in found if ref.startswith("environment:")} == {
        f"environment:pulumi-web/{name}" for name in expected
    }
    assert all(said.location.endswith("/export") for said in found.values())


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="is the token set"):
        fetched(Service(), {}, token="wrong")


def test_one_export_that_fails_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(Service(broken="/api/stacks/shop/web/staging/export"), {})


def test_a_stack_that_was_never_deployed_has_nothing() -> None:
    service = Service()
    empty = {"/api/stacks/shop/web/staging/export": lambda _: {"version": 3, "deployment": None}}
    service.answers = {**service.answers, **empty}
    assert len(fetched(service, {})) == 2


def test_a_token_that_comes_again_ends_the_run() -> None:
    service = Service()
    service.answers = {"/api/user/stacks": lambda _: {"stacks": None, "continuationToken": "same"}}
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(service, {})
    assert service.asked["/api/user/stacks"] == 3, "one of them was told to wait"


def test_stacks_that_are_not_listed_end_the_run() -> None:
    service = Service()
    service.answers = {"/api/user/stacks": lambda _: {"message": "maintenance"}}
    with pytest.raises(ApiError, match="stacks answers something else than an object with the list `stacks`"):
        fetched(service, {})
