"""What /hooks and /api/v1/lineage have in common: who may have a source synced, and who asked for it."""

import hmac
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response

from graph_api.access.audit import Attempt
from graph_api.access.principal import Principal
from graph_api.source_entries import Configured
from graph_api.store.protocol import Store
from graph_api.web.authentication import Authenticator, Refusing, bearer_of
from graph_api.web.limits import LimitRequests, RequestLimits
from graph_api.web.request_id import request_id

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receiver:
    """`ask` has a source synced soon, and who asked recorded. `require_store` raises CatalogError where nothing is
    synced any more.
    """

    store: Store
    ask: Callable[[str, Attempt], None]
    require_store: Callable[[], None]
    limits: RequestLimits
    authenticator: Authenticator

    def route(self, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
        return Route(path, Refusing(LimitRequests(request_response(answer), self.limits)), methods=["POST"])

    async def signed_in(self, request: Request, action: str, source: str | None = None) -> Attempt:
        """Return the attempt of whoever bears a token, by default for the source that it is bound to. Raises
        NotSignedInError.
        """
        principal = await self.authenticator.principal(request.headers)
        return _attempt(request, principal, action, source or principal.source)


def knowing_secret(request: Request, action: str, source: str) -> Attempt:
    """Return the attempt of whoever knows the source's own secret."""
    return _attempt(request, Principal(name=f"secret:{source}", roles=frozenset()), action, source)


def _attempt(request: Request, principal: Principal, action: str, source: str | None) -> Attempt:
    client = request.client.host if request.client else ""
    return Attempt(principal=principal, action=action, client=client, request_id=request_id(request), source=source)


def secret_of(source: Configured) -> bytes | None:
    """Return the source's secret; None where none is configured, or its variable is not set."""
    return os.environ.get(source.webhook_secret_variable or "", "").encode() or None


def warn_of_missing_secrets(sources: Iterable[Configured]) -> None:
    """Log, once, when the server starts, which secrets are not set: whoever sends the wrong secret is told no more than
    others.
    """
    for source in sources:
        if source.webhook_secret_variable and secret_of(source) is None:
            message = "The source %s has its webhook secret in %s, which is not set"
            logger.warning(message, source.name, source.webhook_secret_variable)


def bears(headers: Headers, secret: bytes) -> bool:
    """Whether the secret is the token in the header Authorization."""
    given = bearer_of(headers)
    return given is not None and same(given, secret)


def same(given: str, wanted: bytes) -> bool:
    # Headers are read as Latin-1, whatever bytes were sent.
    return hmac.compare_digest(given.encode("latin-1"), wanted)
