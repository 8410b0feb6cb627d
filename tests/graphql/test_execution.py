"""Reading plain values directly changes no answer and no error."""

from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError

from graph_api.graphql.execution import CatalogExecutor


@strawberry.enum
class Colour(Enum):
    RED = "red"


@strawberry.type
class Leaf:
    name: str
    size: int
    share: float = 0.5
    colour: Colour = Colour.RED
    note: str | None = None
    tags: list[str] = strawberry.field(default_factory=list)

    @strawberry.field
    def computed(self) -> str:
        return self.name * 2

    @strawberry.field
    async def later(self) -> int:
        return self.size


@strawberry.interface
class Named:
    name: str
    title: str = strawberry.field(resolver=lambda root: root.name.upper())

    @classmethod
    def resolve_type(cls, value: Any, _info: Any, _type: Any) -> str:
        return type(value).__name__


@strawberry.type
class Branch(Named):
    leaves: list[Leaf] = strawberry.field(default_factory=list)
    next: "Named | None" = None


@strawberry.type
class Root(Named):
    depth: int = 0

    @strawberry.field
    async def slow(self) -> int:
        return self.depth


GOOD = (Leaf(name="a", size=1), Leaf(name="b", size=2, note="x", tags=["t"]))
BAD = (
    Leaf(name="a", size=2**40),
    Leaf(name="b", size=1, share=float("nan")),
    Leaf(name=None, size=1),  # type: ignore[arg-type] # what a defect would return
    Leaf(name="c", size="x"),  # type: ignore[arg-type]
)


TREE = (Root(name="r", depth=3), Branch(name="b", leaves=list(GOOD), next=Root(name="n")), Branch(name="c"))


@strawberry.type
class Query:
    tree: list[Named] = strawberry.field(resolver=lambda: list(TREE))
    broken: list[Named | None] = strawberry.field(
        resolver=lambda: [TREE[0], Branch(name="x", leaves=[GOOD[0], BAD[0]]), None, Root(name="d", depth=2**31)]
    )
    top: Named = strawberry.field(resolver=lambda: TREE[1])
    good: list[Leaf] = strawberry.field(resolver=lambda: list(GOOD))
    bad: list[Leaf | None] = strawberry.field(resolver=lambda: list(BAD))
    nested: list[list[Leaf]] = strawberry.field(resolver=lambda: [list(GOOD), []])
    one: Leaf | None = strawberry.field(resolver=lambda: GOOD[1])
    nothing: list[Leaf] | None = strawberry.field(resolver=lambda: None)
    failing: Leaf | None = strawberry.field(resolver=lambda: BAD[2])


PLAIN = strawberry.Schema(query=Query, types=[Branch, Root])
OURS = strawberry.Schema(query=Query, types=[Branch, Root], execution_context_class=CatalogExecutor)


@pytest.mark.parametrize(
    "query",
    [
        "{ good { name size share colour note } }",
        "{ good { other: name size again: size __typename } }",
        "{ good { name computed later tags } }",
        "{ bad { size } }",
        "{ bad { share } }",
        "{ bad { name } good { name } }",
        "{ nested { name note } nothing { name } }",
        "{ one { size ...F } failing { name note } } fragment F on Leaf { name ... on Leaf { colour } }",
        "query($no: Boolean = false) { good { name @include(if: $no) size @skip(if: $no) } }",
        "{ good { name } good { size } }",
        "{ tree { name title ... on Root { depth } ... on Branch { leaves { name note } next { __typename name } } } }",
        "{ tree { name ... on Root { slow } ... on Branch { leaves { size } leaves { computed } } } }",
        "{ top { title ... on Branch { leaves { name tags } next { title ... on Root { depth } } } } }",
        "{ broken { name ... on Branch { leaves { name size } } } tree { name } }",
        "{ broken { ... on Root { depth } } }",
    ],
)
async def test_both_executors_answer_alike(query: str) -> None:
    expected, found = await answer(PLAIN, query), await answer(OURS, query)
    assert found == expected


@pytest.mark.parametrize("no", [None, True, False])
async def test_a_condition_without_a_value_fails_where_it_stands(no: bool | None) -> None:
    query = """query($no: Boolean = false) {
      good { name } tree { ... on Branch { leaves { name @include(if: $no) size } next { name } } }
    }"""
    expected = await answer(PLAIN, query, {"no": no})
    assert await answer(OURS, query, {"no": no}) == expected


@strawberry.interface
class Step:
    name: str
    next: "Step | None" = None

    @classmethod
    def resolve_type(cls, value: Any, _info: Any, _type: Any) -> str:
        return type(value).__name__


@strawberry.type
class Left(Step):
    pass


@strawberry.type
class Right(Step):
    pass


def _ways(length: int) -> list[Step]:
    """All of this length."""
    rest: list[Step | None] = [*_ways(length - 1)] if length > 1 else [None]
    return [turn(name=turn.__name__, next=step) for turn in (Left, Right) for step in rest]


@strawberry.type
class Walk:
    ways: list[Step] = strawberry.field(resolver=lambda: _ways(4))


async def test_a_selection_is_compiled_once_for_each_type_however_many_ways_lead_to_it() -> None:
    compiled: list[str] = []

    class Counting(CatalogExecutor):
        def collect_subfields(self, return_type: Any, *rest: Any) -> Any:
            compiled.append(return_type.name)
            return super().collect_subfields(return_type, *rest)

    query = "{ ways { name next { name next { name next { name } } } } }"
    plain = strawberry.Schema(query=Walk, types=[Left, Right])
    ours = strawberry.Schema(query=Walk, types=[Left, Right], execution_context_class=Counting)
    assert await answer(ours, query) == await answer(plain, query)
    assert sorted(compiled) == 4 * ["Left"] + 4 * ["Right"]


async def answer(
    schema: strawberry.Schema, query: str, variables: dict[str, Any] | None = None, context: object = None
) -> tuple[str, set[tuple[str, str]]]:
    result = await schema.execute(query, variable_values=variables, context_value=context)
    # As text: a dictionary would not tell the order of its fields.
    return str(result.data), {_told(result.data, error) for error in result.errors or ()}


def _told(data: Any, error: GraphQLError) -> tuple[str, str]:
    """Where and what. Of the errors below one null, the executor itself tells those that it happens to meet first."""
    path = list(error.path or ())
    for length, key in enumerate(path):
        if data is None:
            return str(path[:length]), "below"
        data = data[key]
    return str(path), error.message
