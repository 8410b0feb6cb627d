"""GraphQL over HTTP, as https://graphql.github.io/graphql-over-http/draft/ has it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from starlette.datastructures import Headers, QueryParams
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.streaming import SSETransport
from strawberry.http.types import HTTPMethod
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graph_api.access.principal import NOBODY, Principal
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.context import Context
from graph_api.graphql.error_format import format_result
from graph_api.web.accept import EVENT_STREAM, GRAPHQL_RESPONSE, JSON, accepted, asks_for_events, preferred
from graph_api.web.authentication import Authenticator, NotSignedInError, principal_of
from graph_api.web.document_trust import DocumentRefusedError, DocumentTrust
from graph_api.web.headers import header
from graph_api.web.request_id import request_id
from graph_api.web.requests import check_request, decode_json, decode_query_string
from graph_api.web.responses import encode_json, error_body, error_response
from graph_api.web.sockets import Socket, SocketHandler
from graph_api.web.streams import EventResponse, StreamLimits, until_signed_out

OPERATIONS = {"GET": {OperationType.QUERY}, "POST": {OperationType.QUERY, OperationType.MUTATION}}


class EventStream(SSETransport):
    def allowed_operation_types(self, allowed_operation_types: set[OperationType]) -> set[OperationType]:  # noqa: ARG002
        return {OperationType.SUBSCRIPTION}


class _Adapter(StarletteRequestAdapter):
    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.scope = request.scope


class GraphQLEndpoint(GraphQL[Context, None]):
    """Stands behind LimitRequests, which hands over whole bodies. `require_store` raises CatalogError while there is
    nothing to ask. Pages of `origins` may open sockets.
    """

    request_adapter_class = _Adapter
    websocket_adapter_class = Socket
    graphql_transport_ws_handler_class = SocketHandler
    stream_transport_classes_by_protocol = MappingProxyType({GRAPHQL_SSE_PROTOCOL: EventStream})

    def __init__(
        self,
        schema: BaseSchema,
        context_factory: Callable[[Principal], Awaitable[Context]],
        require_store: Callable[[], None],
        authenticator: Authenticator,
        stream_limits: StreamLimits,
        origins: Sequence[str] = (),
        *,
        max_response: int,
        trust: DocumentTrust,
    ) -> None:
        super().__init__(
            schema,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=stream_limits.init_timeout,
            allowed_origins=origins,
        )
        self._context_factory = context_factory
        self._authenticator = authenticator
        self.stream_limits = stream_limits
        self.require_store = require_store
        self._max_response = max_response
        self._trust = trust

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive, send))
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await (self.run(request) if asks_for_events(scope) else self._respond(request, receive))
        except HTTPException as refusal:
            allow = {"allow": "GET, POST"} if refusal.status_code == HTTPStatus.METHOD_NOT_ALLOWED else None
            response = error_response(refusal.status_code, ErrorCode.BAD_REQUEST, refusal.reason, allow)
        except DocumentRefusedError as refusal:
            response = error_response(refusal.status, refusal.code, refusal.message)
        except CatalogError as error:
            response = error_response(
                HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.message, {"retry-after": "1"}, **error.details
            )
        await response(scope, receive, send)

    async def _respond(self, request: Request, receive: Receive) -> Response:
        """Return the response as run() does, which asks at each step whether it is for a socket, a stream or another
        server.
        """
        media_type = preferred(accepted(request.scope), (JSON, GRAPHQL_RESPONSE, EVENT_STREAM))
        if not media_type:
            reason = f"The answer comes as {JSON} or {GRAPHQL_RESPONSE}, that of a subscription as {EVENT_STREAM}."
            raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, reason)
        context = await self.context_of(principal_of(request), request)
        if request.method not in OPERATIONS:
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, "GraphQL only supports GET and POST requests.")
        asked = self._asked(request.scope, (await receive())["body"])
        self.require_store()
        result = await self._execute(request.method, asked, context)
        return self._encoded(format_result(result, context.request_id), media_type)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        if not isinstance(request, Request):  # a socket says who it is before it asks for anything
            return await self.context_of(NOBODY, request)
        return await self.context_of(principal_of(request), request)

    async def context_of(self, principal: Principal, request: HTTPConnection) -> Context:
        context = await self._context_factory(principal)
        client = request.scope.get("client")
        context.client = client[0] if client else ""
        context.request_id = request_id(request)
        context.charge = request.scope["state"].get("charge", context.charge)
        method = request.scope.get("method", "")  # a socket has none
        context.check_document = partial(self._trust.check, by_get=method == "GET", principal=principal.name)
        return context

    async def authenticate(self, request: HTTPConnection, payload: Mapping[str, object]) -> Principal:
        """Return who opened a socket: its headers say it, or `authorization` in what it sends first. Raises
        CatalogError.
        """
        headers, token = request.headers, payload.get("authorization")
        if "authorization" not in headers and isinstance(token, str) and token.isascii():
            headers = Headers({"authorization": token})
        try:
            return await self._authenticator.principal(headers)
        except NotSignedInError as error:
            raise CatalogError(ErrorCode.UNAUTHENTICATED, str(error)) from error

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:  # noqa: ARG002
        # explorer.py has it, before anybody is asked for a token.
        return False

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        adapter = cast("_Adapter", request)
        return replace(self._asked(adapter.scope, await adapter.get_body()), protocol="sse")

    def _asked(self, scope: Scope, body: bytes) -> GraphQLRequestData:
        """Return what the request asks. Raises HTTPException and DocumentRefusedError."""
        data: object
        if scope["method"] == "GET":
            data = decode_query_string(QueryParams(scope["query_string"]))
        elif header(scope, b"content-type").partition(";")[0].strip().lower() != JSON:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must be {JSON}.")
        else:
            data = decode_json(body)
        asked = check_request(data)
        asked.query = self._trust.document(asked.query, asked.extensions)
        return asked

    async def execute_operation(self, *arguments: Any, **named: Any) -> Any:
        self.require_store()
        return await super().execute_operation(*arguments, **named)

    async def _execute(self, method: str, asked: GraphQLRequestData, context: Context) -> ExecutionResult:
        try:
            return await self.schema.execute(
                asked.query,
                root_value=None,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
                allowed_operation_types=OPERATIONS[method],
                operation_extensions=asked.extensions,
            )
        except MissingQueryError:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "`query` is missing or empty.") from None
        except CannotGetOperationTypeError as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, error.as_http_error_reason()) from None
        except InvalidOperationTypeError as error:
            status = HTTPStatus.METHOD_NOT_ALLOWED if method == "GET" else HTTPStatus.BAD_REQUEST
            reason = error.as_http_error_reason(cast("HTTPMethod", method))
            if error.operation_type is OperationType.SUBSCRIPTION:
                reason += "; send Accept: text/event-stream"
            raise HTTPException(status, reason) from None

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        return format_result(result, request_id(request))

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,  # noqa: ARG002
        headers: Mapping[str, str],
    ) -> Response:
        principal = principal_of(cast("Request", request))
        ends = partial(until_signed_out, principal, partial(self.authenticate, request, {}))
        return EventResponse(stream(), headers, ends)

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        return encode_json(data).decode()

    def _encoded(self, answer: GraphQLHTTPResponse, media_type: str) -> Response:
        body = encode_json(answer)
        refused = "data" not in answer
        if len(body) > self._max_response:
            body = error_body(
                ErrorCode.TOO_LARGE,
                f"The answer has more than {self._max_response} bytes; ask for smaller pages or fewer fields.",
            )
            refused = True
        bad = refused and media_type == GRAPHQL_RESPONSE
        status = HTTPStatus.BAD_REQUEST if bad else HTTPStatus.OK
        return Response(body, status, {"cache-control": "no-store"}, media_type=media_type)
