"""Tells the request's record what operation it is."""

from collections.abc import Iterator
from hashlib import sha256

from strawberry.extensions import SchemaExtension

from graph_api.telemetry.record import CURRENT
from graph_api.telemetry.tracing import span


class Observed(SchemaExtension):
    def on_execute(self) -> Iterator[None]:
        context = self.execution_context
        type_ = context.operation_type.value.lower()
        request = CURRENT.get()
        if request:
            request.set_operation(type_, context.operation_name)
        with span(f"graphql.{type_}") as current:
            current.set("graphql.operation.type", type_)
            current.set("graphql.operation.name", request.operation if request else None)
            if current.trace_id:
                current.set("graphql.document.sha256", sha256((context.query or "").encode()).hexdigest())
            yield
