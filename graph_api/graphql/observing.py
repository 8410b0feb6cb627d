"""Tells the request's record what operation it is."""

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension

from graph_api.telemetry.record import CURRENT


class Observed(SchemaExtension):
    def on_execute(self) -> Iterator[None]:
        context = self.execution_context
        request = CURRENT.get()
        if request:
            request.is_operation(context.operation_type.value.lower(), context.operation_name)
        yield
