"""A backup holds everything, from either store into either, and is refused where it would mix or is not whole."""

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from graph_api.access.audit import Attempt, Outcome
from graph_api.access.keys import new_key
from graph_api.access.principal import Role
from graph_api.backup.file import Digest, check_file, read_batches
from graph_api.backup.run import back_up, digest_of, restore
from graph_api.catalog.audience import Visibility
from graph_api.catalog.changes import ChangeSet, SyncStatus
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import ALL, Sort
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.relations import IMPACT_RELATIONS, Direction
from graph_api.catalog.snapshot import Snapshot
from graph_api.catalog.traversal import Traversal, WalkRequest
from graph_api.errors import CatalogError, ErrorCode, ReplacedError
from graph_api.store.dump import TornError
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.lookups import Said
from graph_api.store.protocol import PageRequest, Store, StoredAnswer
from graph_api.sync import confirm_sync, sync
from tests.access.signing_in import breach
from tests.catalogs import AT, entity, links, refs, with_ends, write
from tests.conftest import OpenStore, Run
from tests.demo import load
from tests.disk import full_above


async def filled(store: Store) -> Store:
    """The demo organization, with removals, a held sync and a write of each kind."""
    await load(store)
    await write(store, with_ends(links("a>b a>c")))
    page = await store.page(PageRequest(filter=ALL, sort=Sort(), limit=1))
    assert page.entities
    for audience in ("role:viewer", "nobody"):
        await write(store, ChangeSet(entities=[entity("b", audience=audience)]))
    await write(store, ChangeSet(removed=refs("a"), removed_links=[link.key for link in links("a>b a>c")]))
    source = (await store.sources())[0]
    await sync(store, Snapshot(source=source.name, connector=source.connector, entities={}), SourceOrder())
    async with store.write() as tx:
        await tx.put_key(new_key("ci", Role.EDITOR, 1_000, 30)[1])
        await tx.record(Attempt(action="keep").ended(Outcome.APPLIED, AT))
    return store


async def answers(store: Store) -> list[Any]:
    """To the questions that show most of what a store holds."""
    page = await store.page(PageRequest(filter=ALL, sort=Sort(), limit=1000))
    hub = max(page.entities, key=lambda row: len(row.statements))
    walk = WalkRequest(traversal=Traversal(start=(hub.ref,), direction=Direction.IN, relations=IMPACT_RELATIONS))
    return [
        page,
        await store.facets(ALL, ["kind", "owner", "system", "tier"]),
        await store.search("checkout", ALL),
        await store.neighbours([row.ref for row in page.entities], Direction.OUT, IMPACT_RELATIONS),
        await store.walk(walk, deadline=10),
        await store.changes(0, 1000),
        await store.changes(3, 1000),
        await store.seen_by(Visibility(frozenset({"role:viewer"}))).changes(0, 1000),
        await store.seen_by(Visibility(frozenset())).changes(0, 1000),
        await store.sources(),
        await store.syncs(None, 1000),
        await store.problems(None, 1000),
        await store.source_order(),
        await store.keys(),
        await store.audit(1000),
        await store.audit_head(),
        await statements(store),
    ]


async def statements(store: Store) -> dict[str, Said]:
    """By source."""
    async with store.write() as tx:
        return {source.name: await tx.said_by(source.name) for source in await store.sources()}


async def test_what_is_restored_answers_alike_whatever_store_it_was(store: Store, tmp_path: Path) -> None:
    before = await answers(await filled(store))
    counts = await back_up(store, tmp_path / "backup")
    assert counts["Entity"] == len(before[0].entities)
    other = EmbeddedStore(tmp_path / "other.db")
    await other.open()
    try:
        assert await restore(other, tmp_path / "backup") == counts
        assert await answers(other) == before
        assert (await digest_of(other)).text == check_file(tmp_path / "backup").text
        await back_up(other, tmp_path / "again")
        with pytest.raises(CatalogError, match="not empty"):
            await restore(store, tmp_path / "again")
        await restore(store, tmp_path / "again", replace=True)
        assert await answers(store) == before
        await goes_on(store)
        await goes_on(other)
    finally:
        await other.close()


async def goes_on(store: Store) -> None:
    """What is restored can be written to, and what was held can be confirmed."""
    await store.ping()
    assert await breach(store) is None
    revision = await store.revision()
    held = await store.syncs(None, 10, status=SyncStatus.HELD)
    await confirm_sync(store, held[0].id, SourceOrder())
    assert await write(store, with_ends(links("a>new"))) == revision + 2


async def test_a_write_that_a_restore_undid_can_be_sent_again(store: Store, tmp_path: Path) -> None:
    await write(store, ChangeSet(entities=[entity("a")]))
    await back_up(store, tmp_path / "backup")
    async with store.write() as tx:
        await tx.keep_answer(StoredAnswer("ann\nkey", "digest", b"answer"), 60)
    await restore(store, tmp_path / "backup", replace=True)
    async with store.write() as tx:
        assert await tx.answer_of("ann\nkey") is None


