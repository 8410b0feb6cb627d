"""What a client sends, read and checked before anything of it is understood."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from cross_web import HTTPException
from strawberry.http import GraphQLRequestData

MAX_NESTING = 64
"""Levels of the JSON that a client sends: far from what recursive code can stand."""
FIELDS = {"query": str, "documentId": str, "operationName": str, "variables": dict, "extensions": dict}


def decode_query_string(params: Mapping[str, Any]) -> dict[str, Any]:
    data = {name: params[name] for name in FIELDS if name in params}
    for name in ("variables", "extensions"):
        if name in data:
            data[name] = decode_json(data[name])
    return data


def decode_json(text: str | bytes) -> object:
    try:
        # Stricter than the standard library: no NaN, no infinity, no lone surrogates, no more than 1024 levels.
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The request is not JSON: {error}") from None


def check_request(data: object) -> GraphQLRequestData:
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
    """Return the request's extensions; `documentId` is another spelling of a persisted query."""
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
