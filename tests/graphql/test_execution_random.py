"""Compiled readers and the executor's own way answer alike, whatever is asked and whatever fails."""

import gc
import random
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest
import strawberry
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry import Parent
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph_api.access.principal import ANONYMOUS
from graph_api.app import create_context, source_order
from graph_api.catalog.audience import EVERYTHING
from graph_api.catalog.entity import Entity
from graph_api.catalog.ref import Ref
from graph_api.graphql.calls import answered_together
from graph_api.graphql.error_format import CatalogSchema
from graph_api.graphql.execution import CatalogExecutor
from graph_api.graphql.limits import Limits
from graph_api.graphql.schema import create_schema
from graph_api.settings import Settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import Store
from reliability.queries import random_query
from tests.conftest import Run
from tests.demo import load
from tests.graphql.dressing import VARIABLES, dressed, undressed
from tests.graphql.test_execution import answer

# Of what an error has left behind, the executor itself awaits nothing any more.
pytestmark = pytest.mark.filterwarnings("ignore:.*was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
SEEDS = st.integers(0, 2**32)
EXAMPLES = settings(max_examples=40, deadline=None)


class FaultError(Exception):
    pass


def _fails(number: int, of: int) -> int:
    """Every so manieth row."""
    if number % of == 0:
        raise FaultError(f"{number} fails")
    return number


async def _later(root: Parent[Any]) -> int:
    return _fails(root.number, 3)


async def _batched(root: Parent[Any], add: int = 0) -> int:
    return (await _many([root], add))[0]


async def _many(rows: list[Any], add: int = 0) -> list[int]:
    return [_fails(row.number, 7) + add for row in rows]


@strawberry.interface
class Thing:
    number: int
    sure: int = strawberry.field(resolver=lambda root: _fails(root.number, 5))
    maybe: int | None = strawberry.field(resolver=lambda root: _fails(root.number, 4))
    later: int | None = strawberry.field(resolver=_later)
    must: int = strawberry.field(resolver=_later)
    batched: int | None = strawberry.field(resolver=answered_together(_batched, _many))

    @strawberry.field
    async def near(self, first: int = 3) -> list["Thing | None"]:
        return [make(self.number * 2 + place) for place in range(first)]

    @strawberry.field
    def within(self) -> list["Leaf"] | None:
        return [Leaf(number=self.number + place) for place in range(self.number % 4)]

    @strawberry.field
    async def only(self) -> "Thing":
        return make(_fails(self.number, 6) + 1)

    @classmethod
    def resolve_type(cls, value: Any, _info: Any, _type: Any) -> str:
        return type(value).__name__


@strawberry.type
class Even(Thing):
    half: int | None = strawberry.field(resolver=lambda root: root.number // 2)


@strawberry.type
class Odd(Thing):
    name: str | None = strawberry.field(resolver=lambda root: None if root.number % 3 else f"n{root.number}")


def _text(root: Parent[Any]) -> Any:
    return "leaf" if root.number % 9 else None


@strawberry.type
class Leaf:
    number: int
    text: str = strawberry.field(resolver=_text)


def make(number: int) -> Thing:
    return Odd(number=number) if number % 2 else Even(number=number)


async def _things(first: int = 6) -> list[Thing]:
    return [make(number) for number in range(1, first + 1)]


@strawberry.type
class Query:
    things: list[Thing] | None = strawberry.field(resolver=_things)
    some: list[Thing | None] | None = strawberry.field(resolver=lambda: [make(8), None, make(15), make(12)])
    thing: Thing | None = strawberry.field(resolver=lambda: make(11))


PLAIN = strawberry.Schema(query=Query, types=[Even, Odd])
OURS = strawberry.Schema(query=Query, types=[Even, Odd], execution_context_class=CatalogExecutor)


@EXAMPLES
@given(SEEDS)
def test_failing_resolvers_fail_alike(run: Run, seed: int) -> None:
    dice = random.Random(seed)
    query = dressed(PLAIN._schema, random_query(PLAIN._schema, dice, 4), dice)
    expected = run(answer(PLAIN, query, VARIABLES))
    for _ in range(2):  # compiled, and kept
        assert run(answer(OURS, query, VARIABLES)) == expected, query


class Spoiling:
    """A store of which some entities hold what does not fit the schema."""

    def __init__(self, store: Store, one_in: int) -> None:
        self._store = store
        self._one_in = one_in

    def seen_by(self, _visibility: object, _needed: object = None) -> "Spoiling":
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def _spoil(self, entity: Entity) -> Entity:
        if not self._one_in or crc32(entity.ref.encode()) % self._one_in:
            return entity
        return replace(entity, tier=2**40, title=7)  # type: ignore[arg-type] # what a defect would return

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
        return {ref: self._spoil(entity) for ref, entity in (await self._store.entities(refs)).items()}

    async def page(self, request: Any) -> Any:
        page = await self._store.page(request)
        return replace(page, entities=[self._spoil(entity) for entity in page.entities])


@pytest.fixture(scope="module", autouse=True)
def _leave_nothing() -> Iterator[None]:
    """Other tests do not meet the warnings either."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def demo_store(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Iterator[Store]:
    store = EmbeddedStore(tmp_path_factory.mktemp("demo") / "catalog.db")
    run(store.open())
    run(load(store))
    yield store
    run(store.close())


COMPILED, BY_FIELD = create_schema(Limits()), create_schema(Limits())
BY_FIELD.execution_context_class = StrawberryGraphQLCoreExecutionContext


@EXAMPLES
@given(SEEDS, st.sampled_from([0, 3, 40]), st.booleans())
def test_the_catalog_is_read_alike(run: Run, demo_store: Store, seed: int, one_in: int, dressing: bool) -> None:
    dice = random.Random(seed)
    query = random_query(COMPILED._schema, dice)
    query = dressed(COMPILED._schema, query, dice) if dressing else undressed(COMPILED._schema, query)
    store = Spoiling(demo_store, one_in)
    expected, found = (run(_ask(schema, store, query)) for schema in (BY_FIELD, COMPILED))
    assert found == expected, query


@pytest.mark.parametrize("no", [None, True])
def test_a_condition_without_a_value_fails_alike(run: Run, demo_store: Store, no: bool | None) -> None:
    query = "query($no: Boolean = false) { services { nodes { ref @include(if: $no) owners { role } } } }"
    variables = {"no": no}
    expected, found = (run(_ask(schema, demo_store, query, variables)) for schema in (BY_FIELD, COMPILED))
    assert found == expected


@pytest.mark.parametrize(
    "query",
    [
        "{ services { nodes { owners { entity { ref } through { to: ref, ref } } system { it: ref } } } }",
        "{ entities { nodes { primaryOwner { entity { ref ref } } domains { ref } environments { ref } } } }",
        "{ systems { nodes { related(direction: IN) { nodes { system { ref @skip(if: true) name } } } } } }",
        "{ groups { nodes { systems { __typename ref } owners { entity { ... on Group { ref } } } } } }",
        "query($ref: String!) { impact(of: [$ref]) { notify { owner { ref } } edges { via { entities { ref } } } } }",
        "query($ref: String!) { impact(of: [$ref]) { groups(by: KIND) { buckets { entity { ref } } } } }",
    ],
)
def test_refs_alone_are_read_alike(run: Run, demo_store: Store, query: str) -> None:
    variables = {"ref": "resource:default/search-index"}
    expected, found = (run(_ask(schema, demo_store, query, variables)) for schema in (BY_FIELD, COMPILED))
    assert found == expected
    assert not expected[1]


def test_nothing_is_asked_for_refs_alone(run: Run, demo_store: Store) -> None:
    asked: list[Collection[Ref]] = []

    class Counting(Spoiling):
        async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]:
            asked.append(refs)
            return await super().entities(refs)

    query = "{ services { nodes { ref owners { entity { ref } } systems { ref } } } }"
    data, _ = run(_ask(COMPILED, Counting(demo_store, 0), query))
    assert "'entity': {'ref': 'group:" in data
    assert not asked


async def _ask(
    schema: CatalogSchema, store: Any, query: str, variables: dict[str, Any] = VARIABLES
) -> tuple[str, set[tuple[str, str]]]:
    context = create_context(Settings(), store, ANONYMOUS, EVERYTHING, source_order(Settings()))
    return await answer(schema, query, variables, context)
