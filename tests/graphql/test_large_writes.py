"""While thousands of entities are read and planned, others are answered."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from graph_api.app import source_order
from graph_api.catalog.filters import ALL
from graph_api.catalog.merge import Priority, SourceOrder
from graph_api.catalog.snapshot import Snapshot
from graph_api.planning.thread import in_thread, pause
from graph_api.settings import Settings
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import Store, WriteTransaction
from graph_api.sync import sync
from graph_api.writing import follow_order
from tests.catalogs import entity, link
from tests.conftest import Run
from tests.graphql.conftest import Client

SECONDS = 20
OWNED = link("a", "group:default/team", "OWNED_BY", sources=["feed"])
SNAPSHOT = Snapshot(source="feed", connector="api", links={OWNED.key: OWNED.statements["feed"][0]})


class Planning:
    """The priority of sources, which planning asks for to find the owners of what none of them declares: it can be held
    there.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.goes_on = threading.Event()

    @property
    def order(self) -> SourceOrder:
        planning = self

        class Waiting(SourceOrder):
            def __call__(self, source: str) -> Priority:
                planning.begun.set()
                assert planning.goes_on.wait(SECONDS), "nobody was answered in the meantime"
                return super().__call__(source)

        return Waiting()

    async def until_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, SECONDS)


async def test_others_are_answered_while_a_write_is_planned(store: Store) -> None:
    planning = Planning()

    async def ask() -> None:
        await planning.until_begun()
        assert await store.count(ALL) == 0
        planning.goes_on.set()

    await asyncio.gather(sync(store, SNAPSHOT, planning.order), ask())
    assert await store.count(ALL) == 2


async def test_others_are_answered_while_everything_is_merged_anew(store: Store) -> None:
    stated = entity("a", sources=["feed"]).statements["feed"]
    await sync(store, replace(SNAPSHOT, entities={stated.ref: stated}), SourceOrder(("feed",)))
    planning = Planning()

    async def ask() -> None:
        await planning.until_begun()
        assert await store.count(ALL) == 2
        planning.goes_on.set()

    await asyncio.gather(follow_order(store, planning.order), ask())
    assert await store.source_order() == SourceOrder().memory


async def test_a_write_that_is_cancelled_while_it_is_planned_writes_nothing(store: Store) -> None:
    planning = Planning()
    writing = asyncio.create_task(sync(store, SNAPSHOT, planning.order))
    await planning.until_begun()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    planning.goes_on.set()
    assert await store.count(ALL) == 0
    await sync(store, SNAPSHOT, source_order(Settings()))
    assert (await store.revision(), await store.count(ALL)) == (1, 2)


@pytest.mark.parametrize("field", ["putEntities(", 'applySnapshot(source: "feed", '])
def test_others_are_answered_while_the_input_of_a_mutation_is_read(tmp_path: Path, run: Run, field: str) -> None:
    events: list[str] = []

    class Watched(EmbeddedStore):
        def write(self, **options):  # type: ignore[no-untyped-def] # as it is there
            events.append("write")
            return super().write(**options)

    client = Client(Watched(tmp_path / "catalog.db"), run, Settings())
    mutation = f"mutation($entities: [EntityInput!]!) {{ {field}entities: $entities) {{ userErrors {{ code }} }} }}"
    spec = {"type": "service", "dependsOn": ["component:a", "component:b"]}
    entities = [{"kind": "Component", "name": f"s{number}", "spec": spec} for number in range(5_000)]

    async def ask() -> None:
        await client.send('{ entity(ref: "component:a") { ref } }')
        events.append("answer")

    async def warm_up() -> None:
        await client.send(mutation, entities=entities[:1])
        await ask()
        events.clear()

    async def ask_meanwhile() -> None:
        await asyncio.gather(client.send(mutation, entities=entities), ask())

    run(client.start())
    run(warm_up())
    run(ask_meanwhile())
    run(client.stop())
    assert events == ["answer", "write"]


async def test_a_plan_that_asks_nothing_ends_when_it_is_cancelled(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph_api.planning.thread.LONGEST_STEP", 0)
    begun, goes_on = threading.Event(), threading.Event()
    turns = []

    async def plan(tx: WriteTransaction) -> None:
        for turn in range(3):
            await pause(tx)
            turns.append(turn)
            begun.set()
            assert goes_on.wait(SECONDS)

    async def write() -> None:
        async with store.write() as tx:
            await in_thread(tx, plan)

    writing = asyncio.create_task(write())
    assert await asyncio.to_thread(begun.wait, SECONDS)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    goes_on.set()
    await sync(store, SNAPSHOT, source_order(Settings()))
    assert turns == [0]
