"""Bodies, time and places, over real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

import httpx
import pytest
from httpx import Client

from graph_api.access.principal import Principal
from graph_api.graphql.context import Context
from graph_api.web import limits as request_limits
from graph_api.web.heads import timed_heads
from graph_api.web.limits import RequestLimits
from tests.web.conftest import serve
from tests.web.tiny import Database, waiting

WAIT = {"query": "{ wait }"}


@pytest.fixture
def lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly a client sends what is refused already."""
    monkeypatch.setattr(request_limits, "LINGER", 60.0)


@contextmanager
def connect(client: Client) -> Iterator[socket.socket]:
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=30) as connection:
        yield connection


def request_head(*headers: str) -> bytes:
    lines = ["POST /graphql HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def read_all(connection: socket.socket) -> bytes:
    """What the server says until it closes the connection."""
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


def code(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


@pytest.mark.usefixtures("lingering")
def test_ten_megabytes_are_refused_before_they_are_parsed(client: Client) -> None:
    begin = time.process_time()
    response = client.post("/graphql", json={"query": '{ echo(text: "' + "x" * 10_000_000 + '") }'})
    assert time.process_time() - begin < 1
    assert (response.status_code, code(response)) == (413, "TOO_LARGE")


@pytest.mark.usefixtures("lingering")
def test_a_client_that_sends_everything_first_still_reads_the_refusal(client: Client) -> None:
    with connect(client) as connection:
        connection.sendall(request_head("Content-Length: 10000000") + b" " * 10_000_000)
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


def test_a_declared_size_is_refused_without_a_body(client: Client) -> None:
    with connect(client) as connection:
        connection.sendall(request_head("Content-Length: 999999999"))
        assert b'"TOO_LARGE"' in read_all(connection)


@pytest.mark.usefixtures("lingering")
def test_a_streamed_body_is_refused_at_the_limit(client: Client) -> None:
    with connect(client) as connection:
        connection.sendall(request_head("Transfer-Encoding: chunked"))
        chunk = b"%x\r\n%s\r\n" % (100_000, b" " * 100_000)
        connection.sendall(chunk * 11)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_at_the_limit_is_read() -> None:
    with serve(limits=RequestLimits(max_body=100)) as client:
        for size, status in ((100, 200), (101, 413)):
            body = b'{"query": "{ name }"}'.ljust(size)
            assert client.post("/graphql", content=body, headers={"content-type": "application/json"}).status_code == (
                status
            )


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity"])
def test_compressed_bodies_are_refused(client: Client, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    response = client.post("/graphql", content=b"\x1f\x8b\x08\x00", headers=headers)
    assert (response.status_code, code(response)) == (415, "BAD_REQUEST")


def test_a_slow_body_ends_at_its_timeout() -> None:
    with serve(limits=RequestLimits(body_timeout=0.2)) as client, connect(client) as connection:
        connection.sendall(request_head("Content-Length: 10") + b"{")
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_a_request_ends_at_its_deadline() -> None:
    """Whether it runs, or waits as the third of one caller's."""
    with serve(limits=RequestLimits(request_deadline=1, max_running=4)) as client, ThreadPoolExecutor(3) as pool:
        requests = [pool.submit(client.post, "/graphql", json=WAIT) for _ in range(3)]
        for response in [request.result() for request in requests]:
            assert (response.status_code, code(response)) == (503, "DEADLINE_EXCEEDED")
        assert waiting.becomes(0)
        # In time, unless the machine stands still.
        assert any(client.post("/graphql", json={"query": "{ name }"}).status_code == 200 for _ in range(20))


def test_a_client_that_goes_away_ends_its_request() -> None:
    """Long before its deadline does."""
    body = b'{"query": "{ wait }"}'
    with serve(limits=RequestLimits(request_deadline=300)) as client:
        with connect(client) as connection:
            connection.sendall(request_head(f"Content-Length: {len(body)}") + body)
            assert waiting.becomes(1)
        assert waiting.becomes(0)


def test_beyond_the_running_and_the_waiting_requests_are_refused() -> None:
    limits = RequestLimits(request_deadline=60, max_running=4, max_waiting=0)
    with serve(limits=limits) as client, ThreadPoolExecutor(4) as pool:
        requests = [pool.submit(client.post, "/graphql", json=WAIT) for _ in range(4)]
        refused = next(as_completed(requests)).result()
        assert (refused.status_code, code(refused)) == (503, "UNAVAILABLE")
        assert "retry-after" in refused.headers
        assert client.get("/livez").status_code == 200
        with waiting.all_answered():
            assert sorted(request.result().status_code for request in requests) == [200, 200, 200, 503]


def test_places_are_given_back() -> None:
    # One place to wait, because a client may read an answer before the server has left the request.
    with serve(limits=RequestLimits(max_running=1, max_waiting=1)) as client:
        for _ in range(5):
            assert client.post("/graphql", json={"query": "{ fail }"}).status_code == 200
            assert client.post("/graphql", content=b"[").status_code == 415


def test_odd_heads_are_answered(client: Client) -> None:
    for head, status in (
        (b"POST /graphql HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b"431"),
        (b"POST /graphql HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000, b"431"),
        (b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
    ):
        with connect(client) as connection:
            connection.sendall(head)
            assert read_all(connection).startswith(b"HTTP/1.1 " + status)


class Busy(Database):
    """Its server is busy with the first question until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.goes_on = threading.Event(), threading.Event()

    async def context(self, principal: Principal) -> Context:
        self.begun.set()
        self.goes_on.wait(60)
        return await super().context(principal)


@contextmanager
def impatient(sent: bytes) -> Iterator[socket.socket]:
    """A connection to a server that awaits heads for a short time, shorter than a busy machine may take over one: this
    has come when the server looks at the connection for the first time.
    """
    busy = Busy()
    with serve(busy, http=timed_heads(1)) as client, ThreadPoolExecutor(1) as pool:
        # Its head may be too late itself.
        while not busy.begun.is_set():
            asked = pool.submit(client.post, "/graphql", json={"query": "{ name }"})
            while not busy.begun.wait(0.05) and not asked.done():
                pass
        with connect(client) as connection:
            connection.sendall(sent)
            busy.goes_on.set()
            yield connection


@pytest.mark.parametrize("sent", [b"", b"POST /graphql HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_end_is_closed(sent: bytes) -> None:
    with impatient(sent) as connection:
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_a_second_head_that_does_not_end_is_closed() -> None:
    with impatient(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /livez HT")
        assert b"HTTP/1.1 408 " in read_all(connection)


def test_a_slow_body_is_no_slow_head() -> None:
    body = b'{"query": "{ name }"}'
    with impatient(request_head(f"Content-Length: {len(body)}", "Connection: close")) as connection:
        time.sleep(1.5)
        connection.sendall(body)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_the_head_has_limits() -> None:
    limits = RequestLimits(max_head=2000, max_headers=20)
    with serve(limits=limits) as client:
        usual = len(client.build_request("GET", "/livez").headers)
        for headers, status in ((20 - usual, 200), (21 - usual, 431)):
            assert client.get("/livez", headers={f"x-{n}": "y" for n in range(headers)}).status_code == status
        for size, status in ((1700, 200), (2000, 431)):
            assert client.get("/livez", headers={"x": "y" * size}).status_code == status
        refused = client.get("/livez", params={"x": "y" * 2000})
        assert (refused.status_code, code(refused)) == (431, "TOO_LARGE")


def test_an_answer_has_a_limit(client: Client) -> None:
    echo = {"query": '{ echo(text: "' + "x" * 900 + '") }'}
    size = len(client.post("/graphql", json=echo).content)
    with serve(limits=RequestLimits(max_response=size)) as enough:
        assert "data" in enough.post("/graphql", json=echo).json()
    with serve(limits=RequestLimits(max_response=size - 1)) as small:
        answer = small.post("/graphql", json=echo)
        assert (set(answer.json()), code(answer)) == ({"errors"}, "TOO_LARGE")
