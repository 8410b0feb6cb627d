"""What is special about the embedded store: its file, other processes, and a graph that catches up."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link, LinkKey
from graph_api.catalog.filters import ALL
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.catalog.traversal import FACET_FIELDS, Cycle, Facet, Traversal, WalkAnswer, WalkRequest
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.protocol import Neighbour, Store
from tests.catalogs import entity, link, links, ref, refs, with_ends, write
from tests.store.opening import names, opened

SIZE = 60


class History:
    """A catalog that changes a little with each step, in ways that touch entities, their links, or both."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._entities = {row.ref: row for row in (entity(f"n{number}") for number in range(SIZE))}
        self._links: dict[LinkKey, Link] = {}
        self._gone: list[Entity] = []
        for _ in range(2 * SIZE):
            self._add_link()

    def start(self) -> ChangeSet:
        return ChangeSet(entities=list(self._entities.values()), links=list(self._links.values()))

    def step(self) -> ChangeSet:
        steps: tuple[Callable[[], ChangeSet], ...] = (
            self._restate,
            self._relink,
            self._remove,
            self._remove,
            self._bring_back,
            self._bring_back,
            self._add,
        )
        return self._random.choice(steps)()

    def _any(self) -> Entity:
        return self._random.choice(list(self._entities.values()))

    def _restate(self) -> ChangeSet:
        row = replace(self._any(), tier=self._random.choice((None, 1, 2)), tags=(self._random.choice("xyz"),))
        self._entities[row.ref] = row
        return ChangeSet(entities=[row])

    def _add_link(self) -> Link:
        environment = self._random.choice((None, None, "prod"))
        source, target = self._any().ref, self._any().ref
        (row,) = links(f"{source.rpartition('/')[2]}{self._random.choice('>~')}{target.rpartition('/')[2]}")
        key = row.key._replace(environment=environment)
        self._links[key] = replace(row, key=key)
        return self._links[key]

    def _relink(self) -> ChangeSet:
        """Rows of the links only: the entities at their ends stay as they are."""
        removed = self._random.choice(list(self._links))
        added = self._add_link()
        if removed == added.key:
            return ChangeSet(links=[added])
        del self._links[removed]
        return ChangeSet(links=[added], removed_links=[removed])

    def _remove(self) -> ChangeSet:
        row = self._any()
        keys = [key for key in self._links if row.ref in (key.source, key.target)]
        for key in keys:
            del self._links[key]
        self._gone.append(self._entities.pop(row.ref))
        return ChangeSet(removed=[row.ref], removed_links=keys)

    def _bring_back(self) -> ChangeSet:
        if not self._gone:
            return self._restate()
        row = self._gone.pop()
        self._entities[row.ref] = row
        return ChangeSet(entities=[row])

    def _add(self) -> ChangeSet:
        row = entity(f"{self._random.choice('amz')}{self._random.randrange(10**6)}", declared=False, sources=())
        self._entities[row.ref] = row
        to_hub = link(row.ref, next(iter(self._entities)))
        self._links[to_hub.key] = to_hub
        return ChangeSet(entities=[row], links=[to_hub, self._add_link()])


Around = list[dict[Ref, list[Neighbour]]]


async def everything(
    store: Store,
) -> tuple[list[WalkAnswer], list[Cycle], dict[str, Facet], dict[Ref, Entity], Around]:
    named = refs(" ".join(f"n{number}" for number in range(SIZE)))
    start = (await store.entities(refs("n0 n1 n2 n3"))).keys()
    requests = (
        WalkRequest(
            traversal=Traversal(start=tuple(sorted(start)), direction=direction, budget=budget),
            limit=100,
            total=True,
            severity=True,
            facets=tuple(FACET_FIELDS),
            completeness=True,
        )
        for direction, budget in product(Direction, (30, 100))
    )
    return (
        [await store.walk(request, deadline=30) for request in requests],
        await store.cycles(["DEPENDS_ON"], deadline=30),
        await store.facets(ALL, ["kind", "tags", "tier"]),
        await store.entities(named),
        [await store.neighbours(named, direction, RELATIONS) for direction in Direction],
    )


@pytest.mark.parametrize("seed", range(3))
async def test_a_graph_that_caught_up_is_the_graph_that_is_loaded_afresh(tmp_path: Path, seed: int) -> None:
    history = History(seed)
    async with opened(tmp_path / "c.db") as reader, opened(tmp_path / "c.db") as writer:
        await write(writer, history.start())
        for _ in range(12):
            await everything(reader)
            for _ in range(random.Random(seed).randrange(1, 4)):
                await write(writer, history.step())
            async with opened(tmp_path / "c.db") as fresh:
                assert await everything(reader) == await everything(fresh)


async def test_a_write_through_one_store_is_seen_by_another_that_has_walked_before(tmp_path: Path) -> None:
    walk = WalkRequest(traversal=Traversal(start=(ref("c"),), direction=Direction.IN), limit=9)
    async with opened(tmp_path / "c.db") as one, opened(tmp_path / "c.db") as other:
        await write(one, with_ends(links("a>b b>c")))
        assert [hit.entity.name for hit in (await other.walk(walk, deadline=30)).hits] == ["b", "a"]
        await write(one, with_ends(links("d>c")))
        answer = await other.walk(walk, deadline=30)
        assert ([hit.entity.name for hit in answer.hits], answer.revision) == (["b", "d", "a"], 2)
        assert await names(other) == ["a", "b", "c", "d"]


