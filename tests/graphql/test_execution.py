"""Reading plain values directly changes no answer and no error."""

import asyncio
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError, Undefined
from strawberry.scalars import JSON

from graph_api.graphql.context import AnswerTooLargeError
from graph_api.graphql.execution import CatalogExecutor


class FaultError(Exception):
    pass


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
    flag: bool = True

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


@strawberry.type
class Twig(Named):
    """Of which no other row is one."""

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        return isinstance(value, cls)


GOOD = (Leaf(name="a", size=1), Leaf(name="b", size=2, note="x", tags=["t"]))
BAD = (
    Leaf(name="a", size=2**40),
    Leaf(name="b", size=1, share=float("nan")),
    Leaf(name=None, size=1),  # type: ignore[arg-type] # what a defect would return
    Leaf(name="c", size="x"),  # type: ignore[arg-type]
)


TREE = (Root(name="r", depth=3), Branch(name="b", leaves=list(GOOD), next=Root(name="n")), Branch(name="c"))

STRAYS: list[Any] = [Twig(name="t"), TREE[0], Twig(name="u")]


@strawberry.type
class Query:
    tree: list[Named] = strawberry.field(resolver=lambda: list(TREE))
    broken: list[Named | None] = strawberry.field(
        resolver=lambda: [TREE[0], Branch(name="x", leaves=[GOOD[0], BAD[0]]), None, Root(name="d", depth=2**31)]
    )
    top: Named = strawberry.field(resolver=lambda: TREE[1])
    edges: list[Leaf] = strawberry.field(resolver=lambda: [Leaf(name="a", size=size) for size in (2**31 - 1, -(2**31))])
    beyond: list[Leaf | None] = strawberry.field(resolver=lambda: [Leaf(name="a", size=2**31)])
    below: list[Leaf | None] = strawberry.field(resolver=lambda: [Leaf(name="a", size=-(2**31) - 1)])
    odd: list[Leaf | None] = strawberry.field(resolver=lambda: [Leaf(name="a", size=1, flag=1)])  # type: ignore[arg-type]
    text: list[str] | None = strawberry.field(resolver=lambda: "no list")  # type: ignore[assignment]
    good: list[Leaf] = strawberry.field(resolver=lambda: list(GOOD))
    bad: list[Leaf | None] = strawberry.field(resolver=lambda: list(BAD))
    nested: list[list[Leaf]] = strawberry.field(resolver=lambda: [list(GOOD), []])
    one: Leaf | None = strawberry.field(resolver=lambda: GOOD[1])
    holes: list[Leaf] | None = strawberry.field(resolver=lambda: [GOOD[0], None])  # type: ignore[assignment]
    ragged: list[list[str] | None] = strawberry.field(resolver=lambda: [["a"], "bc"])  # type: ignore[assignment]
    undefined: list[JSON | None] = strawberry.field(resolver=lambda: [{"a": 1}, Undefined])  # type: ignore[assignment]
    yes: list[Leaf] = strawberry.field(resolver=lambda: [Leaf(name="a", size=True)])
    strays: list[Twig | None] = strawberry.field(resolver=lambda: STRAYS)
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
        "{ strays { name } }",
        "{ holes { __typename } }",
        "{ ragged }",
        "{ undefined }",
        "{ yes { size } }",
        "{ edges { size } }",
        "{ beyond { size } }",
        "{ below { size } }",
        "{ odd { flag } }",
        "{ text }",
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


async def test_fields_that_wait_begin_together_and_none_is_asked_again_for_the_error_of_another() -> None:
    """Nor does any of them go on once there is an answer."""
    both, asked = asyncio.Barrier(2), []

    @strawberry.type
    class Pair:
        @strawberry.field
        async def one(self) -> int:
            await both.wait()
            return 1

        @strawberry.field
        async def other(self) -> int:
            await both.wait()
            return 2

        @strawberry.field
        async def fails(self) -> int | None:
            raise FaultError("it fails at once")

        @strawberry.field
        async def slow(self) -> int:
            asked.append("slow")
            await asyncio.to_thread(asked.append, "ended")
            return 3

    @strawberry.type
    class Pairs:
        pair: Pair = strawberry.field(resolver=lambda: Pair())

    ours = strawberry.Schema(query=Pairs, execution_context_class=CatalogExecutor)
    async with asyncio.timeout(30):
        assert (await answer(ours, "{ pair { one other } }"))[0] == "{'pair': {'one': 1, 'other': 2}}"
        data, errors = await answer(ours, "{ pair { fails slow } }")
    assert (data, asked) == ("{'pair': {'fails': None, 'slow': 3}}", ["slow", "ended"])
    assert errors == {("['pair', 'fails']", "it fails at once")}


async def test_an_answer_that_is_too_large_ends_whatever_else_fails() -> None:
    @strawberry.type
    class Both:
        @strawberry.field
        async def fails(self) -> int | None:
            raise FaultError("it fails")

        @strawberry.field
        async def many(self) -> int | None:
            raise AnswerTooLargeError(7)

    @strawberry.type
    class Two:
        both: Both | None = strawberry.field(resolver=lambda: Both())

    ours = strawberry.Schema(query=Two, execution_context_class=CatalogExecutor)
    for query in ("{ both { fails many } }", "{ both { many fails } }"):
        data, errors = await answer(ours, query)
        assert (data, [where for where, _ in errors]) == ("{'both': None}", ["['both']"])


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
