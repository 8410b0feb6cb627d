"""Readers: from a row to its part of the response, for selections that are attributes, and lists and objects of them.

A reader gives what the executor would give, or raises NotPlainError where only the executor can: a value that does not
fit its type, an error that has a place.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Protocol, TypeAlias

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.types.field import StrawberryField

_DEFINITION = "strawberry-definition"
_LARGEST_INT = 2**31 - 1

Read: TypeAlias = Callable[[Any], Any]


class NotPlainError(Exception):
    pass


class Collect(Protocol):
    """The fields that a selection asks of an object type: response name -> the nodes that ask for it."""

    def __call__(self, type_: GraphQLObjectType, details: Any) -> dict[str, Any]: ...


class Projection:
    """Readers for the selections of one execution; `details` are the executor's nodes of one field."""

    def __init__(self, schema: GraphQLSchema, collect: Collect) -> None:
        self._schema = schema
        self._collect = collect
        # The keys are kept alive, so that an id is not used again.
        self._fields: dict[tuple[str, int], tuple[Any, Read | None]] = {}
        self._rows: dict[tuple[str, int], tuple[Any, Read | None]] = {}

    def field(self, type_: GraphQLObjectType, details: Any) -> Read | None:
        """Reads the field from its object; None where a resolver has to."""
        key = (type_.name, id(details))
        if key not in self._fields:
            self._fields[key] = (details, self._field(type_, details))
        return self._fields[key][1]

    def value(self, type_: GraphQLOutputType, details: Any) -> Read | None:
        """Completes a value of the type."""
        if is_non_null_type(type_):
            inner = self._present(type_.of_type, details)
            return inner and _required(inner)
        present = self._present(type_, details)
        return present and _optional(present)

    def _present(self, type_: GraphQLOutputType, details: Any) -> Read | None:
        """Completes a value that is not null."""
        if is_leaf_type(type_):
            return _LEAVES.get(type_.name) or _coerced(type_.coerce_output_value)
        if is_list_type(type_):
            item = self.value(type_.of_type, details)
            return item and _list_of(item)
        if is_object_type(type_):
            return self.row(type_, details)
        return self._one_of(type_, details) if is_abstract_type(type_) else None

    def row(self, type_: GraphQLObjectType, details: Any) -> Read | None:
        """Reads all that the selection asks of an object."""
        key = (type_.name, id(details))
        if key not in self._rows:
            self._rows[key] = (details, self._row(type_, details))
        return self._rows[key][1]

    def _row(self, type_: GraphQLObjectType, details: Any) -> Read | None:
        found = [(name, self.field(type_, inner)) for name, inner in self._collect(type_, details).items()]
        fields = [(name, read) for name, read in found if read]
        if len(fields) < len(found):
            return None
        fits = type_.is_type_of

        def read_row(row: Any) -> dict[str, Any]:
            if fits and not fits(row, None):  # type: ignore[arg-type] # our types look at the row only
                raise NotPlainError
            return {name: read(row) for name, read in fields}

        return read_row

    def _one_of(self, type_: GraphQLAbstractType, details: Any) -> Read | None:
        resolve = type_.resolve_type
        # What one of the types needs a resolver for, all of them are left to the executor for.
        readers = {possible.name: self.row(possible, details) for possible in self._schema.get_possible_types(type_)}
        if not resolve or not all(readers.values()):
            return None

        def read_one(row: Any) -> Any:
            read = readers.get(resolve(row, None, type_))  # type: ignore[arg-type] # as above
            if not read:
                raise NotPlainError
            return read(row)

        return read_one

    def _field(self, type_: GraphQLObjectType, details: Any) -> Read | None:
        name = details[0].node.name.value
        if name == "__typename":
            return lambda _row: type_.name
        definition = self._schema.get_field(type_, name)
        source = _source_of(definition) if definition else None
        value = self.value(definition.type, details) if definition and source else None
        return _piped(source, value) if source and value else None


def _source_of(definition: GraphQLField) -> Read | None:
    """How the field's value is had from the row: an attribute, or a function of the row alone."""
    field = definition.extensions.get(_DEFINITION)
    if not isinstance(field, StrawberryField) or definition.args or field.extensions:
        return None
    resolver = field.base_resolver
    if resolver is None:
        return attrgetter(field.python_name)
    of_row_alone = resolver.root_parameter and len(resolver.signature.parameters) == 1
    return resolver.wrapped_func if of_row_alone and not resolver.is_async else None  # type: ignore[return-value]


def _piped(source: Read, value: Read) -> Read:
    return lambda row: value(source(row))


def _required(read: Read) -> Read:
    def read_required(value: Any) -> Any:
        if value is None:
            raise NotPlainError
        return read(value)

    return read_required


def _optional(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


def _list_of(read: Read) -> Read:
    def read_list(values: Any) -> list[Any]:
        if not isinstance(values, Sequence) or isinstance(values, str | bytes):
            raise NotPlainError
        return list(map(read, values))

    return read_list


def _coerced(coerce: Read) -> Read:
    def read_coerced(value: Any) -> Any:
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise NotPlainError
        return coerced

    return read_coerced


def _text(value: Any) -> Any:
    return value if type(value) is str else _slowly(value)


def _whole(value: Any) -> Any:
    return value if type(value) is int and -_LARGEST_INT <= value <= _LARGEST_INT else _slowly(value)


def _flag(value: Any) -> Any:
    return value if type(value) is bool else _slowly(value)


def _slowly(_value: Any) -> Any:
    raise NotPlainError


_LEAVES: dict[str, Read] = {"String": _text, "ID": _text, "DateTime": _text, "Int": _whole, "Boolean": _flag}
"""Values that stand in the response as they are."""
