"""JSON out, and GraphQL errors for requests that never became a GraphQL operation."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from graph_api.errors import ErrorCode
from graph_api.telemetry.record import note_error
from graph_api.web.accept import JSON


def encode_json(data: object) -> bytes:
    """Never fails on what a resolver can return: NaN becomes null, a lone surrogate stays an escape."""
    try:
        return orjson.dumps(data)
    except TypeError:
        # Lone surrogates, integers above 64 bits, more than 254 levels.
        finite = json.loads(json.dumps(data), parse_constant=lambda _: None)
        return json.dumps(finite, separators=(",", ":")).encode()


def json_response(data: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(encode_json(data), status, {"cache-control": "no-store"}, JSON)


def error_body(code: ErrorCode, message: str, **extensions: Any) -> bytes:
    note_error(code)
    return encode_json({"errors": [{"message": message, "extensions": {"code": code, **extensions}}]})


async def refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the response; to a WebSocket in place of its handshake."""
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def error_response(
    status: int, code: ErrorCode, message: str, headers: Mapping[str, str] | None = None, **extensions: Any
) -> Response:
    """Return the response with a GraphQL error and no `data`."""
    body = error_body(code, message, **extensions)
    return Response(body, status, {"cache-control": "no-store", **(headers or {})}, media_type=JSON)
