"""Execution that reads most values by compiled readers.

graphql-core takes some 10 microseconds for each field: a path, an info object, calls through resolvers, type checks.
What a root field gives is read by columns instead (readers.py). A reader that meets anything but values as they should
be gives up, and the executor's own way begins anew at that value: it meets the error again, and tells its place. But an
answer that is too large ends there: all that it holds would be read again, a field after the other.

The variables of mutations may hold thousands of entities: then they are checked in a thread, while the event loop
answers others.
"""

import asyncio
from collections.abc import Callable, Sized
from inspect import isawaitable
from time import monotonic
from typing import Any, cast

from graphql import (
    DocumentNode,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    execute,
    get_named_type,
    get_operation_ast,
    is_leaf_type,
    is_non_null_type,
)
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph_api.errors import CatalogError
from graph_api.graphql.calls import Call, Outcomes, ReadAttempt, Replay
from graph_api.graphql.compiling import Details
from graph_api.graphql.context import AnswerTooLargeError, Context
from graph_api.graphql.plans import plan_of
from graph_api.graphql.readers import Later, Read, Values
from graph_api.store.revisions import noting_revisions
from graph_api.telemetry.record import CURRENT

TRIES = 3
"""How often a query is asked, to read all its parts at one revision."""
LONG = 1.0
"""Seconds after which a query is not asked again: its deadline, and others, would suffer for it."""
_FEW = 500
"""Values in variables, with those that others hold."""


async def execute_operation(schema: GraphQLSchema, document: DocumentNode, **options: Any) -> Any:
    """Execute as graphql-core does. A query whose parts were read at several revisions, since somebody wrote meanwhile,
    is asked again: unless writers make no pause, or it takes long, its answer is of one.
    """
    operation = get_operation_ast(document, options.get("operation_name"))
    of = operation.operation if operation else None
    context = options.get("context_value")
    if of is not OperationType.QUERY or not isinstance(context, Context):
        return await _execute(schema, document, of, options)
    until = monotonic() + LONG
    for tries_left in reversed(range(TRIES)):
        with noting_revisions() as revisions:
            answer = await _execute(schema, document, of, options)
        if context.seen_at is not None:
            revisions.add(context.seen_at)
        if len(revisions) <= 1 or not tries_left or monotonic() > until or not await _begins_anew(context):
            break
    return answer


async def _begins_anew(context: Context) -> bool:
    """False where the store does not answer any more: what it has answered is better than nothing."""
    if request := CURRENT.get():
        request.reads_from = monotonic()
    try:
        await context.look_again()
    except CatalogError:
        return False
    return True


async def _execute(schema: GraphQLSchema, document: DocumentNode, of: OperationType | None, options: Any) -> Any:
    if of is OperationType.MUTATION and _are_many(options.get("variable_values")):
        started = await asyncio.to_thread(execute, schema, document, **options)
    else:
        started = execute(schema, document, **options)
    return await started if isawaitable(started) else started


def _are_many(variables: object) -> bool:
    """Whether checking them takes longer than the way to a thread and back."""
    values: list[object] = [variables]
    for value in values:
        if isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list):
            values += value
        if len(values) > _FEW:
            return True
    return False


class CatalogExecutor(StrawberryGraphQLCoreExecutionContext):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wrapped = self.middleware_manager and self.middleware_manager.middlewares
        self.plan = None if wrapped else plan_of(self)
        if self.plan and isinstance(self.context_value, Context):
            self.context_value.need(self.plan.needed)
        self._forget()

    def _forget(self) -> None:
        self._bound: dict[int, Callable[[Values], Any]] = {}
        self.outcomes: Outcomes = {}
        """What resolvers gave that were called by readers which gave up."""
        if self.plan:
            self.middleware_manager = None

    def build_per_event_executor(self, payload: Any) -> Any:
        executor = super().build_per_event_executor(payload)
        cast("CatalogExecutor", executor)._forget()
        return executor

    def bound(self, call: Call, path: Path) -> Callable[[Values], Any]:
        if id(call) not in self._bound:
            self._bound[id(call)] = call.bind(self, path)
        return self._bound[id(call)]

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: Details,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        def plainly() -> Any:
            return super(CatalogExecutor, self).complete_value(
                return_type, field_details_list, info, path, result, position_context
            )

        read = self._reader(return_type, field_details_list, result)
        return self._read(read, ReadAttempt(self, path), result, plainly) if read else plainly()

    def _reader(self, type_: GraphQLOutputType, details: Details, result: Any) -> Read | None:
        if not self.plan or result is None or isinstance(result, Exception):
            return None
        if is_leaf_type(type_) or is_non_null_type(type_):
            return None  # the executor comes back with the type within
        return self.plan.reader(self, type_, details)

    def _read(self, read: Read, attempt: ReadAttempt, result: Any, plainly: Callable[[], Any]) -> Any:
        try:
            answer = read(attempt, [result])
        except Exception as error:
            self._give_up(attempt, error)
            return plainly()
        return answer[0] if isinstance(answer, list) else self._read_later(answer, attempt, plainly)

    async def _read_later(self, answer: Later, attempt: ReadAttempt, plainly: Callable[[], Any]) -> Any:
        try:
            return (await answer())[0]
        except Exception as error:
            self._give_up(attempt, error)
        completed = plainly()
        return await completed if isawaitable(completed) else completed

    def _give_up(self, attempt: ReadAttempt, error: Exception) -> None:
        # What a mutation has done is told as far as that goes.
        if isinstance(error, AnswerTooLargeError) and self.operation.operation is not OperationType.MUTATION:
            raise error
        self.outcomes |= attempt.give_up()
        self.middleware_manager = Replay(self.outcomes)

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: Details,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Any,
        position_context: Any,
    ) -> Any:
        counted = not is_leaf_type(get_named_type(item_type))  # as readers count
        if counted and isinstance(items, Sized) and isinstance(self.context_value, Context):
            self.context_value.count(len(items))
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)
