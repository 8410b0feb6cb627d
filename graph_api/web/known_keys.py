"""API keys as the store has them, asked for at most every few seconds, however many tokens are tried."""

import asyncio
from time import monotonic, time

from graph_api.access.keys import ApiKey, parse_token
from graph_api.access.principal import Principal
from graph_api.errors import CatalogError, ErrorCode, ReplacedError
from graph_api.store.protocol import Store

FRESH = 3.0
"""Seconds that an answer is believed: a key that is revoked is refused within 5 seconds, on every worker."""
SECONDS = 2.0
"""Seconds that a request waits for the store's answer."""
PATIENCE = 1.0
"""Seconds after a try that failed in which nobody waits for the next one."""


class KnownKeys:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[str, ApiKey] = {}
        self._asked_at: float | None = None
        self._failed_at: float | None = None
        self._failure = ""
        self._asking = asyncio.Lock()

    async def principal(self, token: str) -> Principal | None:
        """Return who bears the key, None for what is no good key. Raises CatalogError UNAVAILABLE."""
        parsed = parse_token(token)
        if parsed is None:
            return None
        key = (await self._known()).get(parsed[0])
        good = key is not None and key.opens_with(parsed[1]) and key.is_good(time())
        return key.principal if key and good else None

    async def _known(self) -> dict[str, ApiKey]:
        async with self._asking:
            if self._asked_at is None or monotonic() - self._asked_at > FRESH:
                asked_at = monotonic()
                self._keys = {key.id: key for key in await self._ask()}
                self._asked_at = asked_at
            return self._keys

    async def _ask(self) -> list[ApiKey]:
        if self._failed_at is None or monotonic() - self._failed_at >= PATIENCE:
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._store.keys()
            except ReplacedError as error:
                self._failure = error.message
            except (CatalogError, TimeoutError):
                self._failure = "the store does not say which keys are good; try again"
            self._failed_at = monotonic()
        raise CatalogError(ErrorCode.UNAVAILABLE, self._failure)
