"""For orchestrators: is the process alive, and can it answer questions?"""

import asyncio
import logging
from http import HTTPStatus
from time import monotonic

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph_api.errors import CatalogError, ReplacedError
from graph_api.web.responses import json_response
from graph_api.web.store_lifecycle import StoreLifecycle

PING_TIMEOUT = 1.0
KEEP = 1.0
"""Seconds that an answer of the store is believed."""
WATCH = 2.0

logger = logging.getLogger(__name__)


class Readiness:
    def __init__(self, lifecycle: StoreLifecycle) -> None:
        self._lifecycle = lifecycle
        self._asking = asyncio.Lock()
        self._asked_at: float | None = None
        self._problem: str | None = None

    async def problem(self) -> str | None:
        """Why no question can be answered now; None when all is well."""
        if self._lifecycle.draining:
            return "The server is about to end."
        async with self._asking:
            if self._lifecycle.problem:
                return self._lifecycle.problem
            if not self._lifecycle.warm:
                return "The database is warming up: questions are answered, the first ones slowly."
            if self._asked_at is None or monotonic() - self._asked_at > KEEP:
                self._problem = await self._ping()
                self._asked_at = monotonic()
            return self._problem

    async def watch(self) -> None:
        """Ask again and again, so that a store that has been replaced is noticed whether or not anybody else asks."""
        while True:
            await asyncio.sleep(WATCH)
            await self.problem()

    async def _ping(self) -> str | None:
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await self._lifecycle.store.ping()
        except ReplacedError as error:
            self._lifecycle.give_up(error.message)
            return error.message
        except TimeoutError:
            return f"The database did not answer within {PING_TIMEOUT:g} s."
        except CatalogError as error:
            return error.message
        except Exception:
            logger.exception("Ping failed")
            return "The database cannot be asked; the log says why."
        return None


def health_routes(readiness: Readiness) -> list[Route]:
    async def livez(_request: Request) -> Response:
        return json_response({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        if reason := await readiness.problem():
            return json_response({"status": "unavailable", "reason": reason}, HTTPStatus.SERVICE_UNAVAILABLE)
        return json_response({"status": "ok"})

    return [Route("/livez", livez), Route("/readyz", readyz)]
