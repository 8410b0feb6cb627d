"""Configured sources into the catalog: what a source says now is read, and synced."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import TypeVar

from graph_api.access.audit import LOCAL_SYNC, Attempt
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.snapshot import Snapshot
from graph_api.errors import UNREACHABLE, CatalogError, ErrorCode, OvertakenError
from graph_api.source_entries import Configured, FileSource, OnlineSource
from graph_api.sources import files, openlineage
from graph_api.sources.answers import answers_of
from graph_api.sources.api import Api, ApiError
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.folders import SourceError
from graph_api.sources.reading import read_answers, read_paths
from graph_api.sources.registry import FORMATS, ONLINE
from graph_api.store.protocol import Store
from graph_api.sync import SyncReport, known_of, record_failure, sync, to_sync

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fed:
    """What became of what a configured source says: its sources that were synced, and by name those that failed."""

    reports: list[SyncReport] = field(default_factory=list)
    failures: dict[str, CatalogError] = field(default_factory=dict)

    def log_failures(self) -> None:
        for name, failure in self.failures.items():
            logger.warning("%s: FAILED, nothing is withdrawn: %s", name, failure)


async def feed(
    store: Store,
    entry: Configured,
    order: SourceOrder,
    groups: Sequence[str] = (),
    *,
    by: Attempt = LOCAL_SYNC,
    dry_run: bool = False,
) -> Fed:
    """Sync all that the source says now. Raises SourceError when it cannot be read, and CatalogError.

    A failure leaves a FAILED run and withdraws nothing, unless the store itself does not answer; what other connectors
    read there is synced all the same. Where another sync of the source is applied while this one reads, this one writes
    nothing: OvertakenError.
    """
    known = await known_of(store)
    if awaits_events(entry) and not any(known.get(name) for name in names_of(entry)):
        return Fed()
    fail = _unrecorded if dry_run else partial(record_failure, store, by=by)
    try:
        snapshots = await to_sync(store, await read(entry, groups))
    except (SourceError, CatalogError) as error:
        if not leaves_no_run(error):
            await fail(names_of(entry)[0], _connectors(entry)[0], str(error))
        raise
    fed = Fed()
    for snapshot in snapshots:
        try:
            fed.reports.append(await sync(store, snapshot, order, by=by, dry_run=dry_run, known=known))
        except CatalogError as error:
            if leaves_no_run(error):
                fed.log_failures()
                raise
            fed.failures[snapshot.source] = error
            # A source of another connector has runs of that alone.
            if error.code is not ErrorCode.DECLARED_ELSEWHERE:
                await fail(snapshot.source, snapshot.connector, str(error))
    return fed


async def _unrecorded(_source: str, _connector: str, _message: str) -> None:
    """Record nothing: a dry run leaves no run."""


def leaves_no_run(error: SourceError | CatalogError) -> bool:
    """Whether the store does not answer, or another sync was faster: no failed run is written."""
    return isinstance(error, CatalogError) and (isinstance(error, OvertakenError) or error.code in UNREACHABLE)


def awaits_events(entry: Configured) -> bool:
    """Whether its folder is made with the first event that is received. Once it has been there, it must not be gone."""
    return isinstance(entry, FileSource) and openlineage.NAME in entry.connectors and not entry.paths[0].exists()


def names_of(entry: Configured) -> list[str]:
    """Return the sources that the entry speaks for, one a connector."""
    bare = entry.name.removeprefix(f"{files.CONNECTOR}:")
    return [entry.name if name == files.CONNECTOR else f"{name}:{bare}" for name in _connectors(entry)]


def _connectors(entry: Configured) -> Sequence[str]:
    if isinstance(entry, OnlineSource):
        return [entry.connector]
    return entry.connectors or [files.CONNECTOR, *(format_.name for format_ in FORMATS)]


async def read(entry: Configured, groups: Sequence[str] = ()) -> list[Snapshot]:
    """A snapshot for each connector. SourceError if the source cannot be listed, or not be asked to its end."""
    if isinstance(entry, FileSource):
        return await _in_background(lambda: _read_files(entry, groups))
    connector = ONLINE[entry.connector]
    answers = await _fetch(entry, connector)
    return [await _in_background(lambda: read_answers(connector, answers, entry.name))]


def _read_files(entry: FileSource, groups: Sequence[str]) -> list[Snapshot]:
    return read_paths(entry.paths, source=entry.name, repo=entry.repo, groups=groups, only=entry.connectors)


async def _fetch(entry: OnlineSource, connector: Connector) -> list[Document | Unanswered]:
    online = connector.online
    if online is None:
        raise SourceError(f"{connector.name} has no API")
    token = _token(entry.token_variable or online.token_variable)
    try:
        async with Api(entry.url or online.base_url or "", online.headers_with(token)) as api:
            return await answers_of(connector, online.fetch(api, entry.options))
    except ApiError as error:
        raise SourceError(str(error).replace(token, "...")) from None
    except Exception as error:
        connector.log_defect(error)
        raise SourceError(f"the connector {connector.name} failed; the log says where") from None


def _token(variable: str) -> str:
    token = os.environ.get(variable, "").strip()
    if not token:
        raise SourceError(f"the environment variable {variable} is not set; it holds the token")
    if not token.isascii() or not token.isprintable():
        raise SourceError(f"the environment variable {variable} holds no token: it has characters that no header takes")
    return token


async def _in_background(work: Callable[[], T]) -> T:
    """Do work in a thread that nobody waits for when the program is told to end: reading leaves nothing half done."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, name="source-reader", daemon=True).start()
    return await asyncio.wrap_future(future)
