"""POST /api/v1/lineage: OpenLineage's producers send their events here.

Each event becomes a file in the folder of the source whose secret the producer bears, in the place of an older one of
the same job and type: a restart keeps them, and there are no more files than jobs have types of events.
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from http import HTTPStatus
from math import inf
from pathlib import Path
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph_api.access.audit import Attempt
from graph_api.access.authorize import SYNC, authorize
from graph_api.errors import CatalogError, ErrorCode
from graph_api.locking import exclusive
from graph_api.recording import recording
from graph_api.replacing import replacing
from graph_api.source_entries import Configured, FileSource
from graph_api.sources import openlineage
from graph_api.sources.documents import Document, dig
from graph_api.sources.json_documents import read_json
from graph_api.sources.naming import name_of
from graph_api.sources.parsing import TextError
from graph_api.sources.scalars import seconds_in
from graph_api.web.receiving import Receiver, bears, knowing_secret, secret_of
from graph_api.web.responses import error_response, json_response

ACTION = "lineage"
logger = logging.getLogger(__name__)

LOCK = ".lock"
AHEAD = 600.0
"""Seconds that a producer's clock may be ahead of ours."""


def lineage_routes(sources: Sequence[Configured], receiver: Receiver) -> list[Route]:
    """Return the routes for the sources of files that openlineage reads: for one that has a secret, whoever bears it;
    for any, its ingestor.
    """
    receiving = [
        source for source in sources if isinstance(source, FileSource) and openlineage.NAME in source.connectors
    ]

    async def answer(request: Request) -> Response:
        if not receiving:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        source, by = await _source_of(request, receiving, receiver)
        receiver.require_store()
        try:
            # Megabytes of events would keep all others waiting.
            documents = await run_in_threadpool(_received, await request.body())
        except (TextError, ValueError) as error:
            return error_response(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, f"Nothing is kept: {error}")
        try:
            await run_in_threadpool(_keep, documents, source.paths[0])
        except OSError as error:
            logger.error("Events of %s cannot be kept in %s: %s", source.name, source.paths[0], error)
            message = "The server cannot keep it now, its log says why; send it again later"
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.UNAVAILABLE, message)
        receiver.ask(source.name, by)
        return json_response({"received": len(documents)}, HTTPStatus.CREATED)

    return [receiver.route("/api/v1/lineage", answer)]


async def _source_of(
    request: Request, receiving: Sequence[FileSource], receiver: Receiver
) -> tuple[FileSource, Attempt]:
    """Whose secret the producer bears, or whose ingestor it is. Raises NotSignedInError and CatalogError FORBIDDEN."""
    for source in receiving:
        if (secret := secret_of(source)) and bears(request.headers, secret):
            return source, knowing_secret(request, ACTION, source.name)
    by = await receiver.signed_in(request, ACTION)
    bound = next((source for source in receiving if source.name == by.principal.source), None)
    async with recording(receiver.store, by):
        if bound is None:
            raise CatalogError(ErrorCode.FORBIDDEN, "events are sent by the ingestor of a source that receives them")
        authorize(by.principal, SYNC, bound.name)
    return bound, by


def _received(body: bytes) -> list[Document]:
    """Return the events of a body as documents. Raises TextError, and ValueError for no text or no event."""
    return openlineage.received(read_json(body.decode()))


def _keep(documents: Sequence[Document], folder: Path) -> None:
    # Others that share the folder must not compare and replace meanwhile.
    with exclusive(folder / LOCK):
        for document in documents:
            path = folder / _file_name(document.path)
            if _seconds(document.value, time.time()) >= _kept_seconds(path):
                with replacing(path) as file:
                    file.write(orjson.dumps(document.value))


def _kept_seconds(path: Path) -> float:
    """Return when the event happened that was received before; a file that was spoiled gives way to any."""
    try:
        return _seconds(orjson.loads(path.read_bytes()), path.stat().st_mtime)
    except (OSError, orjson.JSONDecodeError):
        return -inf


def _seconds(event: Any, received: float) -> float:
    """An event that does not say when it happened is older than any that does; by a clock that is too far ahead, it
    happened when it was received."""
    seconds = seconds_in(dig(event, "eventTime")) or 0
    return seconds if seconds <= received + AHEAD else received


def _file_name(path: str) -> str:
    """Return a file's name with the job and type of event, so that people can find it, and unlike all others."""
    return f"{name_of(path.partition('://')[2])}-{hashlib.sha256(path.encode()).hexdigest()[:16]}.json"
