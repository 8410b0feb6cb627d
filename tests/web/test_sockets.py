"""The protocol graphql-transport-ws and its bounds, over real sockets."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from graph_api.telemetry.metrics import REGISTRY
from graph_api.web.streams import StreamLimits
from tests.web.conftest import serve
from tests.web.live import Socket, socket
from tests.web.test_request_limits import connect, read_all
from tests.web.tiny import SECRET, Database, waiting

WAIT = {"query": "subscription { wait }"}
EVENTS = {"accept": "text/event-stream"}


LATE = timedelta(seconds=60)
"""For sockets that are not initialised to stay open."""


def until_open(streams: int) -> None:
    """The places of all others are given back."""
    end = time.monotonic() + 30
    while REGISTRY.get_sample_value("graph_api_streams_open") != streams:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serve(origins=["https://portal.example"]) as client:
        yield client


@pytest.fixture
def url(client: httpx.Client) -> str:
    return str(client.base_url)


def test_nobody_subscribes_before_the_connection_is_initialised(url: str) -> None:
    with socket(url) as client:
        client.send(type="subscribe", id="1", payload=WAIT)
        assert client.closed() == 4401


def test_a_connection_is_initialised_in_time() -> None:
    streams = StreamLimits(init_timeout=timedelta(seconds=0.3))
    with serve(streams=streams) as client, socket(str(client.base_url)) as late:
        assert late.closed() == 4408


def test_a_connection_is_initialised_once(url: str) -> None:
    with socket(url) as client:
        client.begin()
        client.send(type="connection_init")
        assert client.closed() == 4429


@pytest.mark.parametrize("protocol", ["graphql-ws", "nonsense"])
def test_no_other_protocol_is_spoken(url: str, protocol: str) -> None:
    with socket(url, protocol) as client:
        assert client.closed() == 4406


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        "null",
        '{"type": 5}',
        '{"type": "nonsense"}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ name }"}}',
        '{"type": "subscribe", "id": [], "payload": {"query": "{ name }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ name }"}}',
        '{"type": "subscribe", "id": "1", "payload": 5}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 5}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ name }", "variables": []}}',
        '{"type": "complete", "id": {}}',
        "[" * 60_000,
        '{"type": "subscribe", "id": "1", "payload": {"variables": ' + '{"a":' * 100 + "1" + "}" * 102,
    ],
)
def test_what_is_no_message_ends_the_connection(url: str, text: str) -> None:
    with socket(url) as client:
        client.connection.send(text)
        assert client.closed() == 4400


def test_bytes_and_large_frames_end_the_connection(url: str) -> None:
    with socket(url) as client:
        client.connection.send(b"{}")
        assert client.closed() == 4400
    with socket(url) as client:
        client.connection.send(" " * 70_000)
        assert client.closed() == 1009


def test_an_id_stands_for_one_subscription_at_a_time(url: str) -> None:
    with socket(url) as client:
        client.begin().send(type="subscribe", id="1", payload=WAIT)
        client.send(type="subscribe", id="1", payload=WAIT)
        assert client.closed() == 4409
    assert waiting.becomes(0)


def test_pings_are_answered(url: str) -> None:
    with socket(url) as client:
        client.send(type="ping")
        assert client.read() == {"type": "pong"}


def test_defects_are_masked_and_end_their_subscription_only(url: str) -> None:
    with socket(url) as client:
        client.begin().send(type="subscribe", id="1", payload={"query": "subscription { fail }"})
        assert client.read()["payload"] == {"data": {"fail": 1}}
        message = client.read()
        assert message["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert SECRET not in str(message)
        assert client.read() == {"type": "complete", "id": "1"}
        client.send(type="ping")
        assert client.read() == {"type": "pong"}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://portal.example.evil.example"])
def test_pages_of_other_origins_open_no_socket(url: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, socket(url, origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_pages_of_known_origins_and_of_the_server_itself_do(url: str) -> None:
    for origin in ("https://portal.example", url):
        with socket(url, origin=origin) as client:
            client.begin()


def test_a_connection_has_so_many_subscriptions_and_gets_their_places_back(url: str) -> None:
    def subscribe(client: Socket, id_: str) -> None:
        client.send(type="subscribe", id=id_, payload=WAIT)

    with socket(url) as client:
        client.begin()
        for turn in range(3):
            for number in range(20):
                subscribe(client, f"{turn}.{number}")
            assert waiting.becomes(20)
            subscribe(client, "more")
            assert client.code() == "TOO_LARGE"
            for number in range(20):
                client.send(type="complete", id=f"{turn}.{number}")
            assert waiting.becomes(0)
        for number in range(50):
            client.send(
                type="subscribe", id=str(number), payload={"query": "subscription { texts(size: 1, count: 1) }"}
            )
            assert [client.read()["type"] for _ in range(2)] == ["next", "complete"]


def test_a_client_that_goes_away_ends_its_subscriptions(url: str) -> None:
    with socket(url) as client:
        client.begin()
        for number in range(3):
            client.send(type="subscribe", id=str(number), payload=WAIT)
        assert waiting.becomes(3)
    assert waiting.becomes(0)
    with httpx.stream("POST", f"{url}/graphql", json=WAIT, headers=EVENTS):
        assert waiting.becomes(1)
    assert waiting.becomes(0)


def test_a_process_has_so_many_streams_and_gets_their_places_back() -> None:
    with serve(streams=StreamLimits(max_open=2, init_timeout=LATE)) as client:
        url = str(client.base_url)
        for _ in range(3):
            with socket(url), httpx.stream("POST", f"{url}/graphql", json=WAIT, headers=EVENTS):
                assert waiting.becomes(1)
                with pytest.raises(InvalidStatus) as refused, socket(url):
                    pass
                assert refused.value.response.status_code == 503
                assert refused.value.response.headers["retry-after"]
                answer = client.post("/graphql", json=WAIT, headers=EVENTS)
                assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
                assert client.post("/graphql", json={"query": "{ name }"}).json()["data"] == {"name": "node"}
            until_open(0)


def test_a_caller_has_a_share_of_the_streams_and_sockets_that_are_not_signed_in_another() -> None:
    with serve(streams=StreamLimits(max_open=48, init_timeout=LATE)) as client, ExitStack() as opened:
        url = str(client.base_url)
        for _ in range(3):
            opened.enter_context(socket(url)).begin()
        with socket(url) as more:
            more.send(type="connection_init")
            assert more.closed() == 1013
        until_open(3)
        assert client.post("/graphql", json=WAIT, headers=EVENTS).status_code == 503
        for _ in range(3):
            opened.enter_context(socket(url))
        with pytest.raises(InvalidStatus) as refused, socket(url):
            pass
        assert refused.value.response.status_code == 503
        with socket(url, source_address=("127.0.0.2", 0)) as other:
            other.begin()
        opened.close()
        until_open(0)
        with socket(url) as again:
            again.begin()


@pytest.mark.parametrize("over", ["socket", "events"])
def test_who_does_not_read_is_left(over: str) -> None:
    query, begun = {"query": "subscription { texts(size: 60000, count: 1000) }"}, waiting.begun
    with serve(streams=StreamLimits(send_timeout=0.5)) as client:
        url = str(client.base_url)
        if over == "socket":
            with socket(url, max_queue=1) as slow:
                slow.begin().send(type="subscribe", id="1", payload=query)
                assert waiting.begins_after(begun)
                assert waiting.becomes(0)
        else:
            with httpx.stream("POST", f"{url}/graphql", json=query, headers=EVENTS):
                assert waiting.begins_after(begun)
                assert waiting.becomes(0)


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


def frame(opcode: int, content: bytes) -> bytes:
    """As clients send them, masked with zeros."""
    return bytes([0x80 | opcode, 0x80 | len(content)]) + bytes(4) + content


def test_who_has_closed_and_does_not_read_is_not_in_the_way_when_the_server_ends() -> None:
    query = (
        b'{"type": "subscribe", "id": "1", "payload": {"query": "subscription { texts(size: 30000000, count: 1) }"}}'
    )
    database = Database()
    with ExitStack() as opened, serve(database) as client:
        mute = opened.enter_context(connect(client))
        for sent in (HANDSHAKE, frame(1, b'{"type": "connection_init"}')):
            mute.sendall(sent)
            assert mute.recv(10_000)
        mute.sendall(frame(1, query))
        assert mute.recv(10_000)
        mute.sendall(frame(8, b""))
        until_open(0)
    assert database.closed


def test_peers_that_leave_pings_without_an_answer_are_left() -> None:
    with serve(ws_ping_interval=0.2, ws_ping_timeout=1) as client, connect(client) as mute:
        mute.sendall(HANDSHAKE)
        assert read_all(mute).endswith(b"keepalive ping timeout")


def test_peers_that_answer_pings_are_not() -> None:
    """Later than after the time for an answer, which is longer than a busy machine may take over one."""
    with serve(ws_ping_interval=0.2, ws_ping_timeout=8) as client, socket(str(client.base_url)) as peer:
        peer.begin()
        time.sleep(9)
        peer.send(type="ping")
        assert peer.read() == {"type": "pong"}
