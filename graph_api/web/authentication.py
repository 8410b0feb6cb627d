"""Who asks: a bearer token in the header Authorization, or nobody. Never a URL, never a cookie."""

import asyncio
import logging
from dataclasses import replace
from http import HTTPStatus
from time import monotonic
from typing import Protocol

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from graph_api.access.principal import ANONYMOUS, Principal
from graph_api.access_settings import AccessSettings
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError, ErrorCode
from graph_api.standing import all_names
from graph_api.store.protocol import Store
from graph_api.web.jwks import KeySet, NoKeysError
from graph_api.web.known_keys import SECONDS, KnownKeys
from graph_api.web.responses import error_response
from graph_api.web.tokens import BadTokenError, SignedIn, TokenVerifier

BEARER = "bearer "
GROUPS_FRESH = 5.0
"""Seconds that the catalog's answer is believed on whose member a user is."""
MAX_REMEMBERED = 10_000

logger = logging.getLogger(__name__)


class NotSignedInError(Exception):
    """No token, or one that is not good; the message is for the client."""


class Authenticator(Protocol):
    async def principal(self, headers: Headers) -> Principal:
        """Return who asks. Raises NotSignedInError, and CatalogError UNAVAILABLE where nobody can say now."""
        ...

    async def close(self) -> None: ...


class Anybody:
    """Everybody may do everything. A token is not looked at."""

    async def principal(self, headers: Headers) -> Principal:  # noqa: ARG002 - the protocol's
        return ANONYMOUS

    async def close(self) -> None:
        """Close nothing: nothing is open."""


class TokenAuthenticator:
    """Knows people and programs by API keys, and by tokens of the issuer where one is configured."""

    def __init__(self, store: Store, settings: AccessSettings) -> None:
        self._known = KnownKeys(store)
        self._store = store
        self._keys = KeySet(settings.oidc_issuer, settings.oidc_jwks_url) if settings.oidc_issuer else None
        self._verifier = TokenVerifier(settings, self._keys) if self._keys else None
        self._groups: dict[Ref, tuple[float, frozenset[Ref]]] = {}

    async def principal(self, headers: Headers) -> Principal:
        token = bearer_of(headers)
        if token is None:
            raise NotSignedInError("Sign in: send a token in the header `Authorization: Bearer ...`.")
        if principal := await self._known.principal(token):
            return principal
        return await self._with_groups(await self._verified(token))

    async def close(self) -> None:
        if self._keys:
            await self._keys.close()

    async def _verified(self, token: str) -> SignedIn:
        try:
            if self._verifier is None:
                raise BadTokenError("no key of ours, and no issuer is configured")
            return await self._verifier.verify(token)
        except BadTokenError as error:
            logger.info("A token is refused: %s", error)
            raise NotSignedInError("The token is not valid, or not any more.") from error
        except NoKeysError:
            message = "the issuer of tokens did not answer; try again"
            raise CatalogError(ErrorCode.UNAVAILABLE, message) from None

    async def _with_groups(self, signed_in: SignedIn) -> Principal:
        principal = signed_in.principal
        if signed_in.groups is not None or principal.user is None:
            return principal
        return replace(principal, groups=await self._groups_of(principal.user))

    async def _groups_of(self, user: Ref) -> frozenset[Ref]:
        """Return the user's groups as the catalog has them, or had a moment ago."""
        at, groups = self._groups.get(user, (None, frozenset[Ref]()))
        if at is None or monotonic() - at > GROUPS_FRESH:
            groups = await self._ask_groups_of(user)
            if len(self._groups) >= MAX_REMEMBERED:
                self._groups.clear()
            self._groups[user] = (monotonic(), groups)
        return groups

    async def _ask_groups_of(self, user: Ref) -> frozenset[Ref]:
        try:
            async with asyncio.timeout(SECONDS):
                names = await all_names(self._store, [user])
                found = await self._store.neighbours(names, Direction.OUT, ["MEMBER_OF"])
        except TimeoutError:
            raise CatalogError(ErrorCode.UNAVAILABLE, "the store did not say whose member you are") from None
        return frozenset(row.entity.ref for rows in found.values() for row in rows)


def bearer_of(headers: Headers) -> str | None:
    """Return the token; None unless there is exactly one header with one."""
    given = headers.getlist("authorization")
    if len(given) != 1 or given[0][: len(BEARER)].lower() != BEARER:
        return None
    return given[0][len(BEARER) :].strip() or None


class Refusing:
    """Answers for those that are not let in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except NotSignedInError as error:
            has_token = bearer_of(Headers(scope=scope)) is not None
            await _unauthenticated(str(error), has_token=has_token)(scope, receive, send)
        except CatalogError as error:
            await _refused(error)(scope, receive, send)


class Authentication:
    """Lets nobody in who is not signed in; `scope["state"]["principal"]` says who it is."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self.app = app
        self._authenticator = authenticator
        self._gate = Refusing(self._enter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._gate(scope, receive, send)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal = await self._authenticator.principal(Headers(scope=scope))
        scope.setdefault("state", {})["principal"] = principal
        await self.app(scope, receive, send)


def principal_of(request: Request) -> Principal:
    """Return whom Authentication let in; it stands before every application that asks."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


def _unauthenticated(message: str, *, has_token: bool) -> Response:
    """Return the refusal; as of RFC 6750, a token that is not good is named as such."""
    challenge = 'Bearer realm="graph-api"' + ', error="invalid_token"' * has_token
    headers = {"www-authenticate": challenge}
    return error_response(HTTPStatus.UNAUTHORIZED, ErrorCode.UNAUTHENTICATED, message, headers)


def _refused(error: CatalogError) -> Response:
    if error.code is ErrorCode.FORBIDDEN:
        return error_response(HTTPStatus.FORBIDDEN, error.code, error.message)
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.message, {"retry-after": "1"})
