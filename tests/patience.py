"""Bounds of the product that only a program which stands still can meet. Where a test is about something else, they are
far away, however busy the machine is; a test of such a bound sets its own.
"""

from types import ModuleType

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG

from graph_api.store.neo4j import database
from graph_api.telemetry import watchdog
from graph_api.web import admin, authentication, health, jwks, known_keys, store_lifecycle

LONG = 60.0
BOUNDS: list[tuple[ModuleType, str]] = [
    (admin, "STORE_SECONDS"),
    (authentication, "SECONDS"),
    (database, "ALONE"),
    (database, "POOL_TIMEOUT"),
    (health, "PING_TIMEOUT"),
    (jwks, "SECONDS"),
    (known_keys, "SECONDS"),
    (store_lifecycle, "FIRST_TRY"),
    (watchdog, "WORTH_TELLING"),
]


def be_patient(patch: pytest.MonkeyPatch) -> None:
    for module, name in BOUNDS:
        patch.setattr(module, name, LONG)
    # What clients of httpx wait for that are not told how long.
    for name in ("connect", "read", "write", "pool"):
        patch.setattr(DEFAULT_TIMEOUT_CONFIG, name, LONG)
