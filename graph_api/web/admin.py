"""For operators, on a port of their own: is it alive, is it ready, and what does it measure?"""

import asyncio
import platform
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from importlib.metadata import version

from prometheus_client import Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph_api.catalog.changes import SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.merge import API_CONNECTOR
from graph_api.errors import CatalogError
from graph_api.store.protocol import Store
from graph_api.telemetry.metrics import BUILD, REGISTRY, REMOVED, STORE_UP, SYNC_AGE, SYNC_FAILED, SYNCS_HELD
from graph_api.web.hosts import KnownHosts

STORE_SECONDS = 1.0
"""Seconds that the metrics wait for the store; without its answer they tell the rest."""
MAX_HELD = 1_000
MAX_SOURCES = 500
"""Sources that are told of at most, those of connectors first: editors make up names of sources as they like."""


def build_admin(health: Sequence[Route], store: Store, hosts: AbstractSet[str] | None = None) -> Starlette:
    """/livez, /readyz and /metrics. `hosts` are the names that it answers to, None for all."""
    BUILD.labels(version("graph-api"), platform.python_version()).set(1)

    async def metrics(_request: Request) -> Response:
        STORE_UP.set(await _ask_of_sources(store))
        return Response(generate_latest(REGISTRY), headers={"content-type": CONTENT_TYPE_LATEST})

    middleware = [Middleware(KnownHosts, hosts)] if hosts else []
    return Starlette(routes=[*health, Route("/metrics", metrics)], middleware=middleware)


async def _ask_of_sources(store: Store) -> bool:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            sources = await store.sources()
            held = await store.syncs(None, MAX_HELD, status=SyncStatus.HELD)
    except (CatalogError, TimeoutError):
        return False
    _tell_of_sources(sources, held)
    return True


def _tell_of_sources(sources: Sequence[SourceInfo], held: Sequence[SyncRun]) -> None:
    now = datetime.now(UTC)
    for gauge in (SYNC_AGE, SYNC_FAILED, SYNCS_HELD, REMOVED):
        gauge.clear()
    waiting = Counter(run.source for run in held)
    for source in sorted(sources, key=lambda row: (row.connector == API_CONNECTOR, row.name))[:MAX_SOURCES]:
        seen = source.last_applied_at
        if seen:
            _set(SYNC_AGE, source, (now - datetime.fromisoformat(seen)).total_seconds())
        counts = source.last_run.counts
        _set(SYNC_FAILED, source, source.last_run.status is SyncStatus.FAILED)
        _set(SYNCS_HELD, source, waiting[source.name])
        _set(REMOVED, source, counts.entities_removed + counts.links_removed)


def _set(gauge: Gauge, source: SourceInfo, value: float) -> None:
    gauge.labels(source.name).set(value)
