"""A write that is sent twice under one key of the client is done once, and answered the second time as the first."""

import zlib
from typing import Any, Protocol

import orjson

from graph_api.access.idempotency import Idempotency
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.protocol import StoredAnswer, WriteTransaction

KEPT_SECONDS = 86_400.0

Told = dict[str, Any]
"""What a write answered, as JSON has it."""


class Telling(Protocol):
    def told(self) -> Told: ...


class ReplayedError(Exception):
    """The write is done already; `told` is what it answered."""

    def __init__(self, told: Told) -> None:
        super().__init__("it is done already")
        self.told = told


async def check_new(tx: WriteTransaction, idempotency: Idempotency) -> None:
    """Raise ReplayedError if it is done already, and CatalogError IDEMPOTENCY_MISMATCH if that was another write."""
    stored = await tx.answer_of(idempotency.key)
    if stored is None:
        return
    if stored.digest != idempotency.digest:
        message = "this idempotencyKey was used for another write; take a new key for each"
        raise CatalogError(ErrorCode.IDEMPOTENCY_MISMATCH, message)
    raise ReplayedError(orjson.loads(zlib.decompress(stored.body)))


async def keep(tx: WriteTransaction, idempotency: Idempotency, answer: Telling) -> None:
    body = zlib.compress(orjson.dumps(answer.told()))
    await tx.keep_answer(StoredAnswer(idempotency.key, idempotency.digest, body), KEPT_SECONDS)
