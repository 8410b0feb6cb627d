"""Which names a server answers to: pages of other sites must not reach it through a name of their own."""

import asyncio
from typing import Any

import httpx
import pytest

from graph_api.app import create_app
from graph_api.settings import Settings
from tests.serving import everybody

EVERYWHERE = "0.0.0.0"


def status(name: str, **settings: Any) -> int:
    app = create_app(everybody(Settings(store="embedded::memory:", **settings)))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.get("/livez", headers={"host": name})

    response = asyncio.run(ask())
    if response.is_error:
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    return response.status_code


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]", "localhost."])
def test_a_server_on_loopback_answers_to_loopback_names(host: str) -> None:
    assert status(host) == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "", "[::2]:8000", "localhost.evil.example"])
def test_a_server_on_loopback_refuses_other_names(host: str) -> None:
    assert status(host) == 421


def test_other_names_can_be_allowed() -> None:
    assert status("catalog.test", allowed_hosts=("Catalog.test",)) == 200


def test_elsewhere_any_name_is_answered_unless_names_are_given() -> None:
    assert status("any.test", host=EVERYWHERE) == 200
    assert status("any.test", host=EVERYWHERE, allowed_hosts=("catalog.test",)) == 421
