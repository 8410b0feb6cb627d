"""POST /hooks/SOURCE: whoever knows the secret of a source, or may sync it, can ask that it is synced soon."""

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response

from graph_api.access.authorize import SYNC, authorize
from graph_api.source_entries import Configured
from graph_api.web.authentication import Authenticator, Refusing, bearer_of
from graph_api.web.limits import LimitRequests, RequestLimits
from graph_api.web.responses import json_response


def hook_routes(
    sources: Sequence[Configured],
    ask: Callable[[str], None],
    require_store: Callable[[], None],
    limits: RequestLimits,
    authenticator: Authenticator,
) -> list[Route]:
    """`ask` gets the name of a source. `require_store` raises CatalogError where nothing is synced any more."""

    async def answer(request: Request) -> Response:
        source = next((row for row in sources if row.name == request.path_params["source"]), None)
        secret = secret_of(source) if source else None
        if secret is None or not _is_signed(request.headers, await request.body(), secret):
            await authorize_sync(request, authenticator, request.path_params["source"])
        if source is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        require_store()
        ask(source.name)
        return json_response({"status": "accepted"}, HTTPStatus.ACCEPTED)

    limited = LimitRequests(request_response(answer), limits)
    return [Route("/hooks/{source:path}", Refusing(limited), methods=["POST"])]


async def authorize_sync(request: Request, authenticator: Authenticator, source: str) -> None:
    """Of whoever does not know the source's own secret. Raises NotSignedInError and CatalogError FORBIDDEN."""
    authorize(await authenticator.principal(request.headers), SYNC, source)


def secret_of(source: Configured) -> bytes | None:
    """None where none is configured, or its variable is not set."""
    return os.environ.get(source.webhook_secret_variable or "", "").encode() or None


def bears(headers: Headers, secret: bytes) -> bool:
    """Whether the secret is the token in the header Authorization."""
    given = bearer_of(headers)
    return given is not None and _same(given, secret)


def _is_signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """GitHub signs the body, GitLab sends its token, everybody else can send the secret as a bearer token."""
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return (
        _same(headers.get("x-hub-signature-256", ""), signature.encode())
        or _same(headers.get("x-gitlab-token", ""), secret)
        or bears(headers, secret)
    )


def _same(given: str, wanted: bytes) -> bool:
    # Headers are read as Latin-1, whatever bytes were sent.
    return hmac.compare_digest(given.encode("latin-1"), wanted)
