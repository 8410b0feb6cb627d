"""Resolvers as readers call them: with arguments made once for all rows, and where they can, once for all rows."""

from asyncio import gather
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLResolveInfo, MiddlewareManager
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema import Schema
from strawberry.schema.schema_converter import get_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from graph_api.graphql.context import Context
from graph_api.graphql.readers import Answer, Read, Values, raise_any

if TYPE_CHECKING:
    from graph_api.graphql.execution import CatalogExecutor

DEFINITION = "strawberry-definition"

Outcomes: TypeAlias = dict[tuple[int, int], tuple[Any, Any]]
"""By the ids of a field's node and of a row: that row, so that its id is not used again, and what its resolver gave or
raised."""


def answered_together(single: Callable[..., Any], many: Callable[..., Awaitable[Sequence[Any]]]) -> Any:
    """The resolver `single`; `many(rows, info=..., **arguments)` gives, in order, what it would give for each row, of
    which there is one at least.
    """
    single.many = many  # type: ignore[attr-defined]
    return single


def with_known_refs(resolver: Any, refs_of: Callable[[Any], Any]) -> Any:
    """The resolver of entities (or one, or None) whose refs are what `refs_of` gives for a row."""
    resolver.refs_of = refs_of
    return resolver


class Call(NamedTuple):
    """A field that a resolver answers."""

    parent: GraphQLObjectType
    definition: GraphQLField
    field: StrawberryField
    resolver: StrawberryResolver[Any]
    nodes: tuple[FieldNode, ...]
    value: Read
    """Completes what the resolver gives."""

    def read(self, attempt: "ReadAttempt", rows: Values) -> Answer:
        if not rows:
            return self.value(attempt, [])

        async def later() -> Values:
            found = self.value(attempt, await attempt.settle(self, rows))
            return found if isinstance(found, list) else await found()

        return later

    def bind(self, executor: "CatalogExecutor", path: Path) -> Callable[[Values], Any]:
        """Gives what the resolver gives for rows: a list, of which some may be awaitable, or an awaitable list."""
        info = executor.build_resolve_info(self.definition, list(self.nodes), self.parent, path)
        given = get_argument_values(
            self.definition, self.nodes[0], executor.variable_values, None, executor.hide_suggestions
        )
        arguments = self._arguments(executor.schema.extensions[DEFINITION], info, given)
        parameter = self.resolver.parent_parameter or self.resolver.root_parameter
        many = getattr(self.resolver.wrapped_func, "many", None)
        if many and parameter:
            return partial(many, **{name: value for name, value in arguments.items() if name != parameter.name})
        call = _of_row(self.resolver, parameter.name if parameter else None, arguments)
        return lambda rows: [call(row) for row in rows]

    def _arguments(self, schema: Schema, info: GraphQLResolveInfo[Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as Strawberry makes them, all by name; in place of the row there is nothing."""
        _, arguments = get_arguments(
            field=self.field,
            source=None,
            info=schema.config.info_class(_raw_info=info, _field=self.field),
            kwargs=given,
            config=schema.config,
            scalar_registry=schema.schema_converter.scalar_registry,
        )
        return arguments


def _of_row(resolver: StrawberryResolver[Any], name: str | None, arguments: dict[str, Any]) -> Callable[[Any], Any]:
    call: Callable[..., Any] = resolver.wrapped_func  # type: ignore[assignment] # bound where it is a method of a type
    if name:
        return lambda row: call(**{**arguments, name: row})
    return partial(call, **arguments) if resolver.self_parameter else lambda _row: call(**arguments)


class ReadAttempt:
    """One try to read a value. What it has asked is not asked again where the executor has to do its work."""

    def __init__(self, executor: "CatalogExecutor", path: Path) -> None:
        self.executor = executor
        self._path = path
        self._counted = 0
        self._asked: list[tuple[FieldNode, Values, Sequence[Any]]] = []

    def count(self, items: int) -> None:
        """Count the objects in one more list. Raises AnswerTooLargeError."""
        context = self.executor.context_value
        if isinstance(context, Context):
            context.count(items)
            self._counted += items

    async def settle(self, call: Call, rows: Values) -> Values:
        """Return what the resolver gives for each row; raises the first of its errors when all are settled."""
        known = self.executor.outcomes
        keys = [(id(call.nodes[0]), id(row)) for row in rows] if known else []
        if known and all(key in known for key in keys):
            outcomes: Sequence[Any] = [known[key][1] for key in keys]
        else:
            outcomes = await _outcomes(self.executor.bound(call, self._path)(rows))
            self._asked.append((call.nodes[0], rows, outcomes))
        raise_any(outcomes)
        return list(outcomes)

    def give_up(self) -> Outcomes:
        """Return what resolvers gave; what was counted will be counted again."""
        if self._counted:
            self.executor.context_value.listed -= self._counted
        return {
            (id(node), id(row)): (row, outcome)
            for node, rows, outcomes in self._asked
            for row, outcome in zip(rows, outcomes, strict=True)
        }


async def _outcomes(given: Any) -> Sequence[Any]:
    if isawaitable(given):
        return await given
    waiting = [value for value in given if isawaitable(value)]
    if not waiting:
        return given
    if len(given) > 1:
        done = iter(await gather(*waiting, return_exceptions=True))
        return [next(done) if isawaitable(value) else value for value in given]
    try:
        return [await waiting[0]]
    except Exception as error:
        return [error]


class Replay(MiddlewareManager):
    """Gives the executor's fields what has been asked before."""

    def __init__(self, outcomes: Outcomes) -> None:
        super().__init__()
        self._outcomes = outcomes

    def get_field_resolver(self, field_resolver: Callable[..., Any]) -> Callable[..., Any]:
        def resolve(row: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            key = id(info.field_nodes[0]), id(row)
            if key in self._outcomes:
                return _told(self._outcomes[key][1])
            return field_resolver(row, info, **arguments)

        return resolve


async def _told(outcome: Any) -> Any:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
