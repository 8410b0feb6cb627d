"""What is not a request to the letter is refused, and what one says cannot be read as another: over real sockets."""

import json
import time

import pytest
from httpx import Client

from graph_api.web.heads import MOST_WAITING
from tests.web.conftest import serve
from tests.web.test_request_limits import connect, read_all

NAME = b'{"query": "{ name }"}'
LENGTH = f"Content-Length: {len(NAME)}"
CHUNKS = b"%x\r\n%b\r\n0\r\n" % (len(NAME), NAME)
LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
MAX_HEAD = 65_536
LAST = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def request(*lines: str, start: str = "POST /graphql HTTP/1.1", host: str = "Host: x") -> bytes:
    head = [start, *([host] if host else []), "Content-Type: application/json", *lines]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"


def answers_to(client: Client, *parts: bytes) -> bytes:
    """To all of it, sent in these parts, until the server closes the connection."""
    with connect(client) as connection:
        for part in parts:
            connection.sendall(part)
        return read_all(connection)


@pytest.mark.parametrize(
    "refused",
    [
        request(LENGTH, host="") + NAME,
        request(LENGTH, "Host: y") + NAME,
        request(LENGTH, start="POST http://x/graphql HTTP/1.1") + NAME,
        request(LENGTH, start="POST /graphql#x HTTP/1.1") + NAME,
        request(LENGTH, start="POST /graphql HTTP/2.0") + NAME,
        request(start="CONNECT x:80 HTTP/1.1"),
        request(start="CONNECT /graphql HTTP/1.1"),
        request(start="GET /\xff HTTP/1.1"),
        b"GET /livez\r\n\r\n",
        request("Content-Length: +21") + NAME,
        request("Content-Length: 21, 21") + NAME,
        request("Content-Length : 21") + NAME,
        request(LENGTH, LENGTH) + NAME,
        request(LENGTH, "Transfer-Encoding: chunked") + NAME,
        request("Transfer-Encoding: chunked", LENGTH) + CHUNKS + b"\r\n",
        request("Transfer-Encoding: gzip, chunked") + CHUNKS + b"\r\n",
        request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + CHUNKS + b"\r\n",
        request("Transfer-Encoding: identity") + NAME,
        request("Transfer-Encoding: xchunked") + CHUNKS + b"\r\n",
        request("Transfer-Encoding:\r\n chunked") + CHUNKS + b"\r\n",
        request("X-Folded: a\r\n b", LENGTH) + NAME,
        request("Transfer-Encoding: chunked") + b"15\n" + NAME,
        request("Transfer-Encoding: chunked") + b"-15\r\n" + NAME,
        request("Transfer-Encoding: chunked") + b"f" * 17 + b"\r\n" + NAME,
        b"\x16\x03\x01\x02\x00",
    ],
    ids=repr,
)
def test_what_could_be_read_in_two_ways_is_refused(client: Client, refused: bytes) -> None:
    head, _, body = answers_to(client, refused, LAST).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_what_follows_a_body_is_no_header(client: Client) -> None:
    late = request("Transfer-Encoding: chunked", "Connection: close") + CHUNKS + b"X-Request-Id: late\r\n\r\n"
    answer = answers_to(client, late)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"x-request-id: late" not in answer.lower()


@pytest.mark.parametrize(
    ("before", "endless"),
    [
        (b"", request("X-Long: ")[:-4]),
        (request("Transfer-Encoding: chunked") + CHUNKS, b"X-Late: "),
        (request("Transfer-Encoding: chunked") + CHUNKS, b"X-Late: y\r\n" * 5_000),
        (request("Transfer-Encoding: chunked"), b"15;"),
    ],
    ids=["a header", "a header after the body", "several", "an extension of a chunk"],
)
def test_nothing_but_a_body_is_long(client: Client, before: bytes, endless: bytes) -> None:
    with connect(client) as connection:
        connection.sendall(before)
        time.sleep(0.1)
        connection.sendall(endless.ljust(MAX_HEAD + 1, b"y"))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"TOO_LARGE"' in answer


def test_requests_that_come_together_are_answered_one_after_the_other(client: Client) -> None:
    answer = answers_to(client, LIVE + request(LENGTH) + NAME + LAST)
    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert answer.index(b'"ok"') < answer.index(b'"node"') < answer.rindex(b'"ok"')


def test_a_client_that_does_not_wait_for_answers_gets_so_many(client: Client) -> None:
    answer = answers_to(client, LIVE * 1_000)
    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 ") == MOST_WAITING + 1


def test_a_body_that_goes_wrong_is_no_answer_to_the_request_before(client: Client) -> None:
    assert not answers_to(client, request(LENGTH) + NAME + request("Transfer-Encoding: chunked") + b"x\r\n")


def test_what_comes_after_a_refusal_is_not_looked_at(client: Client) -> None:
    with connect(client) as connection:
        connection.sendall(request("Transfer-Encoding: chunked", "Content-Encoding: gzip"))
        time.sleep(0.1)
        connection.sendall(b"x\r\n")
        answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 415 ")


def test_what_is_no_request_ends_the_connection_after_the_answer_before_it(client: Client) -> None:
    answer = answers_to(client, request(LENGTH) + NAME + b"?\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("size", "body"), [(LENGTH, NAME), ("Transfer-Encoding: chunked", CHUNKS + b"\r\n")])
def test_an_upgrade_to_what_is_not_spoken_changes_nothing(client: Client, size: str, body: bytes) -> None:
    upgrade = request(size, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQA")
    with connect(client) as connection:
        for parts in ([upgrade + body], [upgrade, body], [upgrade[:99], upgrade[99:] + body[:9], body[9:]]):
            for part in parts:
                time.sleep(0.05)
                connection.sendall(part)
            assert b'{"name":"node"}' in connection.recv(65536)


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    with serve() as client, connect(client) as connection:
        connection.sendall(request(LENGTH, "Expect: 100-continue", "Connection: close"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(NAME)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
