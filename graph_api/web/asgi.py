"""The HTTP application around a schema and a store."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema import BaseSchema

from graph_api.access.principal import Principal
from graph_api.errors import ErrorCode
from graph_api.graphql.context import Context
from graph_api.telemetry.watchdog import watch_loop
from graph_api.web.admin import build_admin
from graph_api.web.authentication import Authentication, Authenticator
from graph_api.web.document_trust import DocumentTrust
from graph_api.web.ending import AnswerAtTheEnd
from graph_api.web.endpoint import GraphQLEndpoint
from graph_api.web.explorer import ExplorerPage
from graph_api.web.heads import LimitHeads
from graph_api.web.health import Readiness, health_routes
from graph_api.web.hosts import KnownHosts
from graph_api.web.limits import LimitRequests, RequestLimits
from graph_api.web.observe import Observe
from graph_api.web.request_id import RequestId, request_id
from graph_api.web.responses import error_response
from graph_api.web.store_lifecycle import StoreLifecycle
from graph_api.web.streams import LimitStreams, StreamLimits

logger = logging.getLogger(__name__)


class AtGraphQL:
    """Hands requests to /graphql, which are nearly all, on at once: they need not be found among the routes."""

    def __init__(self, app: ASGIApp, graphql: ASGIApp) -> None:
        self.app = app
        self.graphql = graphql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.graphql if scope["type"] == "http" and scope["path"] == "/graphql" else self.app
        await app(scope, receive, send)


class CatalogApp(Starlette):
    """The application for clients, with the one for operators, which lives as long."""

    admin: Starlette
    lifecycle: StoreLifecycle


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How the application meets its clients."""

    limits: RequestLimits = field(default_factory=RequestLimits)
    stream_limits: StreamLimits = field(default_factory=StreamLimits)
    trust: DocumentTrust = field(default_factory=DocumentTrust)
    hosts: AbstractSet[str] | None = None
    """The names that it answers to; None for all."""
    admin_hosts: AbstractSet[str] | None = None
    """The names that its application for operators answers to."""
    origins: Sequence[str] = ()
    """Those whose pages may ask."""


def build_asgi(
    schema: BaseSchema,
    context_factory: Callable[[Principal], Awaitable[Context]],
    lifecycle: StoreLifecycle,
    authenticator: Authenticator,
    options: HttpOptions,
    routes: Sequence[Route] = (),
) -> CatalogApp:
    """/graphql, /livez, /readyz and further routes. The application opens and closes the store; `context_factory` runs
    per request.
    """
    readiness = Readiness(lifecycle)
    endpoint = GraphQLEndpoint(
        schema,
        context_factory,
        lifecycle.require_open,
        authenticator,
        options.stream_limits,
        options.origins,
        max_response=options.limits.max_response,
        trust=options.trust,
    )
    streams = LimitStreams(endpoint, endpoint.stream_limits)
    limited = LimitRequests(endpoint, options.limits, streams)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with lifecycle.run(), _beside(watch_loop(), readiness.watch()):
            yield
        await authenticator.close()

    app = CatalogApp(
        routes=[
            WebSocketRoute("/graphql", streams),
            Route("/", _redirect_to_graphql),
            *health_routes(readiness),
            *routes,
        ],
        middleware=[
            Middleware(RequestId),
            Middleware(Observe),
            Middleware(AnswerAtTheEnd, lambda: lifecycle.draining),
            Middleware(LimitHeads, options.limits.max_head, options.limits.max_headers),
            *([Middleware(KnownHosts, options.hosts)] if options.hosts else []),
            *([_cors(options.origins)] if options.origins else []),
            Middleware(AtGraphQL, ExplorerPage(Authentication(limited, authenticator))),
        ],
        exception_handlers={HTTPException: _explain_refusal, Exception: _mask_defect},
        lifespan=lifespan,
    )
    # A redirect would be made from the Host header.
    app.router.redirect_slashes = False
    app.admin = build_admin(health_routes(readiness), lifecycle.store, options.admin_hosts)
    app.lifecycle = lifecycle
    return app


def _cors(origins: Sequence[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        origins,
        allow_methods=("GET", "POST"),
        allow_headers=("authorization", "traceparent", "tracestate", "x-request-id"),
        expose_headers=("retry-after", "x-request-id"),
    )


@asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _redirect_to_graphql(_request: Request) -> Response:
    return RedirectResponse("/graphql")


async def _explain_refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # Starlette's type for handlers is wider than what it hands over
        raise error
    unexplained = error.detail == HTTPStatus.NOT_FOUND.phrase
    message = f"Nothing at {request.scope['path']}" if unexplained else error.detail
    return error_response(error.status_code, ErrorCode.BAD_REQUEST, message, error.headers)


async def _mask_defect(request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after the response, and the server logs its traceback.
    logger.error("Internal error %s", request_id(request))
    return error_response(
        HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.INTERNAL, "Internal error", errorId=request_id(request)
    )
