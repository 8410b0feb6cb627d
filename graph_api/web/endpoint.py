"""GraphQL over HTTP, as https://graphql.github.io/graphql-over-http/draft/ has it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.streaming import SSETransport
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
from graph_api.web.request_id import request_id
from graph_api.web.requests import check_request, decode_json, decode_query_string
from graph_api.web.responses import encode_json, error_body, error_response
from graph_api.web.sockets import Socket, SocketHandler
from graph_api.web.streams import EventResponse, StreamLimits, until_signed_out

OPERATIONS = {"GET": {OperationType.QUERY}, "POST": {OperationType.QUERY, OperationType.MUTATION}}


class EventStream(SSETransport):
    def allowed_operation_types(self, allowed_operation_types: set[OperationType]) -> set[OperationType]:  # noqa: ARG002
        return {OperationType.SUBSCRIPTION}


class GraphQLEndpoint(GraphQL[Context, None]):
    """`require_store` raises CatalogError while there is nothing to ask. Pages of `origins` may open sockets."""

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
        try:
            response = await self.run(Request(scope, receive))
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

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        if not isinstance(request, Request):  # a socket says who it is before it asks for anything
            return await self.context_of(NOBODY, request)
        return await self.context_of(principal_of(request), request)

    async def context_of(self, principal: Principal, request: HTTPConnection) -> Context:
        context = await self._context_factory(principal)
        context.client = request.client.host if request.client else ""
        context.request_id = request_id(request)
        context.charge = request.scope["state"].get("charge", context.charge)
        method = request.scope.get("method", "")  # a socket has none
        context.check_document = partial(self._trust.check, by_get=method == "GET", principal=principal.name)
        return context

    async def authenticate(self, request: HTTPConnection, payload: Mapping[str, object]) -> Principal:
        """Who opened a socket: its headers say it, or `authorization` in what it sends first. Raises CatalogError."""
        headers, token = request.headers, payload.get("authorization")
        if "authorization" not in headers and isinstance(token, str) and token.isascii():
            headers = Headers({"authorization": token})
        try:
            return await self._authenticator.principal(headers)
        except NotSignedInError as error:
            raise CatalogError(ErrorCode.UNAUTHENTICATED, str(error)) from error

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Carries the media type that the client wants to create_response."""
        media_type = preferred(accepted(request.headers), (JSON, GRAPHQL_RESPONSE, EVENT_STREAM))
        if not media_type:
            reason = f"The answer comes as {JSON} or {GRAPHQL_RESPONSE}, that of a subscription as {EVENT_STREAM}."
            raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, reason)
        response = await super().get_sub_response(request)
        response.media_type = media_type
        return response

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:  # noqa: ARG002
        # explorer.py has it, before anybody is asked for a token.
        return False

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        data: object
        if request.method == "GET":
            data = decode_query_string(request.query_params)
        elif (request.content_type or "").partition(";")[0].strip().lower() != JSON:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must be {JSON}.")
        else:
            data = decode_json(await request.get_body())
        asked = check_request(data)
        query = self._trust.document(asked.query, asked.extensions)
        return replace(asked, query=query, protocol="sse" if asks_for_events(request.headers) else "http")

    async def execute_operation(self, *arguments: Any, **named: Any) -> Any:
        self.require_store()
        return await super().execute_operation(*arguments, **named)

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,  # noqa: ARG002
        sub_response: Response,  # noqa: ARG002
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        try:
            return await self.schema.execute(
                request_data.query,
                root_value=root_value,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=OPERATIONS[request.method],
                operation_extensions=request_data.extensions,
            )
        except MissingQueryError:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "`query` is missing or empty.") from None
        except CannotGetOperationTypeError as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, error.as_http_error_reason()) from None
        except InvalidOperationTypeError as error:
            status = HTTPStatus.METHOD_NOT_ALLOWED if request.method == "GET" else HTTPStatus.BAD_REQUEST
            raise HTTPException(status, error.as_http_error_reason(request.method)) from None

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

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        body = encode_json(response_data)
        refused = "data" not in response_data
        if len(body) > self._max_response:
            body = error_body(
                ErrorCode.TOO_LARGE,
                f"The answer has more than {self._max_response} bytes; ask for smaller pages or fewer fields.",
            )
            refused = True
        bad = refused and sub_response.media_type == GRAPHQL_RESPONSE
        status = HTTPStatus.BAD_REQUEST if bad else HTTPStatus.OK
        return Response(body, status, {"cache-control": "no-store"}, media_type=sub_response.media_type)
