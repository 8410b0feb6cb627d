"""Results as clients see them: our errors with their codes, the client's mistakes in full, our defects masked."""

import logging
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import Any
from uuid import uuid4

import strawberry
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError

from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.execution import execute_operation
from graph_api.telemetry.record import note_error

logger = logging.getLogger(__name__)


class CatalogSchema(strawberry.Schema):
    """A schema that logs nothing by itself: format_result logs what is not the client's mistake."""

    def _get_execute_function(self) -> Callable[..., Any]:
        return partial(execute_operation, hide_suggestions=self.config.disable_field_suggestions)

    async def stream(self, *arguments: Any, **named: Any) -> StreamResult:
        return _with_refusal(await super().stream(*arguments, **named))

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        pass


async def _with_refusal(results: StreamResult) -> StreamResult:
    """Yield the results. What DocumentLimits raises is one too, as it is of Schema.execute()."""
    try:
        async with aclosing(results):
            async for result in results:
                yield result
    except GraphQLError as error:
        yield PreExecutionError(data=None, errors=[error])


def format_result(result: ExecutionResult, request_id: str) -> GraphQLHTTPResponse:
    """The response body. It has no `data` when the request was refused before execution."""
    errors = result.errors or []
    body: GraphQLHTTPResponse = {}
    if result.data is not None or any(error.path for error in errors):
        body["data"] = result.data
    if errors:
        refused = ErrorCode.GRAPHQL_INVALID if isinstance(result, PreExecutionError) else ErrorCode.BAD_INPUT
        formatted = [format_error(error, refused, request_id) for error in errors]
        note_error(formatted[0]["extensions"]["code"])
        body["errors"] = [*formatted]
    if result.extensions:
        body["extensions"] = result.extensions
    return body


def format_error(error: GraphQLError, refused: ErrorCode, request_id: str) -> dict[str, Any]:
    """Return the error as clients see it. `refused` is the code of an error about the document or its variables that
    has no code of its own.
    """
    cause = _cause(error)
    if isinstance(cause, CatalogError):
        return _body(error, error.message, {"code": cause.code, **cause.details})
    if isinstance(cause, CannotGetOperationTypeError | InvalidOperationTypeError | MissingQueryError):
        return _body(error, error.message, {"code": ErrorCode.BAD_REQUEST})
    if isinstance(cause, TimeoutError):
        return _body(error, "The answer took too long.", {"code": ErrorCode.DEADLINE_EXCEEDED})
    if isinstance(cause, GraphQLError) and _is_about_the_document(cause, error):
        return _body(error, error.message, {"code": refused, **(cause.extensions or {})})
    return _mask(error, cause, request_id)


def _cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error:
        cause = cause.original_error
    return cause


def _is_about_the_document(cause: GraphQLError, error: GraphQLError) -> bool:
    # A value that a resolver returned and that does not fit its type is reported without nodes: that is our defect.
    return error.path is None or bool(cause.nodes) or "code" in (cause.extensions or {})


def _mask(error: GraphQLError, cause: Exception, request_id: str) -> dict[str, Any]:
    error_id = uuid4().hex
    logger.error("Internal error %s at %s in request %s", error_id, error.path, request_id, exc_info=cause)
    return _body(error, "Internal error", {"code": ErrorCode.INTERNAL, "errorId": error_id})


def _body(error: GraphQLError, message: str, extensions: dict[str, Any]) -> dict[str, Any]:
    return {**error.formatted, "message": message, "extensions": extensions}
