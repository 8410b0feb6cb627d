"""Readers: from rows to their parts of the response, for selections that are attributes, and lists and objects of them.

A reader takes all values of one field at once, so that most of the work is loops of Python's own. It gives what the
executor would give, or raises NotPlainError where only the executor can: a value that does not fit its type, an error
that has a place.
"""

from collections.abc import Callable, Sequence
from itertools import chain, islice, repeat
from operator import attrgetter
from types import NoneType
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

Read: TypeAlias = Callable[[list[Any]], list[Any]]
Source: TypeAlias = Callable[[Any], Any]


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
        """Reads the field from its objects; None where a resolver has to."""
        key = (type_.name, id(details))
        if key not in self._fields:
            self._fields[key] = (details, self._field(type_, details))
        return self._fields[key][1]

    def value(self, type_: GraphQLOutputType, details: Any) -> Read | None:
        """Completes values of the type."""
        if is_non_null_type(type_):
            inner = self._present(type_.of_type, details)
            return inner and _required(inner)
        present = self._present(type_, details)
        return present and _optional(present)

    def _present(self, type_: GraphQLOutputType, details: Any) -> Read | None:
        """Completes values that are not null."""
        if is_leaf_type(type_):
            return _LEAVES.get(type_.name) or _coerced(type_.coerce_output_value)
        if is_list_type(type_):
            item = self.value(type_.of_type, details)
            return item and _lists_of(item)
        if is_object_type(type_):
            return self.row(type_, details)
        return self._one_of(type_, details) if is_abstract_type(type_) else None

    def row(self, type_: GraphQLObjectType, details: Any) -> Read | None:
        """Reads all that the selection asks of objects."""
        key = (type_.name, id(details))
        if key not in self._rows:
            self._rows[key] = (details, self._row(type_, details))
        return self._rows[key][1]

    def _row(self, type_: GraphQLObjectType, details: Any) -> Read | None:
        found = [(name, self.field(type_, inner)) for name, inner in self._collect(type_, details).items()]
        names, reads = [name for name, _ in found], [read for _, read in found if read]
        if len(reads) < len(found) or not found:
            return None
        fits = type_.is_type_of

        def read_rows(rows: list[Any]) -> list[Any]:
            if fits and not all(fits(row, None) for row in rows):  # type: ignore[arg-type] # our types look at the row only
                raise NotPlainError
            return list(map(dict, map(zip, repeat(names), zip(*(read(rows) for read in reads), strict=True))))

        return read_rows

    def _one_of(self, type_: GraphQLAbstractType, details: Any) -> Read | None:
        resolve = type_.resolve_type
        # What one of the types needs a resolver for, all of them are left to the executor for.
        readers = {possible.name: self.row(possible, details) for possible in self._schema.get_possible_types(type_)}
        if not resolve or not all(readers.values()):
            return None

        def read_each(rows: list[Any]) -> list[Any]:
            by_type: dict[Any, list[Any]] = {}
            types = [resolve(row, None, type_) for row in rows]  # type: ignore[arg-type] # as above
            for name, row in zip(types, rows, strict=True):
                by_type.setdefault(name, []).append(row)
            parts = {name: iter(_known(readers.get(name))(found)) for name, found in by_type.items()}
            return [next(parts[name]) for name in types]

        return read_each

    def _field(self, type_: GraphQLObjectType, details: Any) -> Read | None:
        name = details[0].node.name.value
        if name == "__typename":
            return lambda rows: [type_.name] * len(rows)
        definition = self._schema.get_field(type_, name)
        source = _source_of(definition) if definition else None
        value = self.value(definition.type, details) if definition and source else None
        return _piped(source, value) if source and value else None


def _known(read: Read | None) -> Read:
    if read is None:
        raise NotPlainError
    return read


def _source_of(definition: GraphQLField) -> Source | None:
    """How the field's value is had from a row: an attribute, or a function of the row alone."""
    field = definition.extensions.get(_DEFINITION)
    if not isinstance(field, StrawberryField) or definition.args or field.extensions:
        return None
    resolver = field.base_resolver
    if resolver is None:
        return attrgetter(field.python_name)
    of_row_alone = resolver.root_parameter and len(resolver.signature.parameters) == 1
    return resolver.wrapped_func if of_row_alone and not resolver.is_async else None  # type: ignore[return-value]


def _piped(source: Source, value: Read) -> Read:
    return lambda rows: value(list(map(source, rows)))


def _types_of(values: list[Any]) -> set[type]:
    return set(map(type, values))


def _required(read: Read) -> Read:
    def read_required(values: list[Any]) -> list[Any]:
        if NoneType in _types_of(values):
            raise NotPlainError
        return read(values)

    return read_required


def _optional(read: Read) -> Read:
    def read_optional(values: list[Any]) -> list[Any]:
        if NoneType not in _types_of(values):
            return read(values)
        present = iter(read([value for value in values if value is not None]))
        return [None if value is None else next(present) for value in values]

    return read_optional


def _lists_of(read: Read) -> Read:
    def read_lists(values: list[Any]) -> list[Any]:
        if not all(issubclass(type_, Sequence) and not issubclass(type_, str | bytes) for type_ in _types_of(values)):
            raise NotPlainError
        items = iter(read(list(chain.from_iterable(values))))
        return [list(islice(items, len(value))) for value in values]

    return read_lists


def _coerced(coerce: Source) -> Read:
    def read_coerced(values: list[Any]) -> list[Any]:
        coerced = list(map(coerce, values))
        if any(value is None or value is Undefined for value in coerced):
            raise NotPlainError
        return coerced

    return read_coerced


def _all_of(type_: type) -> Read:
    def read_plain(values: list[Any]) -> list[Any]:
        if not _types_of(values) <= {type_}:
            raise NotPlainError
        return values

    return read_plain


_read_whole = _all_of(int)


def _whole(values: list[Any]) -> list[Any]:
    whole = _read_whole(values)
    if whole and not -_LARGEST_INT <= min(whole) <= max(whole) <= _LARGEST_INT:
        raise NotPlainError
    return whole


_text = _all_of(str)
_LEAVES: dict[str, Read] = {"String": _text, "ID": _text, "DateTime": _text, "Int": _whole, "Boolean": _all_of(bool)}
"""Values that stand in the response as they are."""
