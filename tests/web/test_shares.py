"""No caller takes what is the others': places to run and to wait, and requests in the long run.

127.0.0.2 is another caller than 127.0.0.1.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import httpx
import pytest
from httpx import Client

from graph_api.web import fair_queue
from graph_api.web import rates as web_rates
from graph_api.web.callers import caller_of
from graph_api.web.fair_queue import BEGINNING, OTHERS_ASK, FairQueue
from graph_api.web.limits import RequestLimits
from graph_api.web.rates import BURST, OBJECTS_PER_TOKEN, Rates
from tests.web.conftest import serve
from tests.web.test_request_limits import WAIT, code
from tests.web.tiny import waiting

NAME = {"query": "{ name }"}


def other_caller(client: Client) -> Client:
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    return Client(base_url=client.base_url, timeout=60, transport=transport)


def test_a_caller_with_many_requests_leaves_places_to_others() -> None:
    limits = RequestLimits(request_deadline=60, max_running=8, max_waiting=8)
    with serve(limits=limits) as client, other_caller(client) as other, ThreadPoolExecutor(20) as pool:
        many = [pool.submit(client.post, "/graphql", json=WAIT) for _ in range(20)]
        assert waiting.becomes(2)  # one caller's share
        assert other.post("/graphql", json=NAME).status_code == 200
        refused = [request.result() for request in islice(as_completed(many), 8)]
        assert [code(response) for response in refused] == ["UNAVAILABLE"] * 8
        with waiting.all_answered():
            statuses = sorted(request.result().status_code for request in many)
    assert statuses == [200] * 12 + [503] * 8  # three quarters of 16


async def test_beside_others_a_caller_begins_one_request_at_a_time() -> None:
    turns = FairQueue(64, 64, clock=lambda: 1000.0)
    async with turns.turn("other"):
        pass
    async with turns.turn("one"), asyncio.timeout(30):
        second = asyncio.create_task(begin(turns))
        await asyncio.sleep(BEGINNING / 10)
        assert not second.done()
        async with turns.turn("other"):
            pass
        await second  # the first one is beyond its beginning


async def test_a_request_begins_when_the_one_before_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "BEGINNING", 600.0)
    turns = FairQueue(64, 64, clock=lambda: 1000.0)
    async with turns.turn("other"):
        pass
    async with asyncio.timeout(30):
        async with turns.turn("one"):
            second = asyncio.create_task(begin(turns))
            await asyncio.sleep(0)
        await second


async def test_alone_a_caller_begins_several_requests_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "BEGINNING", 600.0)
    now = 1000.0
    turns = FairQueue(64, 64, clock=lambda: now)
    async with turns.turn("other"):
        pass
    async with turns.turn("one"):
        now += OTHERS_ASK
        async with asyncio.timeout(30):
            await begin(turns)


async def begin(turns: FairQueue) -> None:
    async with turns.turn("one"):
        pass


def test_a_caller_above_its_rate_is_refused_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten requests at once, and one in a quarter of an hour: however long the ten take, the eleventh is too soon."""
    monkeypatch.setattr(web_rates, "BURST", 10_000)
    with serve(limits=RequestLimits(rate=0.001)) as client, other_caller(client) as other:
        for _ in range(10):
            assert client.post("/graphql", json=NAME).status_code == 200
        refused = client.post("/graphql", json=NAME)
        assert (refused.status_code, code(refused)) == (429, "RATE_LIMITED")
        assert 900 < int(refused.headers["retry-after"]) <= 1000
        assert other.post("/graphql", json=NAME).status_code == 200


def test_whoever_waits_as_told_is_answered_again() -> None:
    now = 1000.0
    rates = Rates(2, clock=lambda: now)
    for _ in range(2 * BURST):
        assert rates.seconds_to_wait("one") == 0
        rates.take("one")
    assert rates.seconds_to_wait("one") == pytest.approx(0.5)
    assert rates.seconds_to_wait("other") == 0
    now += 0.5
    assert rates.seconds_to_wait("one") == 0


def test_large_answers_count_more() -> None:
    rates = Rates(1, clock=lambda: 1000.0)
    rates.take_objects("one", 20 * OBJECTS_PER_TOKEN)
    assert rates.seconds_to_wait("one") == pytest.approx(11)


def test_addresses_that_one_machine_can_have_share_a_rate() -> None:
    callers = [caller_of({"type": "http", "client": (host, 1)}) for host in ("2001:db8::1", "2001:db8::2", "10.0.0.1")]
    assert callers == ["address:2001:db8::/64", "address:2001:db8::/64", "address:10.0.0.1"]
