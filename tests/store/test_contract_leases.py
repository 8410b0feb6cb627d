"""What only one process at a time may do: each name is a rule for every store."""

import asyncio

from graph_api.catalog.changes import ChangeSet
from graph_api.store.protocol import Store
from tests.catalogs import entity, write
from tests.conftest import OpenStore

LONG = 60.0


async def test_one_holder_at_a_time_has_it_and_may_have_it_for_longer(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    assert await store.lease("work", "a", LONG)
    assert not await other.lease("work", "b", LONG)
    assert await store.lease("work", "a", LONG)
    assert await other.lease("other work", "b", LONG)


async def test_of_many_who_ask_at_once_one_gets_it(store: Store, open_store: OpenStore) -> None:
    stores = [store, await open_store()]
    answers = await asyncio.gather(*(stores[n % 2].lease("work", f"holder-{n}", LONG) for n in range(12)))
    assert sum(answers) == 1


async def test_the_lease_of_a_dead_holder_runs_out(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    assert await store.lease("work", "dead", LONG)
    assert not await other.lease("work", "b", LONG)
    assert await store.lease("work", "dead", 0.1)
    await asyncio.sleep(0.2)
    assert await other.lease("work", "b", LONG)
    assert not await store.lease("work", "dead", LONG)


async def test_what_is_given_back_is_free_and_nobody_gives_back_what_is_not_his(
    store: Store, open_store: OpenStore
) -> None:
    other = await open_store()
    assert await store.lease("work", "a", LONG)
    assert not await other.lease("work", "b", 0)
    assert not await other.lease("work", "b", LONG)
    assert await store.lease("work", "a", 0)
    assert await other.lease("work", "b", LONG)


async def test_a_lease_is_no_write_of_the_catalog(store: Store) -> None:
    revision = await write(store, ChangeSet(entities=[entity("a")]))
    assert await store.lease("work", "a", LONG)
    assert await store.revision() == revision
    assert [run.revision for run in await store.syncs(None, 9)] == [revision]


async def test_a_clock_that_was_put_back_locks_nobody_out(store: Store, open_store: OpenStore) -> None:
    """As far as a store can tell, that is a lease for an hour."""
    other = await open_store()
    assert await store.lease("work", "dead", 3600)
    assert await other.lease("work", "b", LONG)
    assert not await store.lease("work", "dead", LONG)
