"""The compact graph of the embedded store: what changes little by little, and the file that the next start reads."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from graph_api.access.audit import Attempt, Outcome
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.filters import ALL
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import FACET_FIELDS, Facet, Traversal, WalkAnswer, WalkRequest
from graph_api.store.embedded.connections import connect
from graph_api.store.embedded.parallel import in_parallel
from graph_api.store.embedded.schema import current_revision
from graph_api.store.protocol import Store
from tests.catalogs import AT, entity, link, links, refs, sync_run, with_ends
from tests.store.opening import opened

SIZE, CHANGED, STEP, NEW = 8_000, 1_500, 300, 1_100


async def write(store: Store, changes: ChangeSet) -> None:
    """With its record, as every write of a user has one."""
    async with store.write() as transaction:
        await transaction.apply(changes, sync_run(revision=transaction.revision + 1), AT)
        await transaction.record(Attempt(action="test").ended(Outcome.APPLIED, AT))


async def everything(store: Store, start: str = "a") -> tuple[list[WalkAnswer], dict[str, Facet]]:
    requests = (
        WalkRequest(
            traversal=Traversal(start=tuple(refs(start)), direction=direction, budget=1_000_000),
            limit=100,
            total=True,
            severity=True,
            facets=tuple(FACET_FIELDS),
            completeness=True,
        )
        for direction in Direction
    )
    walks = [await store.walk(request, deadline=30) for request in requests]
    return walks, await store.facets(ALL, [field for field in FACET_FIELDS if field != "severity"])


async def afresh(path: Path, start: str = "a") -> tuple[list[WalkAnswer], dict[str, Facet]]:
    """From a copy of the catalog's file, beside which there is no other."""
    alone = path.with_name("alone.db")
    copy(path, alone)
    alone.with_name("alone.db-graph").unlink(missing_ok=True)
    async with opened(alone) as store:
        return await everything(store, start)


def copy(path: Path, to: Path) -> None:
    """The catalog alone, with what SQLite has not put into it yet."""
    for end in ("", "-wal", "-shm"):
        Path(f"{to}{end}").unlink(missing_ok=True)
        if end != "-shm" and Path(f"{path}{end}").exists():
            shutil.copy(f"{path}{end}", f"{to}{end}")


def tagged(numbers: Sequence[int], tag: str) -> ChangeSet:
    rows = [entity(f"n{number}", tags=(tag,), tier=1 + number % 3) for number in numbers]
    return ChangeSet(entities=rows, links=[link(f"n{number}", f"n{number // 3}") for number in numbers])


async def test_few_that_come_and_go_take_their_places(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as store:
        await write(store, with_ends(links(" ".join(f"k{number}>m" for number in range(9)))))
        await everything(store, "m")
        for number in range(8):
            names = [f"{first}{number}" for first in "azk"[: 1 + number % 3]]
            gone = [f"k{number}", *(f"a{before}" for before in range(number - 1, number) if number % 2)]
            coming = ChangeSet(
                entities=[entity(name) for name in names],
                links=[link(name, "m") for name in names],
                removed=refs(" ".join(gone)),
                removed_links=[link(name, "m").key for name in gone],
            )
            await write(store, coming)
            assert await everything(store, "m") == await afresh(path, "m")


async def test_many_changes_one_after_the_other_are_the_same_as_all_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as store:
        far = [link(f"n{number}", f"n{number // 2}") for number in range(1, SIZE)]
        await write(store, with_ends(far))
        await everything(store, "n0 n7")
        for first in range(0, CHANGED, STEP):
            await write(store, tagged(range(first + 1, first + 1 + STEP), f"t{first}"))
            assert await everything(store, "n0 n7") == await afresh(path, "n0 n7")
        await write(
            store, ChangeSet(entities=[entity(f"m{number}") for number in range(NEW)], links=[link("m7", "n7")])
        )
        assert await everything(store, "n0 n7") == await afresh(path, "n0 n7")


FILE = "c.db-graph"


async def test_the_next_start_reads_the_graph_from_a_file_that_only_its_owner_may_read(tmp_path: Path) -> None:
    path, file = tmp_path / "c.db", tmp_path / FILE
    fillers = [entity(f"filler-{number}", tags=("some",)) for number in range(20)]
    async with opened(path) as store:
        await write(store, with_ends(links("a>b b~c c>d"), *fillers))
        before = await everything(store)
    made = file.stat()
    assert made.st_mode & 0o777 == 0o600
    async with opened(path) as store:
        assert await everything(store) == before
        await write(store, with_ends([link("e", "a")], entity("b", tags=("new",))))
    async with opened(path) as store:
        assert await everything(store) == await afresh(path)
    assert file.stat().st_mtime_ns == made.st_mtime_ns, "nobody has read the whole catalog again"


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-300] ^= 1
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def other(file: Path) -> None:
    file.write_text("name: checkout\n" * 100)


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("harm", [cut, flip, empty, other, folder, Path.unlink])
async def test_a_file_that_is_no_good_is_not_believed(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as store:
        await write(store, with_ends(links("a>b b~c c>d")))
        before = await everything(store)
    harm(tmp_path / FILE)
    async with opened(path) as store:
        assert await everything(store) == before


async def test_a_file_of_another_past_of_the_catalog_is_not_believed(tmp_path: Path) -> None:
    path, twin = tmp_path / "c.db", tmp_path / "twin.db"
    async with opened(path) as store:
        await write(store, with_ends(links("a>b")))
    copy(path, twin)
    async with opened(twin) as store:
        await write(store, with_ends(links("c>a")))
        await write(store, with_ends(links("d>a")))
    async with opened(path) as store:
        await write(store, with_ends(links("e>b f>e")))
        await everything(store)
    copy(twin, path)
    async with opened(path) as store:
        assert await everything(store) == await afresh(path)


@pytest.mark.parametrize("written", [False, True], ids=["nobody", "somebody"])
async def test_who_reads_together_sees_one_revision(tmp_path: Path, written: bool) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as store:
        await write(store, with_ends(links("a>b")))
        with closing(connect(path, 0)) as conn:
            conn.execute("BEGIN")
            before = current_revision(conn)
            if written:
                await write(store, with_ends(links("b>c")))
            here, beside = in_parallel(
                conn, lambda: current_revision(conn), lambda other: (other, current_revision(other))
            )
            assert here == beside[1] == before
            assert (beside[0] is conn) == written
