"""The settings that say what one request, and one caller, may take from the others."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings


class LimitSettings(BaseSettings):
    """docs/limits.md explains them together."""

    max_page: int = Field(default=100, ge=1, le=1000, description="Most entities on a page of a connection.")
    max_body: int = Field(default=1_000_000, ge=1, description="Largest body of a request, in bytes.")
    max_received: int = Field(
        default=16_000_000, ge=1, description="Largest body of what tools send to /hooks and /api/v1/lineage, in bytes."
    )
    max_response: int = Field(default=8_000_000, ge=1000, description="Largest answer to a request, in bytes.")
    max_head: int = Field(
        default=65_536, ge=1024, le=200_000, description="Largest head of a request (its URL and headers), in bytes."
    )
    max_headers: int = Field(default=100, ge=10, description="Most headers of a request.")
    max_tokens: int = Field(default=5000, ge=100, description="Most tokens in a GraphQL document.")
    max_depth: int = Field(default=20, ge=5, description="Deepest nesting of fields in a GraphQL document.")
    max_fields: int = Field(default=1000, ge=10, description="Most fields in a GraphQL document, fragments expanded.")
    max_aliases: int = Field(default=50, ge=0, description="Most aliases in a GraphQL document, fragments expanded.")
    max_directives: int = Field(
        default=50, ge=0, description="Most directives in a GraphQL document, fragments expanded."
    )
    max_cost: int = Field(
        default=200_000,
        ge=100,
        description="Most objects that one answer may hold, see `extensions.cost`.",
    )
    head_timeout: float = Field(
        default=10.0, gt=0, description="Seconds that a client may take to send the head of a request."
    )
    body_timeout: float = Field(default=10.0, gt=0, description="Seconds that a client may take to send a body.")
    deadline: float = Field(
        default=5.0, gt=0, le=30, description="Seconds that one question may take before DEADLINE_EXCEEDED."
    )
    request_deadline: float = Field(
        default=10.0, gt=0, description="Seconds that a whole request may take before DEADLINE_EXCEEDED."
    )
    max_running: int = Field(
        default=64,
        ge=1,
        description="Requests that are answered at the same time; a sixteenth of them for one caller while others ask.",
    )
    max_waiting: int = Field(default=64, ge=0, description="Requests that may wait for their turn; more get 503.")
    rate: float = Field(
        default=100.0,
        ge=1,
        description="Requests a second that one caller may send in the long run, and ten seconds' worth at once; "
        "more get 429. An answer of 1,000 objects counts as one more request.",
    )
    introspection: bool = Field(default=True, description="Answer questions about the schema itself.")
    field_suggestions: bool = Field(
        default=False, description="Say which names are like an unknown one in a document (`Did you mean ...?`)."
    )


DEFAULTS: Mapping[str, Any] = MappingProxyType({name: row.default for name, row in LimitSettings.model_fields.items()})
"""What holds where nothing is set, by the setting's name."""
