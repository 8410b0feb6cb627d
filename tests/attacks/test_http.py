"""Rows 1 to 20: HTTP and JSON."""

import gzip
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.conftest import Target
from tests.attacks.table import FINE, Attack, ask, check, get, post, raw
from tests.commands import serving

REFUSED = "BAD_REQUEST"
NAME = b'{"query": "{ __typename }"}'


def in_variables(value: str) -> bytes:
    return b'{"query": "{ __typename }", "variables": {"v": %s}}' % value.encode()


def head(*lines: str, method: str = "POST", path: str = "/graphql", host: str = "localhost") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, "", ""]).encode()


def with_body(*lines: str, host: str = "localhost") -> bytes:
    return head("Content-Type: application/json", f"Content-Length: {len(NAME)}", *lines, host=host) + NAME


FORM = (
    b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query": "{ __typename }"}\r\n--x\r\n'
    b'Content-Disposition: form-data; name="map"\r\n\r\n{}\r\n--x--\r\n'
)

ATTACKS = [
    Attack(1, "100,000 open brackets", post(b"[" * 100_000), 400, REFUSED),
    Attack(2, "5,000 arrays in each other", post(in_variables("[" * 5_000 + "]" * 5_000)), 400, REFUSED),
    Attack(3, "an integer of 5,000 digits", post(in_variables("1" * 5_000)), 400, REFUSED),
    Attack(4, "FF FE in a string", post(b'{"query": "{ a(b: \\"\xff\xfe\\") }"}'), 400, REFUSED),
    *(
        Attack(5, f"the body {body}", post(body.encode()), 400, REFUSED)
        for body in ("null", '"x"', "5", "true", "[]", "{}", '{"query": null}')
    ),
    Attack(6, "half a surrogate pair", post(NAME[:-1] + b', "operationName": "\\ud800"}'), 400, REFUSED),
    *(
        Attack(7, body, post(body.encode()), 400, REFUSED)
        for body in ('{"query": 1}', '{"query": "{ a }", "variables": [1]}', '[{"query": "{ __typename }"}]')
    ),
    *(Attack(8, value, post(in_variables(value)), 400, REFUSED) for value in ("NaN", "Infinity", "-Infinity", "1e999")),
    Attack(9, "1e999", ask("{ facets(fields: 1e999) { field } }"), 200, "GRAPHQL_INVALID"),
    Attack(
        9,
        "1e999 in a JSON value",
        ask('mutation { putEntities(entities: [{kind: "Component", name: "a", spec: {a: 1e999}}]) { revision } }'),
        200,
        "GRAPHQL_INVALID",
    ),
    Attack(
        10, "a literal of 10 MB", ask('{ search(text: "' + "x" * 10_000_000 + '") { totalCount } }'), 413, "TOO_LARGE"
    ),
    Attack(11, "almost 1 MB of comments", ask("{ __typename }" + "#\n" * 300_000), 200, "TOO_LARGE"),
    Attack(12, "a gzip bomb", post(gzip.compress(bytes(50_000_000)), content_encoding="gzip"), 415, REFUSED),
    *(
        Attack(14, f"Host {host}", raw(with_body(host=host)), (400, 421))
        for host in ("a/?x=", "evil.example", "localhost@evil.example", "", "169.254.169.254")
    ),
    *(
        Attack(15, path, raw(head(method="GET", path=path)), 404, REFUSED)
        for path in (
            "/graphql;v1/livez",
            "//graphql",
            "/%2e%2e/graphql",
            "/graphql/..;/metrics",
            "/metrics",
            "/graphql/",
        )
    ),
    Attack(17, "a header of 100 kB", raw(with_body("X-Long: " + "y" * 100_000)), 431),
    Attack(17, "1,000 headers", raw(with_body(*(f"X-{n}: y" for n in range(1_000)))), 431, "TOO_LARGE"),
    Attack(17, "CR in a header", raw(with_body("X-Odd: a\rSet-Cookie: b")), 400),
    Attack(17, "LF in a header", raw(with_body("X-Odd: a\n{fake: b}")), 400),
    Attack(17, "NUL in a header", raw(with_body("X-Odd: a\0b")), 400),
    Attack(17, "two lengths", raw(with_body("Content-Length: 1")), 400),
    Attack(17, "a length and chunks", raw(with_body("Transfer-Encoding: chunked")), 400),
    *(
        Attack(18, f"the type {type_!r}", post(NAME, content_type=type_), 415, REFUSED)
        for type_ in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "")
    ),
    Attack(19, "a mutation by GET", get("/graphql?query=mutation{removeEntities(refs:[]){revision}}"), 405, REFUSED),
    Attack(
        20,
        "operations in a form of another origin",
        post(FORM, content_type="multipart/form-data; boundary=x", origin="https://evil.example"),
        415,
        REFUSED,
    ),
]


SLOW = [
    Attack(
        13,
        "a body that never comes",
        raw(head("Content-Type: application/json", "Content-Length: 10") + b"{"),
        408,
        REFUSED,
        2.5,
    ),
    Attack(13, "a head that never ends", raw(b"POST /graphql HTTP/1.1\r\nHost: localhost\r\n"), 408),
    Attack(13, "nothing at all", raw(b""), 408),
]


@pytest.fixture(scope="module")
def impatient() -> Iterator[str]:
    """A server of its own, since a busy machine may take longer over any head."""
    environment = {"GRAPH_API_HEAD_TIMEOUT": "0.5", "GRAPH_API_BODY_TIMEOUT": "0.5"}
    with serving("--insecure-anonymous", "--store", "embedded::memory:", environment=environment) as server:
        yield server.url


@pytest.mark.parametrize("attack", SLOW, ids=str)
def test_slow_attack(impatient: str, attack: Attack) -> None:
    check(attack, impatient)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attack(target: Target, attack: Attack) -> None:
    check(attack, target.url)


FORGED = {
    "x-forwarded-for": "10.1.2.3",
    "x-forwarded-user": "admin",
    "x-forwarded-proto": "https",
    "forwarded": "for=10.1.2.3",
}


def test_16_forged_headers_of_proxies_change_nothing(target: Target) -> None:
    plain, forged = (
        httpx.post(f"{target.url}/graphql", content=NAME, headers={"content-type": "application/json", **more})
        for more in ({}, FORGED)
    )
    assert plain.content == forged.content
    assert "10.1.2.3" not in target.log.read_text(encoding="utf-8")


def test_17_a_request_id_forges_no_line_of_the_log(target: Target) -> None:
    forged = '"}\\n{"level": "FORGED"'
    answer = check(Attack(17, "request id", post(NAME, x_request_id=forged), 200, FINE), target.url)
    assert answer.status == 200
    lines = [line for line in target.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    assert lines
    assert all(json.loads(line)["level"] != "FORGED" for line in lines)
