"""Documents that ask the same in other words: aliases, fragments, @skip and @include. Or no more than plain fields."""

import random
from typing import Any

from graphql import (
    FieldNode,
    GraphQLNamedType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    print_ast,
    visit,
)

VARIABLES = {"yes": True, "no": False}
_HEAD = "query Dressed($yes: Boolean!, $no: Boolean = false)"
_DIRECTIVES = ("@skip(if: $yes)", "@skip(if: $no)", "@include(if: $yes)", "@include(if: $no)", "@skip(if: false)")


def dressed(schema: GraphQLSchema, query: str, dice: random.Random) -> str:
    """`query` is an anonymous operation; the result takes VARIABLES."""
    dresser = _Dresser(TypeInfo(schema), dice)
    document = visit(parse(f"{_HEAD} {query}"), TypeInfoVisitor(dresser.types, dresser))
    return " ".join([print_ast(document), *dresser.fragments])


def undressed(schema: GraphQLSchema, query: str) -> str:
    """Without `__typename`; with `ref` in its place where nothing else is left."""
    undresser = _Undresser(TypeInfo(schema))
    return print_ast(visit(parse(query), TypeInfoVisitor(undresser.types, undresser)))


class _Undresser(Visitor):
    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types

    def leave_selection_set(self, node: Any, *_args: Any) -> Any:
        fields = [print_ast(field) for field in node.selections if print_ast(field) != "__typename"]
        has_ref = "ref" in getattr(get_named_type(self.types.get_type()), "fields", {})
        text = " ".join(fields) or ("ref" if has_ref else "__typename")
        return parse(f"{{ {text} }}").definitions[0].selection_set  # type: ignore[attr-defined]


class _Dresser(Visitor):
    def __init__(self, types: TypeInfo, dice: random.Random) -> None:
        super().__init__()
        self.types = types
        self.fragments: list[str] = []
        self._dice = dice
        self._number = 0

    def leave_selection_set(self, node: Any, *_args: Any) -> Any:
        type_ = get_named_type(self.types.get_type()) if self.types.get_type() else None
        fields = [self._selection(field, type_) for field in node.selections]
        return parse(f"{{ {' '.join(fields)} }}").definitions[0].selection_set  # type: ignore[attr-defined]

    def _selection(self, node: Any, type_: GraphQLNamedType | None) -> str:
        text = print_ast(node)
        if not isinstance(node, FieldNode):
            return text
        roll = self._dice.random()
        if roll < 0.15 and not node.alias:
            self._number += 1
            return f"a{self._number}: {text}"
        if roll < 0.3:
            directive = self._dice.choice(_DIRECTIVES)
            return f"... {directive} {{ {text} }}"
        if roll < 0.4 and type_:
            return f"... on {type_} {{ {text} }}"
        if roll < 0.5 and type_:
            self._number += 1
            self.fragments.append(f"fragment F{self._number} on {type_} {{ {text} }}")
            return f"...F{self._number} {self._dice.choice(_DIRECTIVES)}"
        return f"{text} {text}" if roll < 0.55 else text
