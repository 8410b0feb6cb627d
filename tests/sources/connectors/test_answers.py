"""What every connector does about an answer with status 200 that is none to its question."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources import jira, pagerduty, zipkin
from graph_api.sources.api import ApiError
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.reading import read_answers
from graph_api.sources.registry import ONLINE
from tests.sources.connectors.loopback import Tool, fetched

OPTIONS = {"organization": "shop", "group": "shop", "repositories": "shop/web"}


class Gateway(Tool):
    """Answers every question with the same."""

    def __init__(self, value: Any) -> None:
        super().__init__({})
        self.value = value

    async def answer(self, request: Request) -> Response:  # noqa: ARG002 - whatever is asked
        return JSONResponse(self.value)


@pytest.mark.parametrize("value", [{"error": "login_required"}, [{"error": "login_required"}], "hello", None])
@pytest.mark.parametrize("connector", ONLINE.values(), ids=lambda connector: connector.name)
def test_what_is_no_answer_ends_the_run(connector: Connector, value: Any) -> None:
    with pytest.raises(ApiError, match=r"http://127\.0\.0\.1:\d+/[^?]* answers (something else than|with errors)"):
        fetched(connector, Gateway(value), OPTIONS)


@pytest.mark.parametrize(
    ("connector", "document"),
    [
        (jira.CONNECTOR, Document("https://jira.shop.example/p", {"values": [], "startAt": 0, "isLast": True})),
        (zipkin.CONNECTOR, Document("https://zipkin.shop.example/api/v2/services", ["cart"])),
        (pagerduty.CONNECTOR, Document("https://api.pagerduty.com/teams", {"teams": [], "more": False, "offset": 0})),
    ],
    ids=lambda row: getattr(row, "name", ""),
)
def test_an_answer_that_says_little_is_one(connector: Connector, document: Document) -> None:
    assert connector.claims(document)


def test_what_is_refused_is_told_and_stays() -> None:
    snapshot: Snapshot = read_answers(jira.CONNECTOR, [Unanswered("https://jira.shop.example/p", "no")], "work")
    assert snapshot.unreadable == {"https://jira.shop.example/p"}
    (problem,) = snapshot.problems
    assert (problem.path, problem.message, problem.severity) == ("https://jira.shop.example/p", "no", "REFUSED")
