"""Random queries that the schema allows, and how many objects an answer holds."""

import random
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

ARGUMENTS = {
    "entity": 'ref: "component:default/checkout"',
    "nodes": 'ids: ["nobody", "knows"]',
    "search": 'text: "payments"',
    "facets": "fields: [KIND, OWNER]",
    "resolve": 'identifier: "checkout"',
    "dependencies": 'of: ["component:default/checkout"]',
    "dependents": 'of: ["resource:default/postgres-core"]',
    "impact": 'of: ["resource:default/postgres-core"]',
    "paths": 'from: "component:default/checkout", to: "resource:default/postgres-core"',
    "owned": 'by: ["group:default/payments"]',
    "why": 'ref: "component:default/checkout"',
    "groups": "by: OWNER",
    "ownershipCoverage": "by: GROUP",
    "related": "direction: IN",
}
"""Of fields that need some, as the demo organization has them."""


def random_query(schema: GraphQLSchema, dice: random.Random, depth: int = 6) -> str:
    return "{ " + " ".join(_fields(schema, schema.type_map["Query"], dice, depth)) + " }"


def _fields(schema: GraphQLSchema, type_: GraphQLNamedType, dice: random.Random, depth: int) -> Iterator[str]:
    """At least one. Fields have aliases by their number: those of one name may differ in their arguments."""
    yield "__typename"
    if isinstance(type_, GraphQLInterfaceType) and dice.random() < 0.3:
        concrete = dice.choice(schema.get_possible_types(type_))
        yield f"... on {concrete} {{ {' '.join(_fields(schema, concrete, dice, depth))} }}"
        return
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        return
    for name in dice.sample(list(type_.fields), min(4, len(type_.fields))):
        field = type_.fields[name]
        given = _arguments(name, field, dice)
        inner = get_named_type(field.type)
        if given is not None and is_leaf_type(inner):
            yield name + given
        elif given is not None and depth:
            yield f"{name}{given} {{ {' '.join(_fields(schema, inner, dice, depth - 1))} }}"


def _arguments(name: str, field: GraphQLField, dice: random.Random) -> str | None:
    """None where it needs some that nobody knows."""
    required = any(is_required_argument(argument) for argument in field.args.values())
    if required and name not in ARGUMENTS:
        return None
    given = [ARGUMENTS[name]] if required else []
    if "first" in field.args and dice.random() < 0.7:
        given.append(f"{dice.choice(['first', 'last']) if 'last' in field.args else 'first'}: {dice.randint(1, 12)}")
    return f"({', '.join(given)})" if given else ""


def objects_in(value: Any) -> int:
    """In the data of an answer, its root not counted. Values that are objects themselves, such as a spec, count not."""
    if isinstance(value, list):
        return sum(map(objects_in, value))
    if isinstance(value, dict) and "__typename" in value:
        return 1 + sum(map(objects_in, value.values()))
    return 0
