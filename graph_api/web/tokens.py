"""Tokens of an OIDC issuer (JWT): checked to the letter, and made a principal of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from graph_api.access.principal import Principal, Role
from graph_api.access_settings import EVERYBODY, AccessSettings
from graph_api.catalog.ref import BadRefError, Ref, kind_of, parse_ref
from graph_api.web.jwks import KeySet

MAX_TOKEN = 16_384
"""Characters, and so a bound on how many groups it lists."""
MAX_SUBJECT = 200
_KEYS_IN_HEADER = ("jwk", "jku", "x5u", "x5c", "crit")
"""Keys come from the issuer, never from the token; and we know no critical extension."""
_REQUIRED = ("exp", "iss", "aud")


class BadTokenError(Exception):
    """A token that is not believed; the message is for the log."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in with a token. `groups` is None where the token does not tell: then the catalog does."""

    principal: Principal
    groups: frozenset[Ref] | None


class TokenVerifier:
    """Checks tokens of one issuer. `settings` have oidc_issuer."""

    def __init__(self, settings: AccessSettings, keys: KeySet) -> None:
        self._settings = settings
        self._keys = keys

    async def verify(self, token: str) -> SignedIn:
        """Return who signed in. Raises BadTokenError, and NoKeysError while the issuer has not answered."""
        algorithm, key_id = self._header(token)
        key = await self._keys.key(key_id, algorithm)
        if key is None:
            raise BadTokenError("signed with a key that the issuer does not have")
        try:
            claims = self._decode(token, key, algorithm)
        except (jwt.PyJWTError, ValueError, TypeError, ArithmeticError) as error:
            raise BadTokenError(f"{type(error).__name__}: {error}") from error
        return self._signed_in(claims)

    def _header(self, token: str) -> tuple[str, str]:
        """Return the algorithm and the id of the key. Raises BadTokenError."""
        if len(token) > MAX_TOKEN:
            raise BadTokenError(f"longer than {MAX_TOKEN} characters")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise BadTokenError(f"no token: {error}") from error
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self._settings.oidc_algorithms:
            raise BadTokenError(f"signed with the algorithm {algorithm!r:.40}")
        if not isinstance(key_id, str) or any(name in header for name in _KEYS_IN_HEADER):
            raise BadTokenError("a header that names no key of the issuer, or brings its own")
        return algorithm, key_id

    def _decode(self, token: str, key: jwt.PyJWK, algorithm: str) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._settings.oidc_audience,
            issuer=self._settings.oidc_issuer,
            leeway=self._settings.oidc_leeway,
            options={"require": list(_REQUIRED), "enforce_minimum_key_length": True},
        )
        return claims

    def _signed_in(self, claims: Mapping[str, Any]) -> SignedIn:
        subject = _at(claims, self._settings.oidc_user_claim)
        if not isinstance(subject, str) or not subject.isprintable() or not 1 <= len(subject) <= MAX_SUBJECT:
            raise BadTokenError(f"its claim {self._settings.oidc_user_claim} names nobody")
        user = _ref(subject, "user")
        listed = _at(claims, self._settings.oidc_groups_claim)
        names = _texts(listed)
        groups = None if listed is None else frozenset(ref for name in names if (ref := _ref(name, "group")))
        values = {EVERYBODY, *names, *_texts(_at(claims, self._settings.oidc_roles_claim))}
        roles = {Role(role) for value, role in self._settings.oidc_roles.items() if value in values}
        principal = Principal(
            name=user or f"subject:{subject}",
            roles=frozenset(roles),
            user=user,
            groups=groups or frozenset(),
            expires_at=float(claims["exp"]),
        )
        return SignedIn(principal, groups)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim of that name, or what the path leads to."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [item for item in listed if isinstance(item, str) and item != EVERYBODY]


def _ref(value: object, kind: str) -> Ref | None:
    """Return the value as a ref; None for what is no ref of this kind."""
    try:
        ref = parse_ref(value, kind=kind) if isinstance(value, str) else None
    except BadRefError:
        return None
    return ref if ref and kind_of(ref) == kind else None
