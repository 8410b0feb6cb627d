"""Which names the server answers to.

A page that a browser shows may lead its own name to 127.0.0.1 and then ask us as if we were its server (DNS
rebinding); the Host header tells.
"""

from collections.abc import Set as AbstractSet
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from graph_api.errors import ErrorCode
from graph_api.web.headers import header
from graph_api.web.responses import error_response, refuse


class KnownHosts:
    """Refuses requests for other hosts; `hosts` are lower-case names and addresses without ports and brackets."""

    def __init__(self, app: ASGIApp, hosts: AbstractSet[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _name(header(scope, b"host")) in self.hosts:
            await self.app(scope, receive, send)
            return
        message = "The server is not known by this Host; name it in the setting allowed_hosts."
        response = error_response(HTTPStatus.MISDIRECTED_REQUEST, ErrorCode.BAD_REQUEST, message)
        await refuse(response, scope, receive, send)


def _name(host: str) -> str:
    """Return the host's name, in lower case and without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().removesuffix(".")
