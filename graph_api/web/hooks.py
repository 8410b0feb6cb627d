"""POST /hooks/SOURCE: whoever knows the secret of a source, or may sync it, can ask that it is synced soon."""

import hashlib
import hmac
from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph_api.access.audit import Attempt
from graph_api.access.authorize import SYNC, authorize
from graph_api.recording import recording
from graph_api.source_entries import Configured
from graph_api.web.authentication import NotSignedInError
from graph_api.web.receiving import Receiver, bears, knowing_secret, same, secret_of, warn_of_missing_secrets
from graph_api.web.responses import json_response

ACTION = "hook"
_SIGNATURES = frozenset({"x-hub-signature-256", "x-gitlab-token"})


def hook_routes(sources: Sequence[Configured], receiver: Receiver) -> list[Route]:
    warn_of_missing_secrets(sources)

    async def answer(request: Request) -> Response:
        name: str = request.path_params["source"]
        source = next((row for row in sources if row.name == name), None)
        secret = secret_of(source) if source else None
        if secret is not None and _is_signed(request.headers, await request.body(), secret):
            by = knowing_secret(request, ACTION, name)
        else:
            by = await _authorized(request, receiver, name)
        if source is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"no source {name} in `sources` has paths or a connector")
        receiver.require_store()
        receiver.ask(name, by)
        return json_response({"status": "accepted"}, HTTPStatus.ACCEPTED)

    return [receiver.route("/hooks/{source:path}", answer)]


async def _authorized(request: Request, receiver: Receiver, source: str) -> Attempt:
    """Return who may have the source synced. Raises NotSignedInError and CatalogError FORBIDDEN."""
    try:
        by = await receiver.signed_in(request, ACTION, source)
    except NotSignedInError as error:
        if _SIGNATURES.isdisjoint(request.headers):
            raise
        # The same for every source: nobody learns which there are, and which have a secret.
        raise NotSignedInError("The webhook's secret is missing or wrong, or the source has none.") from error
    async with recording(receiver.store, by):
        authorize(by.principal, SYNC, source)
    return by


def _is_signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """GitHub signs the body, GitLab sends its token, everybody else can send the secret as a bearer token."""
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return (
        same(headers.get("x-hub-signature-256", ""), signature.encode())
        or same(headers.get("x-gitlab-token", ""), secret)
        or bears(headers, secret)
    )
