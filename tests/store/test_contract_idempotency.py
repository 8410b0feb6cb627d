"""Answers that are kept under a client's key: part of the write that they tell of."""

import asyncio

import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.filters import ALL
from graph_api.store.protocol import Store, StoredAnswer
from tests.catalogs import AT, entity, sync_run
from tests.conftest import OpenStore

DAY = 86_400.0
ANSWER = StoredAnswer("ann\nkey", "digest", b"\x00answer\xff")


async def answer_of(store: Store, key: str) -> StoredAnswer | None:
    async with store.write() as tx:
        return await tx.answer_of(key)


async def keep(store: Store, answer: StoredAnswer, seconds: float = DAY) -> None:
    async with store.write() as tx:
        await tx.keep_answer(answer, seconds)


async def test_an_answer_is_kept_with_its_write(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    async with store.write() as tx:
        await tx.apply(ChangeSet(entities=[entity("a")]), sync_run(revision=1), AT)
        await tx.keep_answer(ANSWER, DAY)
        assert await tx.answer_of(ANSWER.key) == ANSWER
    assert await answer_of(other, ANSWER.key) == ANSWER
    assert await answer_of(other, "bob\nkey") is None
    assert await other.revision() == 1


async def test_an_answer_may_be_all_that_a_write_keeps(store: Store, open_store: OpenStore) -> None:
    await keep(store, ANSWER)
    assert await answer_of(await open_store(), ANSWER.key) == ANSWER
    assert await store.revision() == 0


async def test_a_write_that_fails_keeps_no_answer(store: Store) -> None:
    async def fail() -> None:
        async with store.write() as tx:
            await tx.apply(ChangeSet(entities=[entity("a")]), sync_run(revision=1), AT)
            await tx.keep_answer(ANSWER, DAY)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert (await answer_of(store, ANSWER.key), await store.count(ALL)) == (None, 0)


async def test_answers_are_forgotten_in_time(store: Store) -> None:
    await keep(store, ANSWER, 0.05)
    await asyncio.sleep(0.1)
    assert await answer_of(store, ANSWER.key) is None
    again = ANSWER._replace(digest="another", body=b"")
    await keep(store, again)
    assert await answer_of(store, ANSWER.key) == again


async def test_of_many_writers_with_one_key_one_writes(store: Store, open_store: OpenStore) -> None:
    stores = [store, await open_store()]

    async def write_once(number: int) -> bool:
        async with stores[number % 2].write() as tx:
            if await tx.answer_of(ANSWER.key):
                return False
            await tx.apply(ChangeSet(entities=[entity(f"n{number}")]), sync_run(revision=1), AT)
            await tx.keep_answer(ANSWER, DAY)
            return True

    assert sum(await asyncio.gather(*map(write_once, range(10)))) == 1
    assert await store.count(ALL) == 1
