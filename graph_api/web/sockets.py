"""Subscriptions over WebSockets, in one protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from cross_web import HTTPException
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from graph_api.access.principal import Principal
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.context import Context
from graph_api.graphql.error_format import format_result
from graph_api.web.request_id import request_id
from graph_api.web.requests import check_request
from graph_api.web.streams import until_signed_out

if TYPE_CHECKING:
    from graph_api.web.endpoint import GraphQLEndpoint

MAX_ID = 128
TRY_AGAIN_LATER, BAD_REQUEST, FORBIDDEN = 1013, 4400, 4403

logger = logging.getLogger(__name__)


class Socket(ASGIWebSocketAdapter):
    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            await super().send_json(message)
        except RuntimeError as error:  # so they say that the socket was closed from this side meanwhile
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        if self.ws.application_state is WebSocketState.CONNECTED:
            await super().close(code, reason[:100])


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One connection. Who asks is known from its headers or the token of `connection_init`, for all of its life."""

    view: "GraphQLEndpoint"
    websocket: Socket
    principal: Principal
    _watch: asyncio.Task[None] | None = None

    @property
    def _request(self) -> WebSocket:
        return self.websocket.ws

    async def handle_message(self, message: Message) -> None:
        if problem := _problem(message):
            await self.websocket.close(BAD_REQUEST, problem)
        else:
            await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        payload = message.get("payload")
        payload = {} if payload is None else payload
        if not isinstance(payload, dict):
            await self.websocket.close(BAD_REQUEST, "The payload of connection_init is an object")
            return
        try:
            self.principal = await self.view.authenticate(self._request, payload)
        except CatalogError as error:
            await self.websocket.close(FORBIDDEN, error.message)
            return
        self._request.state.principal = self.principal
        if not self._request.state.sign_in(self.principal):
            await self.websocket.close(TRY_AGAIN_LATER, "Too many streams of yours are open")
            return
        await super().handle_connection_init(cast("ConnectionInitMessage", {**message, "payload": {}}))
        self._watch = self._watch or asyncio.create_task(self._close_when_signed_out(payload))

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        most = self.view.stream_limits.max_subscriptions
        if self.connection_acknowledged and message["id"] not in self.operations and len(self.operations) >= most:
            refusal = CatalogError(ErrorCode.TOO_LARGE, f"A connection has at most {most} subscriptions.")
            await self.send_message(_refused(message["id"], refusal))
            return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        try:
            self.view.require_store()
            await self._stream(operation)
        except CatalogError as error:
            await operation.send_operation_message(_refused(operation.id, error))
        except WebSocketDisconnected:
            pass
        except Exception:
            logger.exception("A subscription of request %s failed", request_id(self._request))
            await self.websocket.close(1011, "Internal error")

    async def _stream(self, operation: Operation[Context, None]) -> None:
        results = await self.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=await self.view.context_of(self.principal, self._request),
            operation_name=operation.operation_name,
            allowed_operation_types=[OperationType.SUBSCRIPTION],
        )
        async with aclosing(results):
            async for result in results:
                body: Mapping[str, Any] = format_result(cast("Any", result), request_id(self._request))
                refused = isinstance(result, PreExecutionError)
                message = {
                    "id": operation.id,
                    "type": "error" if refused else "next",
                    "payload": body["errors"] if refused else body,
                }
                await operation.send_operation_message(cast("Message", message))
                if refused:
                    return
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _close_when_signed_out(self, payload: Mapping[str, object]) -> None:
        await until_signed_out(self.principal, lambda: self.view.authenticate(self._request, payload))
        await self.websocket.close(FORBIDDEN, "The token is not valid any more, or your roles or teams have changed")

    async def shutdown(self) -> None:
        if self._watch:
            self._watch.cancel()
        await super().shutdown()


def _refused(id_: str, error: CatalogError) -> Message:
    body = {"message": error.message, "extensions": {"code": error.code}}
    return cast("Message", {"id": id_, "type": "error", "payload": [body]})


def _problem(message: object) -> str | None:
    """Why it is no message of the protocol; what it asks for is looked at when it is run."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is an object with a `type`"
    if message["type"] not in ("subscribe", "complete"):
        return None
    id_ = message.get("id")
    if not isinstance(id_, str) or not 1 <= len(id_) <= MAX_ID:
        return f"`id` is a text of 1 to {MAX_ID} characters"
    if message["type"] == "complete":
        return None
    try:
        check_request(message.get("payload"))
    except HTTPException as error:
        return error.reason
    return None
