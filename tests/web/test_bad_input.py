"""No request makes the server fail, hang, or answer without a code."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from httpx import Client, Response

from tests.web.tiny import SECRET

JSON_HEADERS = {"content-type": "application/json", "accept": "application/graphql-response+json"}


@contextmanager
def within_a_second() -> Iterator[None]:
    """Of the processor, which other tests share; what hangs meets the client's timeout."""
    gc.disable()  # it would look through all that the tests before have left
    try:
        begin = time.process_time()
        yield
        assert time.process_time() - begin < 1
    finally:
        gc.enable()


def post(client: Client, body: bytes, headers: dict[str, str] | None = None) -> Response:
    with within_a_second():
        return client.post("/graphql", content=body, headers=headers or JSON_HEADERS)


def ask(client: Client, query: str, **request: Any) -> dict[str, Any]:
    with within_a_second():
        response = client.post("/graphql", json={"query": query, **request}, headers=JSON_HEADERS)
    assert response.status_code in (200, 400)
    answer: dict[str, Any] = response.json()
    return answer


def code(answer: dict[str, Any]) -> str:
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    assert len(codes) == 1
    return str(codes.pop())


def variables(value: str) -> bytes:
    return b'{"query": "query($v: JSON) { echo(value: $v) }", "variables": {"v": %s}}' % value.encode()


BROKEN_BODIES = {
    "100,000 open brackets": b"[" * 100_000,
    "5,000 levels in a variable": variables("[" * 5_000 + "]" * 5_000),
    "65 levels in a variable": variables("[" * 65 + "]" * 65),
    "65 objects in each other": variables('{"a":' * 65 + "1" + "}" * 65),
    "5,000 digits": variables("1" * 5_000),
    "not UTF-8": b'{"query": "{ echo(text: \\"\xff\xfe\\") }"}',
    "UTF-16": '{"query": "{ name }"}'.encode("utf-16"),
    "null": b"null",
    "a string": b'"{ name }"',
    "a number": b"5",
    "a boolean": b"true",
    "a batch": b'[{"query": "{ name }"}]',
    "an empty batch": b"[]",
    "an empty object": b"{}",
    "no query": b'{"query": null}',
    "an empty query": b'{"query": ""}',
    "half a surrogate pair": b'{"query": "{ name }", "operationName": "\\ud800"}',
    "a number as query": b'{"query": 1}',
    "a list of variables": b'{"query": "{ name }", "variables": [1]}',
    "a string of variables": b'{"query": "{ name }", "variables": "{}"}',
    "a number as operationName": b'{"query": "{ name }", "operationName": 1}',
    "a list of extensions": b'{"query": "{ name }", "extensions": []}',
    "NaN": variables("NaN"),
    "Infinity": variables("-Infinity"),
    "1e999": variables("1e999"),
    "half a body": b'{"query": "{ na',
    "nothing": b"",
    "zero bytes": b"\0\0\0",
    "an unknown operation": b'{"query": "query A { name }", "operationName": "B"}',
    "a subscription": b'{"query": "subscription { name }"}',
}


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
def test_what_is_no_graphql_request_is_400(client: Client, body: bytes) -> None:
    response = post(client, body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert code(response.json()) == "BAD_REQUEST"


def test_a_subscription_is_told_what_to_accept(client: Client) -> None:
    assert "send Accept: text/event-stream" in post(client, BROKEN_BODIES["a subscription"]).text


@pytest.mark.parametrize("name", ["variables", "extensions"])
@pytest.mark.parametrize("value", ["[", "[]", "NaN", '"x"', "[" * 5_000])
def test_broken_parameters_of_a_get_are_400(client: Client, name: str, value: str) -> None:
    response = client.get("/graphql", params={"query": "{ name }", name: value})
    assert (response.status_code, code(response.json())) == (400, "BAD_REQUEST")


def test_a_get_with_bad_percent_encoding_is_answered(client: Client) -> None:
    assert client.get("/graphql?query=%ff%fe{name}&variables=%zz").status_code == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/graphql",
        "multipart/form-data; boundary=x",
        "json",
        ";",
        "",
    ],
)
def test_other_content_types_are_415(client: Client, content_type: str) -> None:
    response = post(client, b'{"query": "{ name }"}', {"content-type": content_type, "origin": "https://evil.example"})
    assert (response.status_code, code(response.json())) == (415, "BAD_REQUEST")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
