"""Media types, methods and paths."""

import pytest
from httpx import Client

from graph_api.graphql.limits import Limits, parse_within, validate_within
from graph_api.graphql.schema import schema
from graph_api.web.accept import GRAPHQL_RESPONSE, HTML, JSON, preferred
from graph_api.web.explorer import EXAMPLES

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (f"{JSON}, {GRAPHQL_RESPONSE}", JSON),
        (f"{GRAPHQL_RESPONSE}, {JSON}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.5, {JSON};q=0.9", JSON),
        (f"{JSON};q=0.1, */*;q=0.9", GRAPHQL_RESPONSE),
        (f"{JSON};q=0, application/*", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};charset=utf-8;q=1, {JSON};q=0.999", GRAPHQL_RESPONSE),
        ("APPLICATION/JSON ; Q=0.3", JSON),
        (CHROME, HTML),
        ("text/plain", None),
        ("*/*;q=0", None),
        (f"{JSON};q=nonsense", JSON),
        (",;,;q=1,/,*", None),
    ],
)
def test_accept(accept: str, expected: str | None) -> None:
    assert preferred(accept, (JSON, GRAPHQL_RESPONSE, HTML)) == expected


def test_a_refused_document_is_400_only_for_the_graphql_media_type(client: Client) -> None:
    for media_type, status in ((JSON, 200), (GRAPHQL_RESPONSE, 400)):
        response = client.post("/graphql", json={"query": "{ nope }"}, headers={"accept": media_type})
        assert (response.status_code, response.headers["content-type"]) == (status, media_type)
        assert set(response.json()) == {"errors"}


def test_an_accept_header_without_json_is_refused(client: Client) -> None:
    response = client.post("/graphql", json={"query": "{ name }"}, headers={"accept": "text/csv"})
    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_queries_by_get(client: Client) -> None:
    params = {"query": "query Q($t: String) { echo(text: $t) }", "variables": '{"t": "x"}', "operationName": "Q"}
    assert "'x'" in client.get("/graphql", params=params).json()["data"]["echo"]


def test_mutations_by_get_are_refused(client: Client) -> None:
    response = client.get("/graphql", params={"query": "mutation { touch }"})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    assert client.post("/graphql", json={"query": "mutation { touch }"}).json()["data"] == {"touch": True}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert client.request(method, "/graphql").status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/graphql/", "//graphql", "/graphql;v1/livez", "/%2e%2e/graphql", "/graphql/..;/livez", "/GraphQL"],
)
def test_unknown_paths_are_404_in_json(client: Client, path: str) -> None:
    response = client.post(str(client.base_url).rstrip("/") + path, json={"query": "{ name }"})
    assert response.status_code == 404
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_the_root_leads_to_graphql_whatever_the_host_header_says(client: Client) -> None:
    response = client.get("/", headers={"host": "evil.example/?x="})
    assert (response.status_code, response.headers["location"]) == (307, "/graphql")


@pytest.mark.parametrize(("given", "kept"), [("abc-1.2_Z", True), ("", False), ("a b", False), ("x" * 65, False)])
def test_request_id(client: Client, given: str, kept: bool) -> None:
    response = client.post("/graphql", json={"query": "{ name }"}, headers={"x-request-id": given})
    assert (response.headers["x-request-id"] == given) == kept
    assert response.headers["x-request-id"]


def test_what_a_resolver_returns_is_always_json(client: Client) -> None:
    odd = client.post("/graphql", json={"query": "{ odd }"}).json()["data"]["odd"]
    assert odd == {"surrogate": "\ud800", "nan": None, "big": 2**70}


def test_browsers_get_the_explorer_which_runs_no_foreign_script_inline(client: Client) -> None:
    response = client.get("/graphql", headers={"accept": CHROME})
    assert response.headers["content-type"].startswith("text/html")
    assert "ownershipGaps" in response.text
    assert response.text.count("unpkg.com/graphiql@") == 2
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert response.headers["x-frame-options"] == "DENY"


def test_a_page_is_not_what_a_query_gets(client: Client) -> None:
    response = client.get("/graphql", params={"query": "{ name }"}, headers={"accept": CHROME})
    assert response.json()["data"] == {"name": "node"}
    assert client.get("/graphql", headers={"accept": "*/*"}).status_code == 400


@pytest.mark.parametrize(("title", "query"), EXAMPLES)
def test_the_examples_of_the_explorer_are_valid(title: str, query: str) -> None:
    assert validate_within(schema._schema, parse_within(query, Limits()), Limits()) == [], title
