"""API keys: `cat_ID_SECRET`. The store knows the hash of the secret only."""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from graph_api.access.principal import Principal, Role
from graph_api.catalog.ref import Ref, kind_of

logger = logging.getLogger(__name__)

PREFIX = "cat"
DAY = 86_400
MAX_DAYS = 365

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_TOKEN = re.compile(rf"{PREFIX}_([0-9a-f]{{12}})_([0-9a-f]{{64}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key. Times are seconds since 1970."""

    id: str
    name: str
    role: Role
    hash: str
    created_at: int
    expires_at: int
    source: str | None = None
    """The source of an ingestor."""
    groups: tuple[Ref, ...] = ()
    """The teams that an editor writes for, and that a viewer sees restricted things of."""
    revoked_at: int | None = None

    def is_good(self, now: float) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def opens_with(self, secret: str) -> bool:
        return hmac.compare_digest(self.hash, _hash(secret))

    @property
    def principal(self) -> Principal:
        return Principal(
            name=f"key:{self.name}",
            roles=frozenset({self.role}),
            groups=frozenset(self.groups),
            source=self.source,
            expires_at=float(self.expires_at),
        )


def new_key(
    name: str, role: Role, now: int, days: int, *, source: str | None = None, groups: tuple[Ref, ...] = ()
) -> tuple[str, ApiKey]:
    """The token, which is shown once, and what the store keeps. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError("a key's name has 1 to 63 lower-case letters, digits and . _ -")
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(f"a key is good for 1 to {MAX_DAYS} days")
    if (role is Role.INGESTOR) != (source is not None):
        raise ValueError("an ingestor is bound to one source, and no other role is")
    if any(kind_of(group) != "group" for group in groups):
        raise ValueError("the teams of a key are groups")
    id_, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = ApiKey(
        id=id_,
        name=name,
        role=role,
        hash=_hash(secret),
        created_at=now,
        expires_at=now + days * DAY,
        source=source,
        groups=groups,
    )
    return f"{PREFIX}_{id_}_{secret}", key


def successor(key: ApiKey, now: int, overlap: int) -> tuple[str, ApiKey, ApiKey]:
    """A new token with its key for as many days as the old one, which is good for `overlap` more seconds at most."""
    days = max(1, (key.expires_at - key.created_at) // DAY)
    token, new = new_key(key.name, key.role, now, min(days, MAX_DAYS), source=key.source, groups=key.groups)
    return token, new, replace(key, expires_at=min(key.expires_at, now + overlap))


def parse_token(token: str) -> tuple[str, str] | None:
    """Return the id and the secret; None for what is no key of ours."""
    found = _TOKEN.fullmatch(token)
    return (found[1], found[2]) if found else None


def dump_key(key: ApiKey) -> str:
    return orjson.dumps(asdict(key)).decode()


def load_key(text: str) -> ApiKey:
    values: dict[str, Any] = orjson.loads(text)
    groups = tuple(map(Ref, values["groups"]))
    return ApiKey(**values | {"role": Role(values["role"]), "groups": groups})


def load_good_keys(texts: Iterable[str]) -> list[ApiKey]:
    """Return the keys by name, the oldest first; without those of another version that this one cannot read: they open
    nothing, and the others do.
    """
    keys = []
    for text in texts:
        try:
            keys.append(load_key(text))
        except (TypeError, ValueError, KeyError):
            logger.warning("A key is left out: its record is of another version")
    return sorted(keys, key=lambda key: (key.name, key.created_at, key.id))


def _hash(secret: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()
