"""What one request is, for whoever writes about it: set by the outermost middleware, found by everything inside."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from graph_api.access.principal import Principal

NOBODY = "nobody"
MAX_NAME = 100
"""Characters of a client's name for its operation that are kept."""


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """Filled while the request is answered. `state` is the request's own, where authentication leaves the principal."""

    request_id: str
    begun: float = field(default_factory=monotonic)
    reads_from: float = 0.0
    """When its reading began, if it has begun anew: what was acknowledged before that is to be seen."""
    state: Mapping[str, Any] = field(default_factory=dict)
    operation: str | None = None
    operation_type: str | None = None
    """query, mutation or subscription; None for what is no GraphQL operation."""
    code: str | None = None
    """The code of the first error."""
    cost: float | None = None
    trace_id: str | None = None
    store_seconds: float = 0.0
    questions: int = 0
    """How many times the store was asked."""

    @property
    def principal(self) -> str:
        """Who asks, once that is known."""
        principal: Principal | None = self.state.get("principal")
        return principal.name if principal else NOBODY

    def set_operation(self, type_: str, name: str | None) -> None:
        self.operation_type = type_
        self.operation = name[:MAX_NAME] if name else None


CURRENT: ContextVar[RequestRecord | None] = ContextVar("request", default=None)


def note_error(code: str) -> None:
    """Note the code of an error; the request's first one counts."""
    request = CURRENT.get()
    if request and request.code is None:
        request.code = code