async def test_a_search_finds_nothing_of_before_a_restore(store: Store, tmp_path: Path) -> None:
    said = [[entity(f"{name}{number}", description="a ledger") for number in range(400)] for name in "ab"]
    await write(store, ChangeSet(entities=said[0]))
    await back_up(store, tmp_path / "backup")
    await write(store, ChangeSet(removed=[row.ref for row in said[0]]))
    await write(store, ChangeSet(entities=[*said[1], entity("the-ledger")]))
    assert (await store.search("ledger", ALL))[0] == "component:default/the-ledger"
    await restore(store, tmp_path / "backup", replace=True)
    assert set(await store.search("ledger", ALL)) == {row.ref for row in said[0]}


async def test_a_running_server_notices_a_restore(store: Store, open_store: OpenStore, tmp_path: Path) -> None:
    await write(store, ChangeSet(entities=[entity("a")]))
    await back_up(store, tmp_path / "backup")
    running = await open_store()
    await running.ping()
    await restore(store, tmp_path / "backup", replace=True)
    with pytest.raises(ReplacedError):
        await running.ping()


async def test_a_running_server_mixes_no_two_catalogs(store: Store, open_store: OpenStore, tmp_path: Path) -> None:
    """What it has in memory is of the one before, whose revision may be the same."""
    await write(store, with_ends(links("a>b")))
    await back_up(store, tmp_path / "backup")
    await restore(store, tmp_path / "backup", replace=True)
    running = await open_store()
    await write(store, with_ends(links("x>y y>z")))
    for _ in range(2):
        assert await running.count(ALL) == 5
        assert list(await running.entities(refs("x"))) == refs("x")
    other = EmbeddedStore(None)
    await other.open()
    await write(other, with_ends(links("m>n")))
    await write(other, with_ends(links("o>p")))
    await back_up(other, tmp_path / "other")
    await other.close()
    await restore(store, tmp_path / "other", replace=True)
    with pytest.raises(ReplacedError):
        await write(running, ChangeSet(entities=[entity("c")]))
    if not isinstance(store, EmbeddedStore):
        assert (await running.revision(), await running.count(ALL)) == (2, 4)
        return
    for question in (running.revision(), running.count(ALL), running.entities(refs("x"))):
        with pytest.raises(ReplacedError):
            await question
    assert await store.count(ALL) == 4


async def test_a_backup_beside_writers_is_of_one_revision(store: Store, open_store: OpenStore, tmp_path: Path) -> None:
    """Each write adds one entity, so that revision and entities must agree."""
    writer = await open_store()
    stop = asyncio.Event()

    async def keep_writing() -> int:
        revision = 0
        while not stop.is_set():
            revision = await write(writer, ChangeSet(entities=[entity(f"e{revision:05}")]))
        return revision

    writing = asyncio.create_task(keep_writing())
    while not await store.revision():  # noqa: ASYNC110 - from outside there is no event
        await asyncio.sleep(0.05)
    counts = await back_up(store, tmp_path / "backup")
    stop.set()
    written = await writing
    lines = gzip.decompress((tmp_path / "backup").read_bytes()).splitlines()
    (catalog,) = [line for line in lines if line.startswith(b'["catalog"')]
    assert f'"revision":{counts["Entity"]}'.encode() in catalog
    assert 0 < counts["Entity"] <= written


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign", "no end", "newer"])
async def test_a_file_that_is_not_whole_changes_nothing(store: Store, tmp_path: Path, damage: str) -> None:
    await write(store, with_ends(links("a>b")))
    path = tmp_path / "backup"
    await back_up(store, path)
    whole = path.read_bytes()
    text = gzip.decompress(whole)
    path.write_bytes(
        {
            "cut": whole[:-20],
            "changed": gzip.compress(text.replace(b"component:default/a", b"component:default/x")),
            "foreign": b"name: checkout\n",
            "no end": gzip.compress(b"".join(text.splitlines(keepends=True)[:-1])),
            "newer": gzip.compress(text.replace(b'"graph-api backup":1', b'"graph-api backup":99')),
        }[damage]
    )
    with pytest.raises(CatalogError) as refused:
        await restore(store, path, replace=True)
    assert refused.value.code is ErrorCode.INVALID
    await store.ping()
    assert await store.count(ALL) == 2


def rewrite(path: Path, change: Callable[[str, dict[str, Any]], None]) -> None:
    """As a version writes it whose rows have other fields."""
    head, *rows, _ = gzip.decompress(path.read_bytes()).splitlines()
    digest, written = Digest(), [head]
    for row in map(orjson.loads, rows):
        change(*row)
        written.append(orjson.dumps(row, option=orjson.OPT_SORT_KEYS))
        digest.add(written[-1])
    written.append(orjson.dumps({"rows": digest.rows, "digest": digest.text}))
    path.write_bytes(gzip.compress(b"\n".join(written)))


