"""Times: clients read the text that the store holds, and write any ISO 8601."""

from collections.abc import Callable
from datetime import datetime
from typing import NewType, cast

import strawberry
from graphql import GraphQLError
from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.scalar import ScalarDefinition

Time = NewType("Time", str)
"""A time as the stores write it, which no answer has to format again."""

_parse_iso = cast("Callable[[object], datetime]", DateTimeDefinition.parse_value)


def _parse(value: object) -> datetime:
    try:
        return _parse_iso(value)
    except (GraphQLError, ValueError) as error:
        message = "Value cannot represent a DateTime: write 2026-01-31 or 2026-01-31T12:00:00Z"
        raise GraphQLError(message) from error


_DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A time in ISO 8601: in answers always in UTC, as in `2026-01-31T12:00:00.000Z`.",
    serialize=str,
    parse_value=_parse,
)

SCALARS: dict[object, ScalarDefinition] = {Time: _DATE_TIME, datetime: _DATE_TIME}

NEVER = Time("1970-01-01T00:00:00.000Z")
"""The time of what was never written, such as an owner that only a CODEOWNERS file names."""
