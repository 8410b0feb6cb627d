"""Times: clients read the text that the store holds, and write any ISO 8601."""

from datetime import datetime
from typing import NewType

import strawberry
from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.scalar import ScalarDefinition

Time = NewType("Time", str)
"""As the stores write it, which no answer has to format again."""

_DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A time in ISO 8601: in answers always in UTC, as in `2026-01-31T12:00:00.000Z`.",
    serialize=str,
    parse_value=DateTimeDefinition.parse_value,
)

SCALARS: dict[object, ScalarDefinition] = {Time: _DATE_TIME, datetime: _DATE_TIME}

NEVER = Time("1970-01-01T00:00:00.000Z")
"""Of what was never written, such as an owner that only a CODEOWNERS file names."""