async def test_terms_that_nothing_uses_any_more_are_swept(tmp_path: Path) -> None:
    path, many = tmp_path / "c.db", 30_000
    async with opened(path) as store, opened(path) as other:
        for turn in range(3):
            tags = tuple(f"tag-{turn}-{number}" for number in range(many))
            await write(store, ChangeSet(entities=[entity("a", tags=tags), entity("b", tags=("b", f"last-{turn}"))]))
            (facet,) = (await other.facets(ALL, ["tags"])).values()
            found = {bucket.value for bucket in facet.buckets}
            assert found == {*tags, "b", f"last-{turn}"}, "who has the older terms in memory is not misled"
        with sqlite3.connect(path) as conn:
            (terms,) = conn.execute("SELECT count(*) FROM terms").fetchone()
        conn.close()
        assert terms < 3 * many


async def test_a_store_without_a_path_is_its_own_and_leaves_nothing() -> None:
    async with opened(None) as one, opened(None) as other:
        await write(one, ChangeSet(entities=[entity("a")]))
        assert (await names(one), await names(other)) == (["a"], [])
    with pytest.raises(CatalogError) as closed:
        await one.revision()
    assert closed.value.code is ErrorCode.UNAVAILABLE
    async with opened(None) as again:
        assert await names(again) == []


@pytest.mark.parametrize("same", [True, False], ids=["in the same store", "in another one"])
async def test_a_writer_that_waits_too_long_is_turned_away(tmp_path: Path, same: bool) -> None:
    async with (
        opened(tmp_path / "c.db", busy_seconds=0.05) as store,
        opened(tmp_path / "c.db", busy_seconds=0.05) as other,
    ):
        async with store.write():
            with pytest.raises(CatalogError, match="another writer") as late:
                await write(store if same else other, ChangeSet(entities=[entity("a")]))
            assert late.value.code is ErrorCode.UNAVAILABLE
        assert await write(other, ChangeSet(entities=[entity("a")])) == 1


@pytest.mark.parametrize("deadline", [0.0, -1.0])
async def test_a_walk_after_its_deadline_has_no_answer(deadline: float) -> None:
    async with opened(None) as store:
        await write(store, with_ends([link("a", "b")]))
        walk = WalkRequest(traversal=Traversal(start=(ref("a"),), direction=Direction.OUT), total=True)
        with pytest.raises(CatalogError) as late:
            await store.walk(walk, deadline=deadline)
        assert late.value.code is ErrorCode.DEADLINE_EXCEEDED
        assert (await store.walk(walk, deadline=30)).total == 1


async def test_the_largest_id_may_go_and_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db") as store:
        await write(store, ChangeSet(entities=[entity("a"), entity("b")]))
        await write(store, ChangeSet(removed=refs("b")))
        await write(store, ChangeSet(entities=[entity("c")]))
        await write(store, ChangeSet(entities=[entity("b")], links=[link("c", "b")]))
        walk = WalkRequest(traversal=Traversal(start=(Ref(ref("b")),), direction=Direction.IN), limit=9)
        assert [hit.entity.name for hit in (await store.walk(walk, deadline=30)).hits] == ["c"]


BIG = 3000
CHILD = """
import asyncio, sys
from graph_api.catalog.changes import ChangeSet
from graph_api.store.embedded.store import EmbeddedStore
from tests.catalogs import entity, link, ref, write

class Announcing(list):
    def __iter__(self):
        for number, item in enumerate(super().__iter__()):
            if number == len(self) // 2:
                print("halfway", flush=True)
                if sys.argv[2] == "halfway":
                    input()
            yield item

async def main():
    store = EmbeddedStore(sys.argv[1])
    await store.open()
    rows = [entity(f"n{number}", title="big" * 100) for number in range(int(sys.argv[3]))]
    links = Announcing(link(row.ref, ref("hub")) for row in rows)
    await write(store, ChangeSet(entities=rows, links=links))
    print("acknowledged", flush=True)
    input()

asyncio.run(main())
"""


def kill_writer(path: Path, wait_for: str, pause_at: str) -> None:
    command = (sys.executable, "-c", CHILD, str(path), pause_at, str(BIG))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert any(line.strip() == wait_for for line in child.stdout)
        child.kill()


@pytest.mark.parametrize(
    ("wait_for", "pause_at", "possible"),
    [("halfway", "halfway", {0}), ("halfway", "never", {0, BIG}), ("acknowledged", "never", {BIG})],
    ids=["in the middle", "while it goes on", "after its acknowledgement"],
)
async def test_a_killed_writer_leaves_all_or_nothing(
    tmp_path: Path, wait_for: str, pause_at: str, possible: set[int]
) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as store:
        await write(store, ChangeSet(entities=[entity("hub")]))
        kill_writer(path, wait_for, pause_at)
        written = await store.count(ALL) - 1
        assert written in possible
        assert await store.neighbour_counts([ref("hub")], Direction.IN, ["DEPENDS_ON"]) == {ref("hub"): written}
        walk = WalkRequest(traversal=Traversal(start=(ref("hub"),), direction=Direction.IN), total=True)
        assert (await store.walk(walk, deadline=30)).total == written
        assert (await store.revision()) == (2 if written else 1)
        assert await write(store, ChangeSet(entities=[entity("next")])) == (3 if written else 2)