def test_spellings_of_json_are_accepted(client: Client, content_type: str) -> None:
    assert post(client, b'{"query": "{ name }"}', {"content-type": content_type}).json()["data"] == {"name": "node"}


def fan_out(levels: int) -> str:
    fragments = (f"fragment F{n} on Node {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return "{ child { ...F0 } } " + " ".join(fragments) + f" fragment F{levels} on Node {{ name }}"


def chain(levels: int) -> str:
    """A document whose fields are `levels` deep, one fragment a level."""
    last = levels - 2
    fragments = (f"fragment F{n} on Node {{ child {{ ...F{n + 1} }} }}" for n in range(last))
    return "{ child { ...F0 } } " + " ".join(fragments) + f" fragment F{last} on Node {{ name }}"


def nested(levels: int) -> str:
    """A document whose fields are `levels` deep."""
    return "{" + "child {" * (levels - 1) + "name" + "}" * levels


EXCESSIVE = {
    "fields that double 21 times": (fan_out(21), "TOO_LARGE"),
    "fields that double 190 times": (fan_out(190), "TOO_LARGE"),
    "21 deep": (nested(21), "TOO_DEEP"),
    "150 deep": (nested(150), "TOO_DEEP"),
    "200 deep": (nested(200), "TOO_DEEP"),
    "450 deep": (nested(450), "TOO_DEEP"),
    "21 deep through fragments": (chain(21), "TOO_DEEP"),
    "150 deep through fragments": (chain(150), "TOO_DEEP"),
    "spreads 201 deep": (
        "{ ...F0 } " + " ".join(f"fragment F{n} on Node {{...F{n + 1}}}" for n in range(201)),
        "TOO_DEEP",
    ),
    "a fragment that nobody uses": ("{ name } fragment F on Node " + nested(30), "TOO_DEEP"),
    "a fragment named as introspection is": (
        "query { ...__schema } fragment __schema on Node " + nested(21),
        "TOO_DEEP",
    ),
    "200 inline fragments in each other": ("{" + "...{" * 200 + "name" + "}" * 201, "TOO_DEEP"),
    "300 lists in each other": ("{ echo(value: " + "[" * 300 + "]" * 300 + ") }", "TOO_DEEP"),
    "300 input objects in each other": ("{ echo(where: " + "{not:" * 300 + "null" + "}" * 300 + ") }", "TOO_DEEP"),
    "200 aliases": ("{" + " ".join(f"a{n}: name" for n in range(200)) + "}", "TOO_LARGE"),
    "an alias spread 100 times": (
        "{" + "child { ...A }" * 100 + "} fragment A on Node { a: name }",
        "TOO_LARGE",
    ),
    "1,001 fields": ("{" + "name " * 1_001 + "}", "TOO_LARGE"),
    "300 equal fields": ("{" + "name " * 300 + "}", "TOO_LARGE"),
    "390 equal fields with fields": ("{" + "child { name } " * 390 + "}", "TOO_LARGE"),
    "a string of 200,000 characters": ('{ echo(text: "' + "x" * 200_000 + '") }', "TOO_LARGE"),
    "100 directives": ("{ name " + "@include(if: true) " * 100 + "}", "TOO_LARGE"),
    "100 directives on the operation": ("query " + "@include(if: true) " * 100 + "{ name }", "TOO_LARGE"),
    "5,001 tokens": ("{" + "name " * 5_000 + "}", "TOO_LARGE"),
    "101 operations": (" ".join(f"query Q{n} {{ name }}" for n in range(101)), "TOO_LARGE"),
    "a megabyte of comments": ("{ name }" + "#\n" * 300_000, "TOO_LARGE"),
    "introspection in circles": (
        "{ __schema { types" + " { fields { type" * 5 + " { name }" + " } }" * 5 + "} }",
        "GRAPHQL_INVALID",
    ),
    "a fragment in itself": ("{ child { ...A } } fragment A on Node { child { ...A } }", "GRAPHQL_INVALID"),
    "fragments in each other": (
        "{ child { ...A } } fragment A on Node { child { ...B } } fragment B on Node { child { ...A } }",
        "GRAPHQL_INVALID",
    ),
    "an unknown fragment": ("{ ...Nope }", "GRAPHQL_INVALID"),
    "an unknown field": ("{ nope }", "GRAPHQL_INVALID"),
    "two operations without names": ("{ name } { name }", "GRAPHQL_INVALID"),
    "two operations and no operationName": ("query A { name } query B { name }", "GRAPHQL_INVALID"),
    "no operation": ("fragment A on Node { name }", "BAD_REQUEST"),
    "a schema": ("type A { a: Int }", "BAD_REQUEST"),
    "an infinite number": ("{ echo(number: 1e999) }", "GRAPHQL_INVALID"),
    "an infinite number in a JSON value": ("{ echo(value: {a: [-1e999]}) }", "GRAPHQL_INVALID"),
    "5,000 digits": ("{ echo(number: " + "1" * 5_000 + ") }", "GRAPHQL_INVALID"),
    "a syntax error": ("{ name", "GRAPHQL_INVALID"),
    "half a surrogate pair": ('{ echo(text: "\\ud800") }', "GRAPHQL_INVALID"),
    "fields that cannot be merged": (
        "{" + " ".join(f"child {{ echo(whole: {n}) }}" for n in range(50)) + "}",
        "GRAPHQL_INVALID",
    ),
}


@pytest.mark.parametrize(("query", "expected"), EXCESSIVE.values(), ids=EXCESSIVE)
def test_documents_that_cannot_run_are_refused(client: Client, query: str, expected: str) -> None:
    answer = ask(client, query)
    assert "data" not in answer
    assert code(answer) == expected
    assert len(answer["errors"]) <= 20
    assert "recursion" not in str(answer).lower()


ALLOWED = {
    "20 deep": nested(20),
    "20 deep through fragments": chain(20),
    "inline fragments": "{" + "...{" * 30 + "name" + "}" * 31,
    "50 aliases": "{" + " ".join(f"a{n}: name" for n in range(50)) + "}",
    "200 equal fields": "{" + "name " * 200 + "}",
    "a long string": '{ echo(text: "' + "x" * 99_900 + '") }',
    "30 fragments with the same fields": (
        "{ child {"
        + " ".join(f"...F{n}" for n in range(30))
        + "} }"
        + " ".join(f"fragment F{n} on Node {{ name child {{ name child {{ name }} }} }}" for n in range(30))
    ),
    "input objects in each other": "{ echo(where: " + "{not:" * 60 + "null" + "}" * 60 + ") }",
    "comments": "{ name }" + "# why\n" * 4_900,
}


@pytest.mark.parametrize("query", ALLOWED.values(), ids=ALLOWED)
def test_documents_at_the_limits_run(client: Client, query: str) -> None:
    assert "errors" not in ask(client, query)


def test_errors_are_capped_at_20(client: Client) -> None:
    errors = ask(client, "{" + " ".join(f"nope{n}" for n in range(100)) + "}")["errors"]
    assert len(errors) == 20
    assert "Too many validation errors" in errors[-1]["message"]


@pytest.mark.parametrize("value", [2**31, -(2**70), 1.5, "1", True, [1, 2], {}])
def test_variables_of_a_wrong_type_are_bad_input(client: Client, value: object) -> None:
    answer = ask(client, "query($v: Int) { echo(whole: $v) }", variables={"v": value})
    assert "data" not in answer
    assert code(answer) == "BAD_INPUT"
    assert "$v" in answer["errors"][0]["message"]


def test_deep_input_objects_in_variables_are_answered(client: Client) -> None:
    value: dict[str, Any] = {"text": "x"}
    for _ in range(60):
        value = {"not": value}
    assert "errors" not in ask(client, "query($v: Condition) { echo(where: $v) }", variables={"v": value})


def test_our_errors_keep_their_code_and_details(client: Client) -> None:
    answer = ask(client, "{ refuse }")
    assert answer["data"] == {"refuse": None}
    (error,) = answer["errors"]
    assert (error["message"], error["path"]) == ("There is no such thing", ["refuse"])
    assert error["extensions"] == {"code": "NOT_FOUND", "refs": ["a", "b"]}


def test_time_outs_have_their_code(client: Client) -> None:
    assert code(ask(client, "{ timeOut }")) == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("field", ["fail", "wrongType"])
def test_defects_are_masked_and_logged(client: Client, caplog: pytest.LogCaptureFixture, field: str) -> None:
    (error,) = ask(client, f"{{ {field} }}")["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Internal error", "INTERNAL")
    assert SECRET not in str(error)
    (record,) = caplog.records
    assert error["extensions"]["errorId"] in record.message
    assert record.exc_info


def test_mistakes_of_clients_are_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    for query in ("{ refuse }", "{ nope }", "{"):
        ask(client, query)
    assert not caplog.records
