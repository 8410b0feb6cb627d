"""GraphQL over HTTP, as https://graphql.github.io/graphql-over-http/draft/ has it."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graph_api.access.principal import Principal
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.context import Context
from graph_api.graphql.error_format import format_result
from graph_api.web.accept import GRAPHQL_RESPONSE, JSON, accepted, preferred
from graph_api.web.authentication import principal_of
from graph_api.web.document_trust import DocumentRefusedError, DocumentTrust
from graph_api.web.request_id import request_id
from graph_api.web.responses import encode_json, error_body, error_response

MAX_NESTING = 64
"""Levels of the JSON that a client sends: far from what recursive code can stand."""
FIELDS = {"query": str, "documentId": str, "operationName": str, "variables": dict, "extensions": dict}
OPERATIONS = {"GET": {OperationType.QUERY}, "POST": {OperationType.QUERY, OperationType.MUTATION}}


class GraphQLEndpoint(GraphQL[Context, None]):
    """`require_store` raises CatalogError while there is nothing to ask."""

    def __init__(
        self,
        schema: BaseSchema,
        context_factory: Callable[[Principal], Context],
        require_store: Callable[[], None],
        max_response: int,
        trust: DocumentTrust,
    ) -> None:
        super().__init__(schema, subscription_protocols=())
        self._context_factory = context_factory
        self._require_store = require_store
        self._max_response = max_response
        self._trust = trust

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
        if not isinstance(request, Request):  # there are no sockets
            raise TypeError("a request is expected")
        context = self._context_factory(principal_of(request))
        context.client = request.client.host if request.client else ""
        context.request_id = request_id(request)
        context.charge = request.scope["state"].get("charge", context.charge)
        return context

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Carries the media type that the client wants to create_response."""
        media_type = preferred(accepted(request.headers), (JSON, GRAPHQL_RESPONSE))
        if not media_type:
            raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, f"The answer comes as {JSON} or {GRAPHQL_RESPONSE}.")
        response = await super().get_sub_response(request)
        response.media_type = media_type
        return response

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:  # noqa: ARG002
        # explorer.py has it, before anybody is asked for a token.
        return False

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        data: object
        if request.method == "GET":
            data = _decode_query_string(request.query_params)
        elif (request.content_type or "").partition(";")[0].strip().lower() != JSON:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must be {JSON}.")
        else:
            data = _decode_json(await request.get_body())
        return _check_request(data)

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,  # noqa: ARG002
        sub_response: Response,  # noqa: ARG002
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        self._require_store()
        try:
            return await self.schema.execute(
                self._trust.document(
                    request_data.query, request_data.extensions, request.method, principal_of(request).name
                ),
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


def _decode_query_string(params: Mapping[str, Any]) -> dict[str, Any]:
    data = {name: params[name] for name in FIELDS if name in params}
    for name in ("variables", "extensions"):
        if name in data:
            data[name] = _decode_json(data[name])
    return data


def _decode_json(text: str | bytes) -> object:
    try:
        # Stricter than the standard library: no NaN, no infinity, no lone surrogates, no more than 1024 levels.
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The request is not JSON: {error}") from None


def _check_request(data: object) -> GraphQLRequestData:
    if not isinstance(data, dict):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The request must be one JSON object.")
    for name, type_ in FIELDS.items():
        if not isinstance(data.get(name), type_ | None):
            wanted = "a string" if type_ is str else "an object"
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"`{name}` must be {wanted} or null.")
    if _is_nested_beyond(data, MAX_NESTING):
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The request is nested more than {MAX_NESTING} levels deep.")
    return GraphQLRequestData(
        query=data.get("query"),
        variables=data.get("variables"),
        operation_name=data.get("operationName"),
        extensions=_extensions(data),
    )


def _extensions(data: dict[str, Any]) -> dict[str, Any] | None:
    """`documentId` is another spelling of a persisted query."""
    if data.get("documentId") is None:
        return data.get("extensions")
    return {**(data.get("extensions") or {}), "persistedQuery": {"sha256Hash": data["documentId"]}}


def _is_nested_beyond(value: dict[str, Any] | list[Any], limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _children(value: dict[str, Any] | list[Any]) -> Any:
    return value.values() if isinstance(value, dict) else value