async def test_what_an_older_version_wrote_is_restored(store: Store, tmp_path: Path) -> None:
    """Its runs did not tell where they read, and nothing was hidden."""
    before = await answers(await filled(store))
    path = tmp_path / "backup"
    await back_up(store, path)

    def forget(name: str, values: dict[str, Any]) -> None:
        if name == "run":
            assert values["record"].pop("read_from") is None
        if name == "removed" and not values["hidden"]:
            del values["hidden"]

    rewrite(path, forget)
    await restore(store, path, replace=True)
    assert await answers(store) == before


@pytest.mark.parametrize("where", ["entity", "run"])
async def test_what_only_a_newer_version_knows_changes_nothing(store: Store, tmp_path: Path, where: str) -> None:
    await sync(store, Snapshot(source="files", connector="files", entities={}), SourceOrder())
    await write(store, with_ends(links("a>b")))
    path = tmp_path / "backup"
    await back_up(store, path)

    def add(name: str, values: dict[str, Any]) -> None:
        if name == where:
            values["mood"] = "fine"

    rewrite(path, add)
    with pytest.raises(CatalogError, match="does not know") as refused:
        await restore(store, path, replace=True)
    assert refused.value.code is ErrorCode.INVALID
    await store.ping()
    assert await store.count(ALL) == 2


async def test_a_restore_that_did_not_end_leaves_no_store_to_use(
    store: Store, open_store: OpenStore, tmp_path: Path
) -> None:
    await write(store, with_ends(links("a>b")))
    await back_up(store, tmp_path / "backup")

    async def die() -> None:
        async with store.restore(replace=True):
            raise KeyError

    with pytest.raises(KeyError):
        await die()
    if isinstance(store, EmbeddedStore):
        await store.ping()
        assert await store.count(ALL) == 2, "it was one transaction"
        return
    with pytest.raises(CatalogError, match="being restored"):
        await open_store()
    with pytest.raises(CatalogError, match="being restored"):
        await write(store, ChangeSet(entities=[entity("c")]))
    await store.open(to_restore=True)
    await restore(store, tmp_path / "backup", replace=True)
    await (await open_store()).ping()
    assert await store.count(ALL) == 2


def large_documents() -> ChangeSet:
    document = {"definition": "openapi " * 125_000}
    said = [replace(next(iter(entity(f"a{n}").statements.values())), spec=document) for n in range(20)]
    return ChangeSet(entities=[entity(row.name, statements={"files": row}) for row in said])


async def test_large_documents_are_restored_a_few_at_a_time(tmp_path: Path) -> None:
    """A database holds in its memory what it is given at once."""
    store = EmbeddedStore(None)
    await store.open()
    await write(store, large_documents())
    await back_up(store, tmp_path / "backup")
    await store.close()
    batches = [batch for batch in read_batches(tmp_path / "backup") if isinstance(batch[0], Entity)]
    assert sum(map(len, batches)) == 20
    assert max(map(len, batches)) < 10


@pytest.mark.parametrize("open_store", ["neo4j"], indirect=True)
async def test_large_documents_are_read_a_few_at_a_time(store: Store) -> None:
    """The database holds in its memory what it answers at once."""
    await write(store, large_documents())
    batches = [[row.ref for row in batch if isinstance(row, Entity)] async for batch in store.dump()]
    assert [ref for batch in batches for ref in batch] == sorted(refs(" ".join(f"a{n}" for n in range(20))))
    assert max(map(len, batches)) < 10


async def test_nobody_is_answered_from_half_a_restore(store: Store, open_store: OpenStore) -> None:
    await write(store, with_ends(links("a>b")))
    running = await open_store()
    async with store.restore(replace=True):
        if isinstance(store, EmbeddedStore):
            assert await running.count(ALL) == 2
            assert len(await running.sources()) == 1
            return
        for question in (running.count(ALL), running.sources(), running.changes(0, 10)):
            with pytest.raises(CatalogError, match="being restored"):
                await question


async def test_a_backup_beside_a_restore_is_of_one_catalog(store: Store, open_store: OpenStore, tmp_path: Path) -> None:
    """Also where both catalogs have one revision."""
    other = EmbeddedStore(None)
    await other.open()
    await write(other, with_ends(links("x>y")))
    await back_up(other, tmp_path / "backup")
    await other.close()
    await write(store, with_ends(links("a>b")))
    dump = (await open_store()).dump()
    rows = list(await anext(dump))
    await restore(store, tmp_path / "backup", replace=True)
    try:
        rows += [row async for batch in dump for row in batch]
    except TornError:
        return
    assert [row.ref for row in rows if isinstance(row, Entity)] == refs("a b")


def test_a_disk_that_is_full_is_told_with_the_file(tmp_path: Path, run: Run) -> None:
    store = EmbeddedStore(None)
    run(store.open())
    with full_above(16), pytest.raises(CatalogError, match=f"{tmp_path / 'backup'}: File too large"):
        run(back_up(store, tmp_path / "backup"))
    run(store.close())
    assert not list(tmp_path.iterdir())


def test_only_its_owner_may_read_it(tmp_path: Path, run: Run) -> None:
    store = EmbeddedStore(None)
    run(store.open())
    run(back_up(store, tmp_path / "backup"))
    run(store.close())
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
