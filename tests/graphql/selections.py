"""Selections made from the schema, so that a new field is asked for by the tests as soon as it is there."""

from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_required_argument,
)

from tests.documents import ROOT

SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))
ENTITY = SCHEMA.get_type("Entity")
assert isinstance(ENTITY, GraphQLInterfaceType)
ENTITY_TYPES = tuple(sorted(type_.name for type_ in SCHEMA.get_possible_types(ENTITY)))

Arguments = dict[str, str]
"""By `Type.field`, or `field` for all types: what stands between the parentheses."""


def every_field(type_: GraphQLNamedType, arguments: Arguments, only: str | None = None) -> str:
    """All fields of a type (or only one), and of what they lead to up to the next entities, of which only the refs are
    asked for."""
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    return " ".join(
        _field(type_, name, field, arguments) for name, field in type_.fields.items() if only in (None, name)
    )


def _field(parent: GraphQLNamedType, name: str, field: GraphQLField, arguments: Arguments) -> str:
    given = arguments.get(f"{parent.name}.{name}") or arguments.get(name)
    required = [key for key, argument in field.args.items() if is_required_argument(argument)]
    assert given or not required, f"the test says nothing for {required} of {parent.name}.{name}"
    asked = f"{name}({given})" if given else name
    type_ = get_named_type(field.type)
    if is_leaf_type(type_):
        return asked
    if _is_entity(type_):
        return f"{asked} {{ __typename id ... on Entity {{ ref }} }}"
    return f"{asked} {{ {every_field(type_, arguments)} }}"


def _is_entity(type_: GraphQLNamedType) -> bool:
    return is_interface_type(type_) or type_.name in ENTITY_TYPES


def filled(type_: GraphQLNamedType, value: Any) -> set[str]:
    """The fields, as `Type.field`, that hold anything in an answer; those of an interface go by its name."""
    if isinstance(value, list):
        return set[str]().union(*(filled(type_, item) for item in value))
    if not isinstance(value, dict) or is_leaf_type(type_):
        return set()
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    found = {field_name(type_, name) for name, item in value.items() if item not in (None, [], {})}
    inner = [(type_.fields[name], item) for name, item in value.items() if name in type_.fields]
    return found.union(*(filled(get_named_type(field.type), item) for field, item in inner))


def field_name(type_: GraphQLObjectType | GraphQLInterfaceType, name: str) -> str:
    owners = [type_, *sorted(type_.interfaces, key=lambda interface: len(interface.fields), reverse=True)]
    return f"{[owner for owner in owners if name in owner.fields or owner is type_][-1].name}.{name}"


def all_fields() -> set[str]:
    """Of every type that an answer to a query may hold, as filled() names them."""
    types = [type_ for type_ in SCHEMA.type_map.values() if isinstance(type_, GraphQLObjectType)]
    mutations = {"Mutation", "MutationPayload", "SyncPayload", "EntityChange", "UserError"}
    return {
        field_name(type_, name)
        for type_ in types
        if not type_.name.startswith("__") and type_.name not in mutations
        for name in type_.fields
    }
