"""Whose pages a browser lets ask the server."""

import asyncio
from typing import Any

import httpx
import pytest

from graph_api.app import create_app
from graph_api.settings import BadSettingsError, Settings, load_settings
from tests.serving import everybody

PORTAL = "https://portal.example:8443"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}


def send(method: str, origin: str, headers: dict[str, str] | None = None, **settings: Any) -> httpx.Response:
    app = create_app(everybody(Settings(store="embedded::memory:", **settings)))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
        ):
            request = client.build_request(
                method,
                "/graphql",
                headers={"origin": origin, **(headers or {})},
                json={"query": "{ sources { name } }"} if method == "POST" else None,
            )
            return await client.send(request)

    return asyncio.run(ask())


def allowed(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-allow-origin")}


def test_a_page_of_an_origin_that_is_named_may_ask() -> None:
    preflight = send("OPTIONS", PORTAL, PREFLIGHT, cors_origins=(PORTAL,))
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, PORTAL)
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert {"authorization", "content-type"} <= set(
        preflight.headers["access-control-allow-headers"].lower().split(", ")
    )
    traced = PREFLIGHT | {"access-control-request-headers": "content-type, traceparent, x-request-id"}
    assert send("OPTIONS", PORTAL, traced, cors_origins=(PORTAL,)).status_code == 200
    answer = send("POST", PORTAL, cors_origins=("https://other.example", PORTAL))
    assert set(answer.headers["access-control-expose-headers"].lower().split(", ")) == {"retry-after", "x-request-id"}
    assert (answer.json()["data"], allowed(answer)) == (
        {"sources": []},
        {"access-control-allow-origin": PORTAL},
    )


@pytest.mark.parametrize("origins", [(), (PORTAL,)])
@pytest.mark.parametrize("origin", ["https://evil.example", "https://portal.example", "null"])
def test_pages_of_others_may_not(origin: str, origins: tuple[str, ...]) -> None:
    preflight = send("OPTIONS", origin, PREFLIGHT, cors_origins=origins)
    assert (preflight.status_code >= 400, allowed(preflight)) == (True, {})
    assert not [
        name for name in send("POST", origin, cors_origins=origins).headers if name.startswith("access-control-allow")
    ]


@pytest.mark.parametrize("origin", ["*", "portal.example", "https://portal.example/", "https://*.example", "null"])
def test_an_origin_is_written_in_full(origin: str) -> None:
    with pytest.raises(BadSettingsError, match=r"cors_origins: .* is no origin"):
        load_settings(chosen={"cors_origins": (origin,)})
