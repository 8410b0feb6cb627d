"""The public keys of a token issuer: fetched seldom and within bounds, and kept while the issuer does not answer."""

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from jwt import PyJWK
from jwt.exceptions import PyJWTError

logger = logging.getLogger(__name__)

SECONDS = 2.0
"""Seconds for one fetch, and so what a request waits at most."""
MAX_BYTES = 1_000_000
MAX_KEYS = 100
PAUSE = 60.0
"""Seconds between two fetches, whatever keys tokens name."""
FIRST_PAUSE = 5.0
"""Seconds between two tries as long as there is no key at all."""
OLD = 300.0
"""Seconds after which the keys are fetched anew, beside the requests: a key that is gone there is not believed here."""
DISCOVERY = "/.well-known/openid-configuration"
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


class NoKeysError(Exception):
    """The issuer has not answered yet, so that no token can be judged."""


class KeySet:
    """Keys by id, from `url` or where the issuer's discovery document leads."""

    def __init__(self, issuer: str, url: str | None) -> None:
        self._issuer = issuer
        self._url = url
        self._keys: dict[str, Mapping[str, Any]] = {}
        self._tried_at: float | None = None
        self._fetched_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, id_: str, algorithm: str) -> PyJWK | None:
        """Return the key; None for an unknown one or for other uses. Raises NoKeysError, after 2 seconds at most."""
        if id_ not in self._keys:
            await self._fetch()
        elif monotonic() - (self._fetched_at or 0) > OLD:
            self._begin()
        if not self._keys:
            raise NoKeysError
        found = self._keys.get(id_)
        return _usable(found, algorithm) if found else None

    async def close(self) -> None:
        if self._fetching:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _fetch(self) -> None:
        """Wait for the fetch that runs, which ends by itself, or one that may begin now."""
        if fetching := self._begin():
            await asyncio.wait([fetching])

    def _begin(self) -> asyncio.Task[None] | None:
        if self._fetching and not self._fetching.done():
            return self._fetching
        pause = PAUSE if self._keys else FIRST_PAUSE
        if self._tried_at is not None and monotonic() - self._tried_at < pause:
            return None
        self._tried_at = monotonic()
        self._fetching = asyncio.create_task(self._replace())
        return self._fetching

    async def _replace(self) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                keys = await self._load()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
            logger.warning("The keys of %s cannot be fetched: %s %s", self._issuer, type(error).__name__, error)
        else:
            self._keys = keys
            self._fetched_at = monotonic()

    async def _load(self) -> dict[str, Mapping[str, Any]]:
        async with httpx.AsyncClient(timeout=SECONDS, follow_redirects=False) as client:
            url = self._url or await self._discover(client)
            document = await _get(client, url)
        listed = document.get("keys")
        keys = {row["kid"]: row for row in listed[:MAX_KEYS] if _is_key(row)} if isinstance(listed, list) else {}
        if not keys:
            raise ValueError("there is no usable key in the answer")
        return keys

    async def _discover(self, client: httpx.AsyncClient) -> str:
        document = await _get(client, self._issuer.rstrip("/") + DISCOVERY)
        url = document.get("jwks_uri")
        if document.get("issuer") != self._issuer:
            raise ValueError("its discovery document is of another issuer")
        if not isinstance(url, str) or urlsplit(url).scheme != urlsplit(self._issuer).scheme:
            raise ValueError("its discovery document names no jwks_uri of the issuer's own protocol")
        return url


async def _get(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """Return the JSON object at the URL. Raises ValueError and httpx.HTTPError; a redirect is not followed."""
    body = bytearray()
    async with client.stream("GET", url, headers={"accept": "application/json"}) as answer:
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"{url} answers {answer.status_code}")
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MAX_BYTES:
                raise ValueError(f"{url} answers more than {MAX_BYTES:,} bytes")
    document = orjson.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{url} answers no object")
    return document


def _is_key(row: object) -> bool:
    """Whether it is a key of an asymmetric kind, for signatures, and well-formed."""
    if not isinstance(row, dict) or not isinstance(row.get("kid"), str) or row.get("use", "sig") != "sig":
        return False
    return row.get("kty") in KEY_TYPES.values() and _parsed(row, None) is not None


def _usable(row: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    if row.get("kty") != KEY_TYPES.get(algorithm[:2]) or row.get("alg", algorithm) != algorithm:
        return None
    return _parsed(row, algorithm)


def _parsed(row: Mapping[str, Any], algorithm: str | None) -> PyJWK | None:
    try:
        return PyJWK(dict(row), algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
