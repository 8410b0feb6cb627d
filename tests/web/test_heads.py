"""What is not a request to the letter is refused, and what one says cannot be read as another: over real sockets."""

import json
import socket
import time

import pytest
from httpx import Client

from graph_api.web import heads, limits
from tests.web.conftest import serve
from tests.web.test_request_limits import connect, read_all

NAME = b'{"query": "{ name }"}'
LENGTH = f"Content-Length: {len(NAME)}"
CHUNKS = b"%x\r\n%b\r\n0\r\n" % (len(NAME), NAME)
LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
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


@pytest.mark.parametrize("lines", [["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: identity"] * 2], ids=str)
def test_a_body_that_is_put_otherwise_than_in_chunks_is_refused(client: Client, lines: list[str]) -> None:
    assert answers_to(client, request(*lines) + CHUNKS + b"\r\n" + LAST).startswith(b"HTTP/1.1 501 ")


@pytest.mark.parametrize(
    "refused",
    [
        request(LENGTH, host="") + NAME,
        request(LENGTH, "Host: y") + NAME,
        request(start="GET /\xff HTTP/1.1"),
        b"GET /livez\r\n\r\n",
        request("Content-Length: +21") + NAME,
        request("Content-Length : 21") + NAME,
        request(LENGTH, "Transfer-Encoding: chunked") + NAME,
        request("Transfer-Encoding: chunked", LENGTH) + CHUNKS + b"\r\n",
        request("Transfer-Encoding: chunked") + b"15\n" + NAME,
        request("Transfer-Encoding: chunked") + b"-15\r\n" + NAME,
        b"\x16\x03\x01\x02\x00",
    ],
    ids=repr,
)
def test_what_could_be_read_in_two_ways_is_refused(client: Client, refused: bytes) -> None:
    head, _, body = answers_to(client, refused + LAST).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_what_follows_a_body_is_no_header(client: Client) -> None:
    late = request("Transfer-Encoding: chunked", "Connection: close") + CHUNKS + b"X-Request-Id: late\r\n\r\n"
    answer = answers_to(client, late)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"x-request-id: late" not in answer.lower()


def test_requests_that_come_together_are_answered_one_after_the_other(client: Client) -> None:
    answer = answers_to(client, LIVE + request(LENGTH) + NAME + LAST)
    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert answer.index(b'"ok"') < answer.index(b'"node"') < answer.rindex(b'"ok"')


def test_what_comes_after_a_refusal_is_not_looked_at(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINGER", 60.0)
    with connect(client) as connection:
        connection.sendall(request("Transfer-Encoding: chunked", "Content-Encoding: gzip"))
        time.sleep(0.1)
        connection.sendall(b"x\r\n")
        answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 415 ")


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


@pytest.mark.parametrize(
    "lines", [["Content-Length: 1"], [f"X-Long: {'x' * 9_000}"], [f"X-{number}: x" for number in range(150)]], ids=len
)
def test_a_handshake_that_cannot_be_read_is_refused_and_in_nobodys_way(lines: list[str]) -> None:
    handshake = request("Connection: Upgrade", "Upgrade: websocket", *lines, start="GET /graphql HTTP/1.1")
    with serve() as client:
        assert answers_to(client, handshake).startswith(b"HTTP/1.1 400 ")
        with connect(client) as connection:
            connection.sendall(handshake)
            assert client.get("/livez").is_success


def test_a_client_that_does_not_read_is_let_go(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "UNREAD_SECONDS", 0.3)
    page = b"GET /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n"
    with connect(client) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with pytest.raises(ConnectionError):
            send_for_ever(connection, page)


def send_for_ever(connection: socket.socket, page: bytes) -> None:
    while True:
        connection.sendall(page * 20)
