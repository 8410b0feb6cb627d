"""Alerts of an organization, asked of an API on 127.0.0.1 that pages, limits and fails as GitHub's does."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from graph_api.sources.api import Api, ApiError
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.findings import Findings
from graph_api.sources.github_alerts import CONNECTOR, fetch

RECORDED = Path(__file__).parent / "github_alerts" / "input"


class GitHub:
    """Dependabot alerts in pages of one, by cursor; the first question of all is one too many."""

    def __init__(
        self,
        *,
        broken: str = "",
        refusal: int | None = None,
        refused: str = "code-scanning",
        reason: str = "Not Found",
        from_page: int = 0,
    ) -> None:
        self.refusal, self.refused, self.reason, self.from_page = refusal, refused, reason, from_page
        self.alerts = {
            kind: [
                alert for alert in orjson.loads((RECORDED / f"{kind}.json").read_bytes()) if alert["state"] == "open"
            ]
            for kind in ("dependabot", "code-scanning")
        }
        self.broken = broken
        self.questions: list[tuple[str, str]] = []

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/v3/orgs/{organization}/{kind}/alerts", self.answer)])

    def answer(self, request: Request) -> Response:
        kind, cursor = request.path_params["kind"], request.query_params.get("after", "0")
        self.questions.append((kind, cursor))
        if len(self.questions) == 1:
            return JSONResponse({"message": "slow down"}, status_code=429, headers={"Retry-After": "0"})
        if request.headers.get("authorization") != "Bearer right":
            return JSONResponse({"message": "Bad credentials"}, status_code=401)
        assert request.path_params["organization"] == "shop"
        assert (request.query_params["state"], request.query_params["per_page"]) == ("open", "100")
        if self.refusal and kind == self.refused and int(cursor) >= self.from_page:
            return JSONResponse({"message": self.reason}, status_code=self.refusal)
        if kind == self.broken and cursor == "1":
            return JSONResponse({}, status_code=500)
        return self.page(request, kind, int(cursor))

    def page(self, request: Request, kind: str, cursor: int) -> Response:
        after = request.url.include_query_params(after=cursor + 1)
        more = {"Link": f'<{after}>; rel="next"'} if cursor + 1 < len(self.alerts[kind]) else {}
        return JSONResponse(self.alerts[kind][cursor : cursor + 1], headers=more)


@contextmanager
def serving(github: GitHub) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(github.app(), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/api/v3"
    finally:
        server.should_exit = True
        thread.join()


def fetched(github: GitHub, options: Mapping[str, str], token: str = "right") -> list[Document]:
    return [answer for answer in answered(github, options, token) if isinstance(answer, Document)]


def answered(
    github: GitHub,
    options: Mapping[str, str],
    token: str = "right",
) -> list[Document | Unanswered]:
    async def collect(url: str) -> list[Document | Unanswered]:
        async with Api(url, {"Authorization": f"Bearer {token}"}, first_pause=0.001) as api:
            return [answer async for answer in fetch(api, options)]

    with serving(github) as url:
        return asyncio.run(collect(url))


def told(documents: list[Document]) -> Any:
    findings = Findings(CONNECTOR.name, CONNECTOR.origin)
    CONNECTOR.read(documents, findings)
    return findings.snapshot("alerts")


def test_every_page_of_both_kinds_is_read() -> None:
    github = GitHub()
    documents = fetched(github, {"organization": "shop"})
    assert all(CONNECTOR.claims(document) for document in documents)
    assert len(documents) == sum(len(alerts) for alerts in github.alerts.values())
    snapshot = told(documents)
    assert snapshot.links.keys() == {
        ("metric:codeql/js-unused", "DESCRIBES", "repository:github-example-com-shop/cart", None),
        ("repository:github-example-com-shop/cart", "AFFECTED_BY", "vulnerability:codeql/js-sql-injection", None),
        ("repository:shop/web", "AFFECTED_BY", "vulnerability:default/cve-2026-1111", None),
    }
    assert all(said.location.startswith("http://127.0.0.1:") for said in snapshot.entities.values())


def test_one_kind_alone() -> None:
    github = GitHub()
    fetched(github, {"organization": "shop", "alerts": "code-scanning"})
    assert {kind for kind, _ in github.questions} == {"code-scanning"}


def test_a_page_that_fails_for_ever_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(GitHub(broken="code-scanning"), {"organization": "shop"})


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="is the token set"):
        fetched(GitHub(), {"organization": "shop"}, token="wrong")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs the option `organization`"),
        ({"organization": "shop", "alerts": "secrets"}, "no such alerts: secrets"),
    ],
)
def test_wrong_options_are_told(options: dict[str, str], message: str) -> None:
    with pytest.raises(ApiError, match=message):
        fetched(GitHub(), options)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "no analysis found"),
        (403, "Code scanning is not enabled for this repository. Please enable it in the repository settings."),
        (403, "Advanced Security must be enabled for this repository to use code scanning."),
        (403, "Code Security must be enabled for this repository to use code scanning."),
    ],
)
def test_where_code_scanning_is_not_enabled_there_are_no_alerts_of_it(status: int, reason: str) -> None:
    github = GitHub(refusal=status, reason=reason)
    answers = answered(github, {"organization": "shop"})
    assert [type(answer) for answer in answers] == [Document] * len(github.alerts["dependabot"])


@pytest.mark.parametrize("status", [403, 404])
def test_a_later_page_of_code_scanning_that_is_refused_ends_the_run(status: int) -> None:
    with pytest.raises(ApiError, match=f"code-scanning/alerts answers {status}"):
        answered(GitHub(refusal=status, reason="no analysis found", from_page=1), {"organization": "shop"})


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "Resource not accessible by personal access token"), (404, "Not Found")]
)
def test_where_code_scanning_is_refused_the_other_alerts_are_read_and_what_it_said_stays(
    status: int, reason: str
) -> None:
    github = GitHub(refusal=status, reason=reason)
    answers = answered(github, {"organization": "shop"})
    (refused,) = [answer for answer in answers if isinstance(answer, Unanswered)]
    assert refused.path.endswith("/api/v3/orgs/shop/code-scanning/alerts")
    assert len(answers) == len(github.alerts["dependabot"]) + 1


def test_without_dependabot_alerts_the_run_ends() -> None:
    with pytest.raises(ApiError, match="404"):
        answered(GitHub(refusal=404, refused="dependabot"), {"organization": "shop"})
