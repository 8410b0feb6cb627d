"""Which write a client means that sends it again: its key, and what it asks for."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graph_api.access.principal import Principal
from graph_api.errors import CatalogError, ErrorCode

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Idempotency:
    """How a repeated write is known: `key` is of one principal, `digest` of what is asked."""

    key: str
    digest: str


def idempotency_of(principal: Principal, action: str, key: str, arguments: Mapping[str, Any]) -> Idempotency:
    """Return the key and the digest of a write. Raises CatalogError BAD_INPUT. `arguments` are plain values, mappings,
    lists and enums.
    """
    if not (1 <= len(key) <= MAX_KEY and key.isprintable()):
        raise CatalogError(ErrorCode.BAD_INPUT, f"`idempotencyKey` is a printable text of 1 to {MAX_KEY} characters")
    asked = json.dumps([action, arguments], sort_keys=True, default=str)
    return Idempotency(f"{principal.name}\n{key}", hashlib.sha256(asked.encode()).hexdigest())
