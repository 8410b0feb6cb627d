"""POST /hooks/SOURCE: whoever knows the secret of a source can ask that it is synced soon."""

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

from graph_api.errors import ErrorCode
from graph_api.source_entries import Configured
from graph_api.web.limits import LimitRequests, RequestLimits
from graph_api.web.responses import error_response, json_response

BEARER = "bearer "


def hook_routes(sources: Sequence[Configured], ask: Callable[[str], None], limits: RequestLimits) -> list[Route]:
    """`ask` gets the name of a source."""

    async def answer(request: Request) -> Response:
        source = next((row for row in sources if row.name == request.path_params["source"]), None)
        secret = secret_of(source) if source else None
        if source is None or secret is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if not _is_signed(request.headers, await request.body(), secret):
            return not_authorized()
        ask(source.name)
        return json_response({"status": "accepted"}, HTTPStatus.ACCEPTED)

    return [Route("/hooks/{source:path}", LimitRequests(request_response(answer), limits), methods=["POST"])]


def secret_of(source: Configured) -> bytes | None:
    """None where none is configured, or its variable is not set."""
    return os.environ.get(source.webhook_secret_variable or "", "").encode() or None


def bears(headers: Headers, secret: bytes) -> bool:
    """Whether the secret is the token in the header Authorization."""
    given = headers.get("authorization", "")
    return given[: len(BEARER)].lower() == BEARER and _same(given[len(BEARER) :].strip(), secret)


def not_authorized() -> Response:
    return error_response(
        HTTPStatus.UNAUTHORIZED,
        ErrorCode.BAD_REQUEST,
        "The secret of the source is missing or wrong.",
        {"www-authenticate": "Bearer"},
    )


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
