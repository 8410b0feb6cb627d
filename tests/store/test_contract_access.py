"""Keys and the audit log: what was written is there, in its place, and together with the write or not at all."""

from contextlib import suppress
from dataclasses import replace

from graph_api.access.audit import Attempt, Event, Head, Outcome, Record
from graph_api.access.keys import new_key
from graph_api.access.principal import Role
from graph_api.catalog.changes import ChangeSet
from graph_api.store.protocol import Store
from tests.access.signing_in import breach
from tests.catalogs import AT, entity, sync_run
from tests.conftest import OpenStore

BY = Attempt(action="putEntities", client="127.0.0.1", request_id="r", source="api", refs=("component:default/a",))


class _BrokenOffError(Exception):
    pass


def event(number: int) -> Event:
    return replace(BY, request_id=str(number)).ended(Outcome.REFUSED, AT, code="FORBIDDEN", counts={"n": number})


async def record(store: Store, *events: Event) -> None:
    async with store.write() as tx:
        for row in events:
            await tx.record(row)


async def whole_log(store: Store) -> list[Record]:
    return await store.audit(1000)


async def test_records_are_kept_in_their_order_and_chained(store: Store) -> None:
    assert (await store.audit_head(), await whole_log(store)) == (Head(0, ""), [])
    await record(store, event(1), event(2))
    await record(store, event(3))
    found = await whole_log(store)
    assert [row.event for row in found] == [event(3), event(2), event(1)]
    assert [row.sequence for row in found] == [3, 2, 1]
    assert [row.previous for row in found] == [found[1].hash, found[2].hash, ""]
    assert await store.audit_head() == Head(3, found[0].hash)
    assert await breach(store) is None
    assert [row.sequence for row in await store.audit(1, 3)] == [2]
    assert await store.audit(5, 1) == []
    assert await store.revision() == 0


async def test_a_record_and_what_it_tells_of_are_written_together_or_not_at_all(store: Store) -> None:
    changes = ChangeSet(entities=[entity("a")])
    run = sync_run(revision=1)
    with suppress(_BrokenOffError):
        async with store.write() as tx:
            await tx.apply(changes, run, AT)
            await tx.record(BY.wrote(run, changes))
            raise _BrokenOffError
    assert (await store.revision(), await whole_log(store)) == (0, [])
    async with store.write() as tx:
        await tx.apply(changes, run, AT)
        await tx.record(BY.wrote(run, changes))
    (row,) = await whole_log(store)
    assert await store.revision() == 1
    assert (row.event.refs, row.event.run, row.event.revision) == (("component:default/a",), run.id, 1)


async def test_writers_of_several_processes_make_one_chain(store: Store, open_store: OpenStore) -> None:
    other = await open_store()
    for number in range(6):
        await record(other if number % 2 else store, event(number))
    found = await whole_log(store)
    assert [row.event for row in found] == [event(number) for number in reversed(range(6))]
    assert await breach(other) is None


async def test_keys_are_replaced_by_their_id_and_in_order(store: Store, open_store: OpenStore) -> None:
    assert await store.keys() == []
    _, ci = new_key("ci", Role.INGESTOR, 100, 30, source="crm")
    _, ann = new_key("ann", Role.ADMIN, 100, 1)
    _, newer = new_key("ann", Role.ADMIN, 200, 1)
    async with store.write() as tx:
        for key in (ci, newer, ann):
            await tx.put_key(key)
    assert await (await open_store()).keys() == [ann, newer, ci]
    async with store.write() as tx:
        await tx.put_key(replace(ann, revoked_at=150))
    assert await store.keys() == [replace(ann, revoked_at=150), newer, ci]
    with suppress(_BrokenOffError):
        async with store.write() as tx:
            await tx.put_key(replace(ci, revoked_at=150))
            raise _BrokenOffError
    assert ci in await store.keys()
